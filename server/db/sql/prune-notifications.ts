import type { QueryConfig } from 'pg'

export interface PrunedNotificationsRow {
  deliveries: number
  /** The buckets that have lost a member, or their digest. */
  bucket_ids: string[]
}

/**
 * Deletes notifications with all that came of them, and counts their deliveries by day in the same statement. Their
 * events, inboxes and deliveries must be locked, and looked at since. An inbox remembers up to where its changes are not
 * all there any more. Each table is asked by its keys as a list, whatever the planner expects of it: joined, it would read the
 * whole of one that it believes to be small. Indexes: the keys, and those by notification and by delivery.
 */
export const pruneNotifications = (
  tenantId: string,
  { ids, now }: { readonly ids: readonly string[]; readonly now: Date },
): QueryConfig => ({
  name: 'prune_notifications',
  text: `
with gone as materialized (
  select n.id, n.event_id, n.recipient_id, n.inbox_version from unnest($2::uuid[]) as k (id)
  cross join lateral (select * from notification n where n.tenant_id = $1 and n.id = k.id offset 0) n
), sent as materialized (
  select v.id, v.notification_key, v.channel, v.status, coalesce(v.suppression_reason, '') as reason, (v.inserted_at at time zone 'UTC')::date as day
  from gone g cross join lateral (select * from delivery v where v.tenant_id = $1 and v.notification_id = g.id offset 0) v
), attempts as (
  delete from delivery_attempt a where a.tenant_id = $1 and a.delivery_id = any(array(select id from sent))
), decisions as (
  delete from delivery_decision d where d.tenant_id = $1 and d.delivery_id = any(array(select id from sent))
), transitions as (
  delete from delivery_transition t where t.tenant_id = $1 and t.delivery_id = any(array(select id from sent))
), reports as (
  delete from webhook_ingress w where w.tenant_id = $1 and w.delivery_id = any(array(select id from sent))
), members as (
  delete from digest_membership m where m.tenant_id = $1 and m.delivery_id = any(array(select id from sent)) returning m.bucket_id, m."left"
), fewer as (
  update digest_bucket b set member_count = b.member_count - m.count
  from (select bucket_id, count(*) filter (where not "left") as count from members group by bucket_id) m
  where b.tenant_id = $1 and b.id = any(array(select bucket_id from members)) and b.id = m.bucket_id
), digests as (
  update digest_bucket b set digest_delivery_id = null, pruned_at = $3::timestamptz
  where b.tenant_id = $1 and b.digest_delivery_id is not null and b.digest_delivery_id = any(array(select id from sent)) returning b.id
), moves as (
  delete from workflow_transition t where t.tenant_id = $1 and t.run_id = any(array(select id from gone))
), runs as (
  delete from workflow_run r where r.tenant_id = $1 and r.id = any(array(select id from gone))
), deliveries as (
  delete from delivery v where v.tenant_id = $1 and v.id = any(array(select id from sent))
), inboxes as (
  update inbox i set resync_below = greatest(i.resync_below, g.version)
  from (select recipient_id, max(inbox_version) as version from gone where inbox_version is not null group by recipient_id) g
  where i.tenant_id = $1 and i.recipient_id = any(array(select recipient_id from gone)) and i.recipient_id = g.recipient_id
), counts as (
  insert into daily_outcome as o (tenant_id, day, notification_key, channel, status, reason, count)
  select $1, day, notification_key, channel, status, reason, count(*) from sent group by day, notification_key, channel, status, reason
  on conflict (tenant_id, day, notification_key, channel, status, reason) do update set count = o.count + excluded.count
), events as (
  update event e set pruned_recipient_count = e.pruned_recipient_count + g.count
  from (select event_id, count(*) as count from gone group by event_id) g
  where e.tenant_id = $1 and e.id = any(array(select event_id from gone)) and e.id = g.event_id
  returning e.notification_key, (e.inserted_at at time zone 'UTC')::date as day, e.inserted_at
), begun as (
  insert into daily_events as d (tenant_id, notification_key, day, count, latest_at)
  select $1, notification_key, day, 0, max(inserted_at) from events group by notification_key, day
  on conflict (tenant_id, notification_key, day) do update set latest_at = greatest(d.latest_at, excluded.latest_at)
), notifications as (
  delete from notification n where n.tenant_id = $1 and n.id = any($2::uuid[])
)
select (select count(*) from sent)::int4 as deliveries, array(select bucket_id from members union select id from digests) as bucket_ids`,
  values: [tenantId, ids, now],
})
