import type { QueryConfig } from 'pg'

export interface MovedBucket {
  readonly tenantId: string
  readonly id: string
  /** How many members have joined. */
  readonly added: number
  readonly windowEndsAt: Date
  /** Whether it takes more. */
  readonly accepting: boolean
}

/**
 * Moves open buckets on by the members that have joined; one that is full is due now, and one that has slid is left to
 * be put off when its old end comes. Index: the keys. Locks: the buckets, in order of key, since members leave them
 * without the lock of the inbox.
 */
export const moveBuckets = (buckets: readonly MovedBucket[], now: Date): QueryConfig => ({
  name: 'move_buckets',
  text: `
with u as (
  select * from unnest($1::text[], $2::uuid[], $3::int4[], $4::timestamptz[], $5::bool[]) as u (tenant_id, id, added, ends_at, accepting)
), held as materialized (
  select b.tenant_id, b.id, u.added, u.ends_at, u.accepting
  from digest_bucket b join u on b.tenant_id = u.tenant_id collate "C" and b.id = u.id
  order by b.tenant_id, b.id for no key update of b
), moved as (
  update digest_bucket b set member_count = b.member_count + h.added, window_ends_at = h.ends_at, accepting = h.accepting,
    last_item_at = case when h.added > 0 then $6::timestamptz else b.last_item_at end
  from held h where b.tenant_id = h.tenant_id and b.id = h.id
)
update due d set due_at = $6::timestamptz
from held h where h.added > 0 and not h.accepting and d.tenant_id = h.tenant_id and d.kind = 'digest' and d.subject_id = h.id`,
  values: [
    buckets.map((bucket) => bucket.tenantId),
    buckets.map((bucket) => bucket.id),
    buckets.map((bucket) => bucket.added),
    buckets.map((bucket) => bucket.windowEndsAt),
    buckets.map((bucket) => bucket.accepting),
    now,
  ],
})
