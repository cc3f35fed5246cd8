import type { DeliveryCap } from '../../server/core/delivery-cap.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'
import type { QuietHours } from '../../server/core/quiet-hours.ts'

interface QuietHoursInput extends Omit<QuietHours, 'days'> {
  readonly days: readonly string[]
}

interface PolicyPart {
  readonly caps?: readonly DeliveryCap[]
  readonly quietHours?: readonly QuietHoursInput[]
}

/** A counterfactual's change, as whoever reads the explanation gets it. */
export interface ChangeData {
  readonly at?: string
  readonly setPreferences?: {
    readonly preferences: readonly {
      readonly notificationKey?: string
      readonly category?: string
      readonly channel?: string
      readonly enabled: boolean
    }[]
  }
  readonly policySettings?: { readonly remove: PolicyPart; readonly add?: Pick<PolicyPart, 'caps'> }
  readonly registerAddress?: { readonly channel: string }
  readonly trigger?: { readonly expiresAt: null }
  readonly markUnread?: boolean
  readonly deleteDigestRule?: { readonly ruleIdentity: string }
  readonly upsertDigestRule?: { readonly excludeRead: false }
  readonly notifier?: {
    readonly required?: true
    readonly urgent?: true
    readonly fallback?: null
    readonly digest?: null
  }
}

const isCap = (a: DeliveryCap, b: DeliveryCap): boolean =>
  a.limit === b.limit && a.windowMinutes === b.windowMinutes && a.channel === b.channel && a.category === b.category

// The API has its days in capitals, the planner has not.
const isWindow = (a: QuietHoursInput, b: QuietHoursInput): boolean =>
  a.start === b.start &&
  a.end === b.end &&
  a.days.join().toLowerCase() === b.days.join().toLowerCase() &&
  a.channels.join() === b.channels.join()

/** A list of settings after a change of policy settings. Of the same one twice, each mention takes one away. */
const changed = <T>(
  list: readonly T[],
  { remove = [], add = [] }: { readonly remove?: readonly T[] | undefined; readonly add?: readonly T[] | undefined },
  isSame: (a: T, b: T) => boolean,
): readonly T[] => {
  const left = [...list]
  for (const gone of remove) {
    const index = left.findIndex((one) => isSame(one, gone))
    if (index < 0) throw new Error(`there is no ${JSON.stringify(gone)} to remove`)
    left.splice(index, 1)
  }
  return [...left, ...add]
}

/** A recipient's settings after a change, as whoever follows the explanation would store them. */
export const changedSettings = <Window extends QuietHoursInput>(
  { caps, quietHours }: { readonly caps: readonly DeliveryCap[]; readonly quietHours: readonly Window[] },
  { remove, add }: NonNullable<ChangeData['policySettings']>,
) => ({
  caps: changed(caps, { remove: remove.caps, add: add?.caps }, isCap),
  quietHours: changed(quietHours, { remove: remove.quietHours as readonly Window[] | undefined }, isWindow),
})

interface Situation {
  readonly facts: PlanFacts
  readonly now: Date
}

/** The planner's facts, and the instant, with a change carried out: a reading of the data of its own, not the planner's. */
export const applyChange = ({ facts, now }: Situation, change: ChangeData): Situation => {
  let after = facts
  for (const { notificationKey = null, category = null, channel = null, enabled } of change.setPreferences
    ?.preferences ?? []) {
    const named = { notificationKey, category, channel }
    const others = after.preferences.filter(
      (one) => one.notificationKey !== notificationKey || one.category !== category || one.channel !== channel,
    )
    after = { ...after, preferences: [...others, { ...named, enabled }] }
  }
  if (change.policySettings) {
    const caps = after.caps.map(({ cap }) => cap)
    const settings = changedSettings({ quietHours: after.quietHours, caps }, change.policySettings)
    // What a new cap counts is what any cap of that window, channel and category does.
    const countedBy = (cap: DeliveryCap) =>
      after.caps
        .filter((one) => isCap({ ...one.cap, limit: 0 }, { ...cap, limit: 0 }))
        .map(({ counted }) => counted)
        .sort((a, b) => b.length - a.length)[0] ?? []
    after = {
      ...after,
      quietHours: settings.quietHours,
      caps: settings.caps.map((cap) => ({ cap, counted: countedBy(cap) })),
    }
  }
  if (change.registerAddress)
    after = { ...after, addresses: { ...after.addresses, usable: after.addresses.usable + 1 } }
  if (change.trigger) after = { ...after, expiresAt: change.trigger.expiresAt }
  if (change.markUnread) after = { ...after, read: false }
  if (change.deleteDigestRule) {
    const { digest } = after
    if (!digest || digest === 'no_rule' || digest.ruleIdentity !== change.deleteDigestRule.ruleIdentity) {
      throw new Error(`there is no rule ${change.deleteDigestRule.ruleIdentity} to delete`)
    }
    after = { ...after, digest: 'no_rule' }
  }
  if (change.upsertDigestRule && after.member) after = { ...after, member: change.upsertDigestRule }
  if (change.notifier) after = { ...after, ...change.notifier }
  return { facts: after, now: change.at === undefined ? now : new Date(change.at) }
}
