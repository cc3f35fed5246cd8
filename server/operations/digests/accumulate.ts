import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { bucketName, type DigestPlace, type OpenBucket, type StoredRule, takePlace } from '../../core/digest-bucket.ts'
import { inboxName } from '../../core/name-of.ts'
import { type MovedBucket, moveBuckets } from '../../db/sql/move-buckets.ts'
import { type NewBucket, type NewMember, openBuckets } from '../../db/sql/open-buckets.ts'
import { type AcceptingBucketRow, readAcceptingBuckets } from '../../db/sql/read-accepting-buckets.ts'
import { type DigestRuleRow, readDigestRules } from '../../db/sql/read-digest-rules.ts'
import type { Transaction } from '../../db/transaction.ts'
import { toStoredRule } from './stored-rule.ts'

/** What decides where deliveries are held, moved on by each that is. */
export interface DigestSight {
  /** A tenant's rules that decide now; of those that match alike the first does. */
  rulesOf(tenantId: string): readonly StoredRule[]
  /** The buckets of a recipient that take members, by `bucketName`. */
  bucketsOf(inbox: InboxKey): Map<string, OpenBucket>
}

const sightOf = (rules: readonly DigestRuleRow[], buckets: readonly AcceptingBucketRow[]): DigestSight => {
  const byTenant = new Map<string, StoredRule[]>()
  for (const row of rules) {
    const own = byTenant.get(row.tenant_id) ?? []
    byTenant.set(row.tenant_id, [...own, toStoredRule(row)])
  }
  const byRecipient = new Map<string, Map<string, OpenBucket>>()
  const bucketsOf = (inbox: InboxKey): Map<string, OpenBucket> => {
    const own = byRecipient.get(inboxName(inbox)) ?? new Map<string, OpenBucket>()
    byRecipient.set(inboxName(inbox), own)
    return own
  }
  for (const row of buckets) {
    const bucket: OpenBucket = {
      id: row.id,
      ruleId: row.rule_id,
      channel: row.channel,
      groupingValue: row.grouping_value,
      windowStartsAt: row.window_starts_at,
      windowEndsAt: row.window_ends_at,
      firstItemAt: row.first_item_at,
      memberCount: row.member_count,
    }
    bucketsOf({ tenantId: row.tenant_id, recipientId: row.recipient_id }).set(bucketName(bucket), bucket)
  }
  return { rulesOf: (tenantId) => byTenant.get(tenantId) ?? [], bucketsOf }
}

/** For transactions in which nothing asks for a digest. */
export const NO_DIGESTS: DigestSight = { rulesOf: () => [], bucketsOf: () => new Map() }

/**
 * Reads the rules and the open buckets of these recipients, in one round trip. The inboxes' locks are the buckets': call
 * it in the turn in which they are taken, after them.
 */
export const readDigests = async (tx: Transaction, inboxes: readonly InboxKey[]): Promise<DigestSight> => {
  const tenants = [...new Set(inboxes.map(({ tenantId }) => tenantId))]
  const [rules, buckets] = await Promise.all([
    tx.query<DigestRuleRow>(readDigestRules(tenants)),
    tx.query<AcceptingBucketRow>(readAcceptingBuckets(inboxes)),
  ])
  return sightOf(rules, buckets)
}

/** What holding deliveries brings about, gathered before one write. */
export interface DigestRows {
  readonly opened: Map<string, NewBucket>
  readonly moved: Map<string, MovedBucket>
  readonly members: NewMember[]
}

export const noDigestRows = (): DigestRows => ({ opened: new Map(), moved: new Map(), members: [] })

/** How many of this transaction stand before it in the same window. */
const earlierAlike = ({ opened }: DigestRows, inbox: InboxKey, bucket: OpenBucket): number =>
  [...opened.values()].filter(
    (one) =>
      inboxName(one) === inboxName(inbox) &&
      bucketName(one.bucket) === bucketName(bucket) &&
      one.bucket.windowStartsAt.getTime() === bucket.windowStartsAt.getTime(),
  ).length

/** Adds a delivery that the planner holds to its bucket, or to a new one, and moves the sight on. */
export const joinBucket = (
  rows: DigestRows,
  {
    tenantId,
    recipientId,
    deliveryId,
    position,
  }: InboxKey & { readonly deliveryId: string; readonly position: number },
  {
    place,
    planning,
  }: {
    readonly place: DigestPlace
    readonly planning: { readonly digests: DigestSight; readonly now: Date; readonly newId: () => string }
  },
): void => {
  const { bucket, full } = takePlace(place, planning)
  const buckets = planning.digests.bucketsOf({ tenantId, recipientId })
  if (full) buckets.delete(bucketName(bucket))
  else buckets.set(bucketName(bucket), bucket)
  if (place.follows && !rows.opened.has(place.follows.id)) {
    const { id, windowEndsAt } = place.follows
    rows.moved.set(id, { tenantId, id, added: rows.moved.get(id)?.added ?? 0, windowEndsAt, accepting: false })
  }
  if (place.bucket === null) {
    const nth = earlierAlike(rows, { tenantId, recipientId }, bucket) + 1
    rows.opened.set(bucket.id, { tenantId, recipientId, ruleKey: place.rule.key, bucket, nth, accepting: !full })
  } else {
    const opened = rows.opened.get(bucket.id)
    const { id, windowEndsAt } = bucket
    if (opened) rows.opened.set(id, { ...opened, accepting: !full })
    else
      rows.moved.set(id, { tenantId, id, added: (rows.moved.get(id)?.added ?? 0) + 1, windowEndsAt, accepting: !full })
  }
  rows.members.push({ tenantId, deliveryId, bucketId: bucket.id, position })
}

/** The statements that write it; none where nothing is held. The inboxes' locks must be held. */
export const writeDigests = ({ opened, moved, members }: DigestRows, now: Date): readonly QueryConfig[] =>
  members.length === 0
    ? []
    : [
        // First: a bucket that takes no more makes room for the one that follows it.
        ...(moved.size > 0 ? [moveBuckets([...moved.values()], now)] : []),
        openBuckets({ buckets: [...opened.values()], members }, now),
      ]
