import { type DeliveryCap, isCappedBy, usageOf } from './delivery-cap.ts'
import type { DigestMatch } from './digest-bucket.ts'
import type { PlanFacts } from './plan-facts.ts'
import { policyFault } from './policy.ts'
import { preferencesFor } from './preference.ts'
import { holding, type QuietHours, quietHoursFor } from './quiet-hours.ts'
import { countedText, listText, minutesText, windowsText } from './wording.ts'

/** Whose a change is, the cheapest first: nobody's, the recipient's, an operator's, whoever gives the data, a programmer's. */
export const CHANGE_KINDS = ['wait', 'recipient_setting', 'tenant_setting', 'data', 'code'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/** One fact of the planner's that could be another. */
export interface Change {
  readonly kind: ChangeKind
  /** What to do, as a clause. */
  readonly clause: string
  /** The same as data. */
  readonly change: unknown
  readonly apply: (facts: PlanFacts) => PlanFacts
}

/** The changes that a set of facts gives rise to; those of a rule that has nothing against it are left out. */
type Changes = (facts: PlanFacts, at: Date) => readonly Change[]

const switchOn: Changes = (facts) => {
  const decider = facts.required ? undefined : preferencesFor(facts.preferences, facts)[0]?.preference
  if (!decider || decider.enabled) return []
  const { notificationKey, category, channel } = decider
  const named = notificationKey === null ? category !== null && `the category "${category}"` : `"${notificationKey}"`
  const what = [named || null, channel && (named ? `on ${channel}` : `the channel ${channel}`)]
  const preference = {
    ...(notificationKey !== null && { notificationKey }),
    ...(category !== null && { category }),
    ...(channel !== null && { channel }),
    enabled: true,
  }
  return [
    {
      kind: 'recipient_setting',
      clause: `switch ${what.filter(Boolean).join(' ')} back on in the recipient's preferences`,
      change: { setPreferences: { preferences: [preference] } },
      apply: (before) => ({
        ...before,
        preferences: before.preferences.map((one) => (one === decider ? { ...one, enabled: true } : one)),
      }),
    },
  ]
}

const capText = (cap: DeliveryCap): string => `${cap.limit} ${countedText(cap)} in ${minutesText(cap.windowMinutes)}`

/** A cap with room for one more; `null` where none may be as high, and it has to go. */
const raised = (cap: DeliveryCap, count: number): DeliveryCap | null => {
  const to = { ...cap, limit: count + 1 }
  return policyFault({ caps: [to] }, []) === null ? to : null
}

const makeRoom: Changes = (facts, at) => {
  const full = facts.caps.flatMap((own) => {
    const { count } = usageOf(own, at)
    const isFull = !facts.required && isCappedBy(own.cap, facts) && count >= own.cap.limit
    return isFull ? [{ own, to: raised(own.cap, count) }] : []
  })
  if (full.length === 0) return []
  const clauses = full.map(({ own: { cap }, to }) => {
    const whose = `the recipient's cap of ${capText(cap)}`
    return to ? `raise ${whose} to ${to.limit} or remove it` : `remove ${whose}`
  })
  const add = full.flatMap(({ to }) => to ?? [])
  return [
    {
      kind: 'recipient_setting',
      clause: listText(clauses),
      change: {
        policySettings: {
          remove: { caps: full.map(({ own }) => own.cap) },
          ...(add.length > 0 && { add: { caps: add } }),
        },
      },
      apply: (before) => ({
        ...before,
        caps: before.caps.flatMap((one) => {
          const found = full.find(({ own }) => own === one)
          return found ? (found.to ? [{ ...one, cap: found.to }] : []) : [one]
        }),
      }),
    },
  ]
}

/** As the API takes it. */
const asInput = (window: QuietHours) => ({ ...window, days: window.days.map((day) => day.toUpperCase()) })

const endQuiet: Changes = (facts, at) => {
  if (facts.urgent || facts.released) return []
  const windows = holding(at, quietHoursFor(facts.quietHours, facts.channel), facts.zone.timeZone)
  if (windows.length === 0) return []
  return [
    {
      kind: 'recipient_setting',
      clause: `take the quiet hours ${windowsText(windows)} out of the recipient's settings`,
      change: { policySettings: { remove: { quietHours: windows.map(asInput) } } },
      apply: (before) => ({
        ...before,
        quietHours: before.quietHours.filter((window) => !windows.includes(window)),
      }),
    },
  ]
}

const giveAddress: Changes = ({ channel, addresses: { needed, usable, bounced } }) =>
  needed && usable === 0
    ? [
        {
          kind: 'data',
          clause: `register ${bounced > 0 ? 'another' : 'an'} address of the recipient for ${channel}`,
          change: { registerAddress: { channel } },
          apply: (before) => ({ ...before, addresses: { ...before.addresses, usable: 1 } }),
        },
      ]
    : []

// Also where it has not expired: what waits for long enough will have.
const neverExpire: Changes = ({ expiresAt }) =>
  expiresAt
    ? [
        {
          kind: 'data',
          clause: 'trigger it without `expiresAt`, or with a later one',
          change: { trigger: { expiresAt: null } },
          apply: (before) => ({ ...before, expiresAt: null }),
        },
      ]
    : []

const leaveUnread: Changes = ({ fallback, member, read }) =>
  (fallback || member?.excludeRead) && read
    ? [
        {
          kind: 'data',
          clause: 'have the notification unread, and not archived, when this is due',
          change: { markUnread: true },
          apply: (before) => ({ ...before, read: false }),
        },
      ]
    : []

const requireIt: Changes = (facts, at) =>
  switchOn(facts, at).length + makeRoom(facts, at).length > 0
    ? [
        {
          kind: 'code',
          clause: `declare the notifier "${facts.notificationKey}" \`required\`, which passes preferences and caps`,
          change: { notifier: { required: true } },
          apply: (before) => ({ ...before, required: true }),
        },
      ]
    : []

const hurry: Changes = (facts, at) =>
  endQuiet(facts, at).length > 0
    ? [
        {
          kind: 'code',
          clause: `declare the notifier "${facts.notificationKey}" \`urgent\`, which passes quiet hours`,
          change: { notifier: { urgent: true } },
          apply: (before) => ({ ...before, urgent: true }),
        },
      ]
    : []

const dontFallBack: Changes = ({ notificationKey, channel, fallback, read, released }, at) =>
  fallback && (read || (fallback.until > at && !released))
    ? [
        {
          kind: 'code',
          clause: `take ${channel} out of the fallback channels of the notifier "${notificationKey}"`,
          change: { notifier: { fallback: null } },
          apply: (before) => ({ ...before, fallback: null }),
        },
      ]
    : []

const isHeld = ({ digest }: PlanFacts, at: Date): boolean =>
  digest !== null && digest !== 'no_rule' && at < digest.windowEndsAt

const dropRule: Changes = (facts, at) =>
  isHeld(facts, at)
    ? [
        {
          kind: 'tenant_setting',
          clause: `delete the digest rule ${(facts.digest as DigestMatch).ruleIdentity}, so that no other holds it`,
          change: { deleteDigestRule: { ruleIdentity: (facts.digest as DigestMatch).ruleIdentity } },
          apply: (before) => ({ ...before, digest: 'no_rule' }),
        },
      ]
    : []

const keepRead: Changes = ({ member, read }) =>
  member?.excludeRead && read
    ? [
        {
          kind: 'tenant_setting',
          clause: 'give the digest rule a version without `excludeRead`',
          change: { upsertDigestRule: { excludeRead: false } },
          apply: (before) => ({ ...before, member: { excludeRead: false } }),
        },
      ]
    : []

const dontHold: Changes = (facts, at) =>
  isHeld(facts, at)
    ? [
        {
          kind: 'code',
          clause: `take ${facts.channel} out of \`digest\` of the notifier "${facts.notificationKey}"`,
          change: { notifier: { digest: null } },
          apply: (before) => ({ ...before, digest: null }),
        },
      ]
    : []

const ALL: readonly Changes[] = [
  switchOn,
  makeRoom,
  endQuiet,
  dropRule,
  keepRead,
  giveAddress,
  leaveUnread,
  neverExpire,
  requireIt,
  hurry,
  dontFallBack,
  dontHold,
]

/** Every single change, but for waiting, that could take an objection away at an instant: the cheapest kind first. */
export const changesOf: Changes = (facts, at) => ALL.flatMap((changes) => changes(facts, at))
