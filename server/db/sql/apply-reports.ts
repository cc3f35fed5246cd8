import type { QueryConfig } from 'pg'
import type { AttemptOutcome, DeliveryStatus } from '../../core/delivery.ts'
import { INTO_TRANSITIONS, type TransitionRow, transitionColumns } from './transition-rows.ts'

/** An attempt that a report is, or one that it finds without an end. */
export interface ReportAttempt {
  readonly tenantId: string
  readonly id: string
  readonly deliveryId: string
  readonly attemptNumber: number
  readonly outcome: AttemptOutcome
  readonly errorClass: string | null
  readonly adapter: string
  readonly providerMessageId: string | null
  readonly address: string | null
  readonly addressKey: string | null
  readonly source: 'call' | 'feedback'
  readonly startedAt: Date | null
}

/** Where reports have moved a delivery. */
export interface MovedDelivery {
  readonly tenantId: string
  readonly id: string
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
  /** When it is tried again; `null` where it is not. */
  readonly retryAt: Date | null
  /** Tries that count for the next one. */
  readonly tries: number
}

/** What became of a report: `put_off` waits for the end of a call. */
export interface ReportEnd {
  readonly tenantId: string
  readonly id: string
  readonly end: 'processed' | 'ignored' | 'put_off'
  readonly ignoredReason: string | null
}

export interface AppliedReports {
  readonly attempts: readonly ReportAttempt[]
  readonly transitions: readonly TransitionRow[]
  readonly deliveries: readonly MovedDelivery[]
  readonly reports: readonly ReportEnd[]
}

/**
 * Writes what became of reports, as of `now`: attempts, transitions, deliveries and their place in the queue, the reports
 * themselves and theirs. The locks of `lockReports` must be held.
 */
export const applyReports = (
  { attempts, transitions, deliveries, reports }: AppliedReports,
  { now, putOffMs }: { readonly now: Date; readonly putOffMs: number },
): QueryConfig => ({
  name: 'apply_reports',
  text: `
with moved as (
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::int4[])
    as u (tenant_id, id, status, suppression_reason, retry_at, tries)
), ended as (
  select * from unnest($7::text[], $8::uuid[], $9::text[], $10::text[]) as u (tenant_id, id, state, ignored_reason)
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, error_class, adapter, provider_message_id,
    address, address_key, source, started_at, inserted_at)
  select u.*, $11::timestamptz from unnest($12::text[], $13::uuid[], $14::uuid[], $15::int4[], $16::text[], $17::text[], $18::text[], $19::text[],
    $20::text[], $21::text[], $22::text[], $23::timestamptz[]) as u
), transitions as (
  ${INTO_TRANSITIONS}
  select u.*, $11::timestamptz from unnest($24::text[], $25::uuid[], $26::uuid[], $27::text[], $28::text[], $29::jsonb[]) as u
), deliveries as (
  update delivery v set status = m.status, suppression_reason = m.suppression_reason, next_attempt_at = m.retry_at,
    put_off_by = null, awaits_operator = false, updated_at = $11::timestamptz,
    orchestration_state = case when m.status = 'cancelled' then v.orchestration_state else 'ready' end,
    counts_at = case when v.counts_at is null or v.status <> 'pending' then v.counts_at
      when m.status = 'failed' then m.retry_at when m.status = 'succeeded' then $11::timestamptz else v.counts_at end
  from moved m where v.tenant_id = m.tenant_id collate "C" and v.id = m.id
), queued as (
  insert into due (tenant_id, kind, subject_id, lane, due_at, tries)
  select v.tenant_id, 'delivery', v.id, v.channel, least(m.retry_at, v.expires_at), m.tries
  from moved m join delivery v on v.tenant_id = m.tenant_id collate "C" and v.id = m.id
  where m.retry_at is not null
  on conflict (tenant_id, kind, subject_id)
  do update set due_at = excluded.due_at, lease_token = null, lease_until = null, tries = excluded.tries
), unqueued as (
  delete from due d using moved m
  where m.retry_at is null and d.tenant_id = m.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = m.id
), reports as (
  update webhook_ingress w set state = e.state, ignored_reason = e.ignored_reason, processed_at = $11::timestamptz
  from ended e where e.state <> 'put_off' and w.tenant_id = e.tenant_id collate "C" and w.id = e.id
), put_off as (
  update due d set due_at = $11::timestamptz + $30::int4 * interval '1 millisecond', lease_token = null, lease_until = null
  from ended e where e.state = 'put_off' and d.tenant_id = e.tenant_id collate "C" and d.kind = 'webhook' and d.subject_id = e.id
)
delete from due d using ended e
where e.state <> 'put_off' and d.tenant_id = e.tenant_id collate "C" and d.kind = 'webhook' and d.subject_id = e.id`,
  values: [
    deliveries.map((row) => row.tenantId),
    deliveries.map((row) => row.id),
    deliveries.map((row) => row.status),
    deliveries.map((row) => row.suppressionReason),
    deliveries.map((row) => row.retryAt),
    deliveries.map((row) => row.tries),
    reports.map((row) => row.tenantId),
    reports.map((row) => row.id),
    reports.map((row) => row.end),
    reports.map((row) => row.ignoredReason),
    now,
    attempts.map((row) => row.tenantId),
    attempts.map((row) => row.id),
    attempts.map((row) => row.deliveryId),
    attempts.map((row) => row.attemptNumber),
    attempts.map((row) => row.outcome),
    attempts.map((row) => row.errorClass),
    attempts.map((row) => row.adapter),
    attempts.map((row) => row.providerMessageId),
    attempts.map((row) => row.address),
    attempts.map((row) => row.addressKey),
    attempts.map((row) => row.source),
    attempts.map((row) => row.startedAt),
    ...transitionColumns(transitions),
    putOffMs,
  ],
})
