import type { QueryConfig } from 'pg'
import { type RuleAnswer, storedAnswers } from '../../core/decision.ts'
import type { DeliveryStatus } from '../../core/delivery.ts'
import { listOnce } from '../../core/list-once.ts'
import { type NewTransition, transitionValues } from './begin-deliveries.ts'
import { type DigestRuleRow, RULE_COLUMNS } from './read-digest-rules.ts'
import { INTO_TRANSITIONS } from './transition-rows.ts'

export interface BucketKey {
  readonly tenantId: string
  readonly id: string
}

const keyValues = (buckets: readonly BucketKey[]) => [buckets.map((one) => one.tenantId), buckets.map((one) => one.id)]

export interface BucketSizeRow {
  tenant_id: string
  id: string
  recipient_id: string
  member_count: number
}

/** Whose these buckets are and how large, of those that are open. Index: the key. No lock. */
export const readBucketSizes = (buckets: readonly BucketKey[]): QueryConfig => ({
  name: 'read_bucket_sizes',
  text: `
select b.tenant_id, b.id, b.recipient_id, b.member_count
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join digest_bucket b on b.tenant_id = k.tenant_id collate "C" and b.id = k.id and b.state = 'open'`,
  values: keyValues(buckets),
})

/**
 * What is held in these buckets. Each table is asked by its key, row by row: of a young database, in which one tenant has
 * everything, the planner expects a row or two, and would otherwise join all of one table with all of another.
 */
const HELD = `
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
cross join lateral (
  select m.tenant_id, m.bucket_id, m.delivery_id, m.position from digest_membership m
  where m.tenant_id = k.tenant_id collate "C" and m.bucket_id = k.id and m.resolution is null offset 0
) m`

/**
 * Locks what is held in these buckets, one statement after the other: the due rows of those that expire, then the
 * deliveries, in order of key. The inboxes' locks, which come first, keep others from joining. Indexes: the keys, and
 * digest_membership's by bucket.
 */
export const lockMembers = (buckets: readonly BucketKey[]): readonly QueryConfig[] => [
  {
    name: 'lock_member_queue',
    text: `
with held as materialized (select m.tenant_id, m.delivery_id ${HELD})
select d.subject_id from held h
join due d on d.tenant_id = h.tenant_id and d.kind = 'delivery' and d.subject_id = h.delivery_id
order by d.tenant_id, d.subject_id for update of d`,
    values: keyValues(buckets),
  },
  {
    name: 'lock_members',
    text: `
with held as materialized (select m.tenant_id, m.delivery_id ${HELD})
select v.id from held h join delivery v on v.tenant_id = h.tenant_id and v.id = h.delivery_id
order by v.tenant_id, v.id for no key update of v`,
    values: keyValues(buckets),
  },
]

export interface ClosingBucketRow extends DigestRuleRow {
  bucket_id: string
  recipient_id: string
  grouping_value: string
  window_starts_at: Date
  window_ends_at: Date
  accepting: boolean
  due_at: Date | null
  lease_token: string | null
}

/** The buckets that are still open, with their rules and their place in the queue. Indexes: the keys. No lock: the inboxes' are theirs. */
export const readClosingBuckets = (buckets: readonly BucketKey[]): QueryConfig => ({
  name: 'read_closing_buckets',
  text: `
select ${RULE_COLUMNS}, b.id as bucket_id, b.recipient_id, b.grouping_value, b.window_starts_at, b.window_ends_at, b.accepting,
  d.due_at, d.lease_token
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join digest_bucket b on b.tenant_id = k.tenant_id collate "C" and b.id = k.id and b.state = 'open'
join digest_rule r on r.tenant_id = b.tenant_id and r.id = b.rule_id
left join due d on d.tenant_id = b.tenant_id and d.kind = 'digest' and d.subject_id = b.id`,
  values: keyValues(buckets),
})

export interface MemberRow {
  tenant_id: string
  bucket_id: string
  id: string
  notification_key: string
  notification_id: string
  /** The workflow step that it is for, and whether its notification goes through a workflow. */
  step_key: string
  in_run: boolean
  channel: string
  category: string | null
  fallback: boolean
  released: boolean
  expires_at: Date | null
  required: boolean
  urgent: boolean
  /** Whether its notification has been read or archived. */
  read: boolean
}

/** What these buckets hold, in the order in which it was planned. Indexes: the keys, and digest_membership's by bucket. No lock. */
export const readMembers = (buckets: readonly BucketKey[]): QueryConfig => ({
  name: 'read_members',
  text: `
select v.tenant_id, m.bucket_id, v.id, v.notification_key, v.notification_id, v.step_key, v.in_run, v.channel, v.category, v.fallback, v.released, v.expires_at,
  e.required, e.urgent, n.read ${HELD}
cross join lateral (
  select v.* from delivery v where v.tenant_id = m.tenant_id and v.id = m.delivery_id
    and v.status = 'pending' and v.orchestration_state = 'digest_held' offset 0
) v
cross join lateral (select e.required, e.urgent from event e where e.tenant_id = v.tenant_id and e.id = v.event_id offset 0) e
cross join lateral (
  select coalesce(n.read_at, n.archived_at) is not null as read from notification n
  where n.tenant_id = v.tenant_id and n.id = v.notification_id offset 0
) n
order by v.tenant_id, m.bucket_id, m.position`,
  values: keyValues(buckets),
})

