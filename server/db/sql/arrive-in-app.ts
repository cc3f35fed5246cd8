import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

/** An in-app delivery that comes into its inbox; each notification at most once in a list. */
export interface Arrival extends InboxKey {
  readonly notificationId: string
  readonly deliveryId: string
  readonly content: unknown
  /** Which template made it. */
  readonly renderKey: string
  readonly renderVersion: number
  /** The inbox's version at which it arrives. */
  readonly version: number
  readonly attemptId: string
  readonly attemptNumber: number
}

/**
 * Puts in-app content into inboxes whose locks are held, with the attempt of each. A notification that is there already
 * is renewed: new content, newest again, and neither seen, read, archived nor snoozed.
 */
export const arriveInApp = (arrivals: readonly Arrival[], now: Date): QueryConfig => ({
  name: 'arrive_in_app',
  text: `
with arrivals as (
  select * from unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::jsonb[], $6::int8[], $7::uuid[], $8::int4[], $10::text[], $11::int4[])
    as u (tenant_id, recipient_id, notification_id, delivery_id, content, version, attempt_id, attempt_number, render_key, render_version)
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
  select tenant_id, attempt_id, delivery_id, attempt_number, 'succeeded', 'in_app', 'call', $9::timestamptz, $9::timestamptz from arrivals
), before as materialized (
  select a.tenant_id, a.recipient_id, a.version, n.arrival_version is not null and n.archived_at is null and n.snoozed_until is null as counted,
    n.read_at, n.seen_at
  from arrivals a join notification n on n.tenant_id = a.tenant_id collate "C" and n.id = a.notification_id
), woken as (
  delete from due d using arrivals a where d.tenant_id = a.tenant_id collate "C" and d.kind = 'wake' and d.subject_id = a.notification_id
), rendered as (
  update delivery v set render_key = a.render_key, render_version = a.render_version
  from arrivals a where v.tenant_id = a.tenant_id collate "C" and v.id = a.delivery_id
), items as (
  update notification n set content = a.content, arrival_version = a.version, inbox_version = a.version, arrived_at = $9::timestamptz,
    seen_at = null, read_at = null, archived_at = null, snoozed_until = null, pruned_at = null
  from arrivals a where n.tenant_id = a.tenant_id collate "C" and n.id = a.notification_id
)
update inbox i set version = b.version, total = i.total + b.total, unread = i.unread + b.unread, unseen = i.unseen + b.unseen
from (
  select tenant_id, recipient_id, max(version) as version, count(*) filter (where not counted) as total,
    count(*) filter (where not counted or read_at is not null) as unread, count(*) filter (where not counted or seen_at is not null) as unseen
  from before group by tenant_id, recipient_id
) b
where i.tenant_id = b.tenant_id collate "C" and i.recipient_id = b.recipient_id collate "C"`,
  values: [
    arrivals.map((row) => row.tenantId),
    arrivals.map((row) => row.recipientId),
    arrivals.map((row) => row.notificationId),
    arrivals.map((row) => row.deliveryId),
    arrivals.map((row) => JSON.stringify(row.content)),
    arrivals.map((row) => row.version),
    arrivals.map((row) => row.attemptId),
    arrivals.map((row) => row.attemptNumber),
    now,
    arrivals.map((row) => row.renderKey),
    arrivals.map((row) => row.renderVersion),
  ],
})
