import type { QueryConfig } from 'pg'

/** The deliveries of which some may have left their bucket: these, or all of an event's. */
export type Leavers =
  | { readonly tenantId: string; readonly eventId: string }
  | readonly { readonly tenantId: string; readonly id: string }[]

const text = (from: string): string => `
with gone as (
  update digest_membership m set "left" = true, resolved_at = $3::timestamptz,
    resolution = case when v.status in ('suppressed', 'cancelled') then 'skipped' else 'emitted_immediately' end,
    reason = case v.status when 'pending' then 'operator' when 'suppressed' then v.suppression_reason when 'cancelled' then v.suppression_reason else 'feedback' end
  from ${from} and m.tenant_id = v.tenant_id and m.delivery_id = v.id and m.resolution is null
    and (v.status <> 'pending' or v.orchestration_state <> 'digest_held')
  returning m.tenant_id, m.bucket_id
), held as materialized (
  select b.tenant_id, b.id from digest_bucket b where (b.tenant_id, b.id) in (select tenant_id, bucket_id from gone)
  order by b.tenant_id, b.id for no key update
), counts as (
  select h.tenant_id, h.id, (select count(*) from gone g where g.tenant_id = h.tenant_id and g.bucket_id = h.id) as gone from held h
)
update digest_bucket b set member_count = b.member_count - c.gone from counts c where b.tenant_id = c.tenant_id and b.id = c.id`

/**
 * Takes deliveries that are not held any more out of their open buckets. They must be locked, and changed by an earlier
 * statement of this transaction; the buckets are locked last, in order of key. Indexes: the keys.
 */
export const leaveBuckets = (leavers: Leavers, now: Date): QueryConfig =>
  'eventId' in leavers
    ? {
        name: 'leave_buckets_of_event',
        text: text('delivery v where v.tenant_id = $1 and v.event_id = $2'),
        values: [leavers.tenantId, leavers.eventId, now],
      }
    : {
        name: 'leave_buckets',
        text: text(
          'unnest($1::text[], $2::uuid[]) as k (tenant_id, id) join delivery v on v.tenant_id = k.tenant_id collate "C" and v.id = k.id where true',
        ),
        values: [leavers.map((one) => one.tenantId), leavers.map((one) => one.id), now],
      }
