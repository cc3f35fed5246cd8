import type { QueryConfig } from 'pg'
import type { FeedbackStatus } from '../../core/feedback.ts'

/** Where reports queue. Not `webhook`, which many call a channel: the deliveries of one that is slow must not hold them up. */
export const REPORT_LANE = 'webhook_ingress'

/** One thing that a provider reported. */
export interface NewReport {
  readonly id: string
  readonly providerEventId: string | null
  readonly providerMessageId: string | null
  /** The row's own id of the delivery that it names. */
  readonly deliveryId: string | null
  readonly status: FeedbackStatus
  /** Why nothing comes of it if its delivery is not found. */
  readonly ignoredReason: string
}

export interface AcceptedRow {
  /** Whether there is such a tenant; where there is not, nothing was written. */
  known: boolean
  /** How many are to be carried out. */
  queued: number
}

/**
 * Keeps reports on one tenant's deliveries, and queues those whose delivery is found: by its own id, else by the newest
 * attempt with the provider's id of the message. Only a delivery that the adapter carries, or has tried, is found. One
 * that was kept before changes nothing. Indexes: delivery's key, delivery_attempt's (tenant, provider_message_id), and the
 * unique one of webhook_ingress, in whose order rows are written, so that no two of these wait for each other. Holds the
 * tenant against being removed.
 */
export const acceptReports = (
  {
    tenantId,
    adapter,
    channels,
  }: {
    readonly tenantId: string
    readonly adapter: string
    /** What the adapter carries. */
    readonly channels: readonly string[]
  },
  reports: readonly NewReport[],
  now: Date | null,
): QueryConfig => ({
  name: 'accept_reports',
  text: `
with clock as materialized (select date_trunc('milliseconds', coalesce($4::timestamptz, clock_timestamp())) as now),
given as materialized (
  select g.*, (
    select v.id from delivery v where v.tenant_id = $1 and v.id = g.named_id and (v.channel = any ($3::text[])
      or exists (select from delivery_attempt a where a.tenant_id = $1 and a.delivery_id = v.id and a.adapter = $2))
  ) as own_id, (
    select a.delivery_id from delivery_attempt a join delivery v on v.tenant_id = $1 and v.id = a.delivery_id
    where a.tenant_id = $1 and a.provider_message_id = g.provider_message_id collate "C" and (a.adapter = $2 or v.channel = any ($3::text[]))
    order by a.inserted_at desc, a.attempt_number desc limit 1
  ) as message_id
  from tenant t cross join unnest($5::uuid[], $6::text[], $7::text[], $8::uuid[], $9::text[], $10::text[])
    as g (id, provider_event_id, provider_message_id, named_id, status, ignored_reason)
  where t.id = $1
  for key share of t
), kept as (
  insert into webhook_ingress (tenant_id, id, adapter, provider_event_id, provider_message_id, delivery_id, normalized_status,
    state, ignored_reason, inserted_at, processed_at)
  select $1, g.id, $2, g.provider_event_id, g.provider_message_id, coalesce(g.own_id, g.message_id), g.status,
    case when coalesce(g.own_id, g.message_id) is null then 'ignored' else 'queued' end,
    case when coalesce(g.own_id, g.message_id) is null then g.ignored_reason end, c.now,
    case when coalesce(g.own_id, g.message_id) is null then c.now end
  from given g cross join clock c
  order by g.provider_event_id collate "C", g.id
  on conflict (tenant_id, adapter, provider_event_id) where provider_event_id is not null do nothing
  returning id, state, inserted_at
), due as (
  insert into due (tenant_id, kind, subject_id, lane, due_at)
  select $1, 'webhook', id, '${REPORT_LANE}', inserted_at from kept where state = 'queued'
)
select exists (select from tenant where id = $1) as known, (select count(*) from kept where state = 'queued')::int4 as queued`,
  values: [
    tenantId,
    adapter,
    channels,
    now,
    reports.map((report) => report.id),
    reports.map((report) => report.providerEventId),
    reports.map((report) => report.providerMessageId),
    reports.map((report) => report.deliveryId),
    reports.map((report) => report.status),
    reports.map((report) => report.ignoredReason),
  ],
})