/** What became of one member when its bucket closed. */
export interface ClosedMember {
  readonly tenantId: string
  readonly id: string
  readonly status: DeliveryStatus & ('digested' | 'suppressed' | 'cancelled')
  readonly reason: string | null
  readonly decisionId: string
  readonly answers: readonly RuleAnswer[]
  readonly transitions: readonly NewTransition[]
}

export interface ClosedBucket {
  readonly tenantId: string
  readonly id: string
  readonly closedBy: 'window' | 'max_items' | 'operator'
  /** The operator's words. */
  readonly words: string | null
  /** `null` where nothing was left to send. */
  readonly digestDeliveryId: string | null
  /** The transitions of the digest's delivery. */
  readonly transitions: readonly NewTransition[]
}

/**
 * Stores what closing buckets came to, as of `now`: members and the decisions about them, the buckets, and the queue.
 * The locks of `lockMembers` and the inboxes' must be held; the buckets' own come last, in order of key.
 */
export const closeBuckets = (
  { buckets, members }: { readonly buckets: readonly ClosedBucket[]; readonly members: readonly ClosedMember[] },
  now: Date,
): QueryConfig => {
  const answers = listOnce(members.map((row) => storedAnswers(row.answers)))
  const digests = buckets.flatMap(({ tenantId, digestDeliveryId, transitions }) =>
    digestDeliveryId === null ? [] : [{ tenantId, id: digestDeliveryId, transitions }],
  )
  return {
    name: 'close_buckets',
    text: `
with members as (
  select * from unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::int4[])
    as u (tenant_id, id, status, reason, decision_id, answers)
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select tenant_id, decision_id, id, 'perform', $1::timestamptz, $8::jsonb -> answers from members
), transitions as (
  ${INTO_TRANSITIONS}
  select u.*, $1::timestamptz from unnest($9::text[], $10::uuid[], $11::uuid[], $12::text[], $13::text[], $14::jsonb[]) as u
), deliveries as (
  update delivery v set status = u.status, suppression_reason = u.reason, updated_at = $1::timestamptz
  from members u where v.tenant_id = u.tenant_id collate "C" and v.id = u.id
), resolved as (
  update digest_membership m set resolution = case when u.status = 'digested' then 'included' else 'skipped' end, reason = u.reason,
    resolved_at = $1::timestamptz
  from members u where m.tenant_id = u.tenant_id collate "C" and m.delivery_id = u.id
), unqueued as (
  delete from due d using members u where d.tenant_id = u.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = u.id
), buckets as (
  select * from unnest($15::text[], $16::uuid[], $17::text[], $18::text[], $19::uuid[]) as b (tenant_id, id, closed_by, words, digest_delivery_id)
), held as materialized (
  select b.tenant_id, b.id, k.closed_by, k.words, k.digest_delivery_id
  from digest_bucket b join buckets k on b.tenant_id = k.tenant_id collate "C" and b.id = k.id
  order by b.tenant_id, b.id for no key update of b
), closed as (
  update digest_bucket b set state = case when h.digest_delivery_id is null then 'empty' else 'emitted' end, accepting = false,
    emitted_at = $1::timestamptz, closed_by = h.closed_by, closed_words = h.words, digest_delivery_id = h.digest_delivery_id
  from held h where b.tenant_id = h.tenant_id and b.id = h.id
)
delete from due d using held h where d.tenant_id = h.tenant_id and d.kind = 'digest' and d.subject_id = h.id`,
    values: [
      now,
      members.map((row) => row.tenantId),
      members.map((row) => row.id),
      members.map((row) => row.status),
      members.map((row) => row.reason),
      members.map((row) => row.decisionId),
      answers.places,
      answers.list,
      ...transitionValues([...members, ...digests]),
      buckets.map((row) => row.tenantId),
      buckets.map((row) => row.id),
      buckets.map((row) => row.closedBy),
      buckets.map((row) => row.words),
      buckets.map((row) => row.digestDeliveryId),
    ],
  }
}

/** Puts buckets off whose end has moved since they were queued. Index: due's key. Their inboxes must be locked. */
export const putOffBuckets = (buckets: readonly (BucketKey & { readonly until: Date })[]): QueryConfig => ({
  name: 'put_off_buckets',
  text: `
update due d set due_at = k.until, lease_token = null, lease_until = null
from unnest($1::text[], $2::uuid[], $3::timestamptz[]) as k (tenant_id, id, until)
where d.tenant_id = k.tenant_id collate "C" and d.kind = 'digest' and d.subject_id = k.id`,
  values: [...keyValues(buckets), buckets.map((one) => one.until)],
})
