import type { InboxKey } from '../core/cursor.ts'
import type { CountedDelivery } from '../core/delivery-cap.ts'
import { inboxName, nameOf } from '../core/name-of.ts'
import { chooseZone, type PlanFacts } from '../core/plan-facts.ts'
import { NO_POLICY, type PolicySettings } from '../core/policy.ts'
import type { Preference } from '../core/preference.ts'
import { mergeRecipient, type Recipient, reachFor } from '../core/recipient.ts'
import { type CapKey, type CountedRow, countTowardCaps } from '../db/sql/count-toward-caps.ts'
import { loadPolicies, type PolicyRow } from '../db/sql/load-policies.ts'
import { loadPreferences, type PreferenceRow } from '../db/sql/load-preferences.ts'
import { loadRecipients, type RecipientRow } from '../db/sql/load-recipients.ts'
import type { InboxRow } from '../db/sql/lock-inboxes.ts'
import type { InboxAdvance } from '../db/sql/write-plans.ts'
import type { Transaction } from '../db/transaction.ts'
import { toPolicy } from './policy-settings.ts'
import { bouncedOf, toRecipient } from './recipients-known.ts'

/** What the planner is told of a recipient. */
export interface RecipientFacts {
  readonly recipient: Recipient
  /** Its addresses that take no messages, by `bouncedName`. */
  readonly bounced: ReadonlySet<string>
  readonly preferences: readonly Preference[]
  readonly policy: PolicySettings
  /** One for each of the policy's caps: the earlier deliveries that it counts. */
  readonly counted: readonly (readonly CountedDelivery[])[]
}

/** The same, moved on by every plan that is made from it, and where the recipient's inbox stands then. */
export interface MovingFacts extends RecipientFacts {
  recipient: Recipient
  readonly counted: readonly CountedDelivery[][]
  readonly inbox: { version: number; position: number; arrivals: number }
}

const rowName = (row: { readonly tenant_id: string; readonly recipient_id: string }): string =>
  nameOf(row.tenant_id, row.recipient_id)

/** A stored row as the planner knows it. */
export const toPreference = (row: PreferenceRow): Preference => ({
  notificationKey: row.notification_key || null,
  category: row.category || null,
  channel: row.channel || null,
  enabled: row.enabled,
})

const byRecipient = <Row extends { readonly tenant_id: string; readonly recipient_id: string }>(
  rows: readonly Row[],
): ReadonlyMap<string, readonly Row[]> => {
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const own = found.get(rowName(row))
    if (own) own.push(row)
    else found.set(rowName(row), [row])
  }
  return found
}

const NONE: ReadonlySet<string> = new Set()

/**
 * Reads what the planner is told of these recipients, in one round trip. Call it in the turn in which the locks are taken
 * and the clock is read, after both, so that it travels with them; without `readClock` before it, it fails. Each of
 * `keys` gets facts of its own, in the same order: caps count what stands before its position. `live` says that the
 * instant is now, as it is wherever anything is written.
 */
export const readFacts = async (
  tx: Transaction,
  keys: readonly CapKey[],
  { live = true }: { readonly live?: boolean } = {},
): Promise<readonly RecipientFacts[]> => {
  const distinct = [...new Map(keys.map((key) => [inboxName(key), key])).values()]
  const [set, policies, counted, stored] = await Promise.all([
    tx.query<PreferenceRow>(loadPreferences(distinct)),
    tx.query<PolicyRow>(loadPolicies(distinct)),
    tx.query<CountedRow>(countTowardCaps(keys, { live })),
    tx.query<RecipientRow>(loadRecipients(distinct)),
  ])
  const preferences = new Map([...byRecipient(set)].map(([name, rows]) => [name, rows.map(toPreference)]))
  const policyOf = new Map(policies.map((row) => [rowName(row), toPolicy(row)]))
  const recipientOf = new Map(
    stored.map((row) => [
      rowName(row),
      { recipient: mergeRecipient(toRecipient(row), { id: row.recipient_id }), bounced: bouncedOf(row) },
    ]),
  )
  const facts = keys.map((key) => {
    const name = inboxName(key)
    const policy = policyOf.get(name) ?? NO_POLICY
    return {
      ...(recipientOf.get(name) ?? { recipient: mergeRecipient(undefined, { id: key.recipientId }), bounced: NONE }),
      preferences: preferences.get(name) ?? [],
      policy,
      counted: policy.caps.map((): CountedDelivery[] => []),
    }
  })
  for (const row of counted) facts[row.ordinal]?.counted[row.cap]?.push({ id: row.id, at: row.counts_at })
  return facts
}

/** One delivery's facts, out of its event's, its recipient's and its channel's. */
export const planFacts = (
  event: Pick<PlanFacts, 'notificationKey' | 'category' | 'required' | 'urgent' | 'expiresAt'>,
  recipient: RecipientFacts,
  delivery: Pick<PlanFacts, 'checkpoint' | 'channel' | 'fallback' | 'released' | 'read'> &
    Partial<Pick<PlanFacts, 'digest' | 'member'>> & {
      readonly needsAddress: boolean
      readonly defaultTimeZone: string | null
    },
): PlanFacts => {
  const reach = reachFor(recipient.recipient, delivery.channel, recipient.bounced)
  return {
    checkpoint: delivery.checkpoint,
    notificationKey: event.notificationKey,
    category: event.category,
    channel: delivery.channel,
    required: event.required,
    urgent: event.urgent,
    released: delivery.released,
    expiresAt: event.expiresAt,
    preferences: recipient.preferences,
    addresses: { needed: delivery.needsAddress, usable: reach.usable.length, bounced: reach.bounced },
    fallback: delivery.fallback,
    read: delivery.read,
    digest: delivery.digest ?? null,
    member: delivery.member ?? null,
    caps: recipient.policy.caps.map((cap, index) => ({ cap, counted: recipient.counted[index] ?? [] })),
    quietHours: recipient.policy.quietHours,
    zone: chooseZone({
      policy: recipient.policy.timeZone,
      recipient: recipient.recipient.timeZone,
      default: delivery.defaultTimeZone,
    }),
  }
}

/** Facts by recipient, and where their inboxes stand once the plans made from them are written. */
export interface FactBook {
  of(inbox: InboxKey): MovingFacts | undefined
  /** The inboxes that a plan has moved. */
  advances(): readonly InboxAdvance[]
}

/** Puts the facts of recipients beside their inboxes; those whose inbox was not locked are left out. */
export const bookFacts = (
  inboxes: readonly InboxRow[],
  { keys, facts }: { readonly keys: readonly InboxKey[]; readonly facts: readonly RecipientFacts[] },
): FactBook => {
  const standOf = new Map(inboxes.map((row) => [rowName(row), row]))
  const book = new Map<string, { readonly key: InboxKey; readonly lockedAt: number; readonly facts: MovingFacts }>()
  for (const [index, { tenantId, recipientId }] of keys.entries()) {
    const name = inboxName({ tenantId, recipientId })
    const inbox = standOf.get(name)
    if (!inbox) continue
    const { version, position } = inbox
    const own = facts[index] as RecipientFacts
    book.set(name, {
      key: { tenantId, recipientId },
      lockedAt: position,
      facts: {
        ...own,
        counted: own.counted.map((list) => [...list]),
        inbox: { version, position, arrivals: 0 },
      },
    })
  }
  return {
    of: (inbox) => book.get(inboxName(inbox))?.facts,
    advances: () =>
      [...book.values()]
        .filter(({ lockedAt, facts }) => facts.inbox.position > lockedAt)
        .map(({ key, facts }) => ({ ...key, ...facts.inbox })),
  }
}
