import type { QueryConfig } from 'pg'
import type { AttemptOutcome, DeliveryStatus } from '../../core/delivery.ts'

/** One try's result, ready to be recorded. */
export interface SettledDelivery {
  readonly tenantId: string
  readonly id: string
  /** The lease under which it was made: the result counts only while that is still the row's. Also the attempt's id. */
  readonly token: string
  readonly outcome: AttemptOutcome
  readonly errorClass: string | null
  readonly adapter: string
  readonly providerMessageId: string | null
  readonly reason: string | null
  readonly address: string | null
  readonly startedAt: Date
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
  readonly retryInMs: number | null
  readonly transitionId: string
}

/**
 * Records results, each only under a lease that still holds: the attempt, the delivery's state, and the queue's row,
 * which is put off or deleted. Answers the ids that were recorded. Locks: due rows, then deliveries, in order of key.
 */
export const settleDeliveries = (rows: readonly SettledDelivery[], now: Date | null): QueryConfig => ({
  name: 'settle_deliveries',
  text: `
with clock as materialized (select date_trunc('milliseconds', coalesce($15::timestamptz, clock_timestamp())) as now),
results as (
  select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::timestamptz[], $11::text[], $12::text[], $13::float8[], $14::uuid[])
    as u (tenant_id, id, token, outcome, error_class, adapter, provider_message_id, reason, address, started_at, status,
      suppression_reason, retry_in_ms, transition_id)
), held as materialized (
  select d.tenant_id, d.subject_id as id
  from due d join results r on d.tenant_id = r.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = r.id and d.lease_token = r.token
  order by d.tenant_id, d.subject_id for update of d
), locked as materialized (
  select v.tenant_id, v.id, v.expires_at from delivery v join held h on v.tenant_id = h.tenant_id and v.id = h.id
  order by v.tenant_id, v.id for no key update of v
), settled as materialized (
  select r.*, l.expires_at, c.now, c.now + r.retry_in_ms * interval '1 millisecond' as retry_at
  from results r join locked l on l.tenant_id = r.tenant_id collate "C" and l.id = r.id cross join clock c
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, error_class, adapter, provider_message_id,
    reason, address, source, started_at, inserted_at)
  select s.tenant_id, s.token, s.id,
    1 + (select coalesce(max(a.attempt_number), 0) from delivery_attempt a where a.tenant_id = s.tenant_id collate "C" and a.delivery_id = s.id),
    s.outcome, s.error_class, s.adapter, s.provider_message_id, s.reason, s.address, 'call', s.started_at, s.now
  from settled s
), transitions as (
  insert into delivery_transition (tenant_id, id, delivery_id, event, reason, context, at)
  select s.tenant_id, s.transition_id, s.id,
    case s.status when 'failed' then 'retry_scheduled' else 'cancelled' end, coalesce(s.suppression_reason, s.error_class),
    case s.status when 'failed' then jsonb_build_object('nextAttemptAt', to_char(s.retry_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      else '{}' end, s.now
  from settled s where s.status <> 'succeeded'
), deliveries as (
  update delivery v set status = s.status, suppression_reason = s.suppression_reason, next_attempt_at = s.retry_at, updated_at = s.now
  from settled s where v.tenant_id = s.tenant_id collate "C" and v.id = s.id
), put_off as (
  update due d set due_at = least(s.retry_at, s.expires_at), lease_token = null, lease_until = null, tries = d.tries + 1
  from settled s where s.retry_at is not null and d.tenant_id = s.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = s.id
), gone as (
  delete from due d using settled s
  where s.retry_at is null and d.tenant_id = s.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = s.id
)
select tenant_id, id from settled`,
  values: [
    rows.map((row) => row.tenantId),
    rows.map((row) => row.id),
    rows.map((row) => row.token),
    rows.map((row) => row.outcome),
    rows.map((row) => row.errorClass),
    rows.map((row) => row.adapter),
    rows.map((row) => row.providerMessageId),
    rows.map((row) => row.reason),
    rows.map((row) => row.address),
    rows.map((row) => row.startedAt),
    rows.map((row) => row.status),
    rows.map((row) => row.suppressionReason),
    rows.map((row) => row.retryInMs),
    rows.map((row) => row.transitionId),
    now,
  ],
})
