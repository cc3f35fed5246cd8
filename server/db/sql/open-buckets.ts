import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { OpenBucket } from '../../core/digest-bucket.ts'

export interface NewBucket extends InboxKey {
  readonly ruleKey: string
  readonly bucket: OpenBucket
  /** Counts from 1 among those of one window that this transaction opens. */
  readonly nth: number
  /** Whether it takes more: one that is full already does not. */
  readonly accepting: boolean
}

export interface NewMember {
  readonly tenantId: string
  readonly deliveryId: string
  readonly bucketId: string
  readonly position: number
}

/** The lane of digests. */
export const DIGEST_LANE = 'digest'

/**
 * Opens buckets, each due at its end, or now where it is full, and adds members to these and to others, as of `now`. The
 * recipients' inboxes must be locked. Index: digest_bucket's unique one, for its place in its window.
 */
export const openBuckets = (
  { buckets, members }: { readonly buckets: readonly NewBucket[]; readonly members: readonly NewMember[] },
  now: Date,
): QueryConfig => ({
  name: 'open_buckets',
  text: `
with u as (
  select * from unnest($2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
      $10::timestamptz[], $11::int4[], $12::int4[], $13::bool[])
    as u (tenant_id, id, rule_id, rule_key, recipient_id, channel, grouping_value, starts_at, ends_at, nth, member_count, accepting)
), opened as (
  insert into digest_bucket (tenant_id, id, rule_id, rule_key, recipient_id, channel, grouping_value, window_starts_at,
    window_ends_at, sequence, member_count, accepting, first_item_at, last_item_at)
  select tenant_id, id, rule_id, rule_key, recipient_id, channel, grouping_value, starts_at, ends_at,
    nth + coalesce((select max(b.sequence) from digest_bucket b where b.tenant_id = u.tenant_id collate "C"
      and b.recipient_id = u.recipient_id collate "C" and b.channel = u.channel collate "C" and b.rule_id = u.rule_id
      and b.grouping_value = u.grouping_value collate "C" and b.window_starts_at = u.starts_at), 0),
    member_count, accepting, $1::timestamptz, $1::timestamptz
  from u
), queued as (
  insert into due (tenant_id, kind, subject_id, lane, due_at)
  select tenant_id, 'digest', id, '${DIGEST_LANE}', case when accepting then ends_at else $1::timestamptz end from u
)
insert into digest_membership (tenant_id, delivery_id, bucket_id, position, inserted_at)
select m.*, $1::timestamptz from unnest($14::text[], $15::uuid[], $16::uuid[], $17::int8[]) as m`,
  values: [
    now,
    buckets.map((one) => one.tenantId),
    buckets.map((one) => one.bucket.id),
    buckets.map((one) => one.bucket.ruleId),
    buckets.map((one) => one.ruleKey),
    buckets.map((one) => one.recipientId),
    buckets.map((one) => one.bucket.channel),
    buckets.map((one) => one.bucket.groupingValue),
    buckets.map((one) => one.bucket.windowStartsAt),
    buckets.map((one) => one.bucket.windowEndsAt),
    buckets.map((one) => one.nth),
    buckets.map((one) => one.bucket.memberCount),
    buckets.map((one) => one.accepting),
    members.map((one) => one.tenantId),
    members.map((one) => one.deliveryId),
    members.map((one) => one.bucketId),
    members.map((one) => one.position),
  ],
})
