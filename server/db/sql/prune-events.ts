import type { QueryConfig } from 'pg'

export interface PrunedEventRow {
  is_digest: boolean
}

/**
 * Deletes those locked events of which nothing is left, accepted before the cutoff, and counts them by day. Indexes:
 * event's key, notification's by event, event_recipient's key.
 */
export const pruneEvents = (
  tenantId: string,
  { ids, cutoff }: { readonly ids: readonly string[]; readonly cutoff: Date },
): QueryConfig => ({
  name: 'prune_events',
  text: `
with gone as materialized (
  select e.id, e.notification_key, e.inserted_at, e.is_digest from event e
  where e.tenant_id = $1 and e.id = any($2::uuid[]) and e.status in ('planned', 'cancelled') and e.sealed_payload is null
    and coalesce(e.send_at, e.inserted_at) < $3
    and not exists (select from notification n where n.tenant_id = $1 and n.event_id = e.id offset 0)
    and not exists (select from event_recipient r where r.tenant_id = $1 and r.event_id = e.id offset 0)
), counts as (
  insert into daily_events as d (tenant_id, notification_key, day, count, latest_at)
  select $1, notification_key, (inserted_at at time zone 'UTC')::date, count(*), max(inserted_at) from gone group by 1, 2, 3
  on conflict (tenant_id, notification_key, day)
  do update set count = d.count + excluded.count, latest_at = greatest(d.latest_at, excluded.latest_at)
)
delete from event e where e.tenant_id = $1 and e.id = any(array(select id from gone)) returning e.is_digest`,
  values: [tenantId, ids, cutoff],
})

/** Deletes those of these buckets that have neither members nor a digest any more. Indexes: digest_bucket's key, digest_membership's by bucket. */
export const pruneBuckets = (tenantId: string, ids: readonly string[]): QueryConfig => ({
  name: 'prune_buckets',
  text: `
delete from digest_bucket b
where b.tenant_id = $1 and b.id = any($2::uuid[]) and b.state <> 'open' and b.digest_delivery_id is null
  and not exists (select from digest_membership m where m.tenant_id = $1 and m.bucket_id = b.id offset 0)`,
  values: [tenantId, ids],
})
