import type { QueryConfig } from 'pg'
import type { AttemptOutcome, DeliveryStatus } from '../../core/delivery.ts'
import { INTO_TRANSITIONS } from './transition-rows.ts'

/** One call of a try. */
export interface NewAttempt {
  readonly id: string
  readonly outcome: AttemptOutcome
  readonly errorClass: string | null
  readonly adapter: string
  readonly providerMessageId: string | null
  readonly reason: string | null
  readonly address: string | null
  readonly addressKey: string | null
  readonly startedAt: Date
}

/** One try's result, ready to be recorded. */
export interface SettledDelivery {
  readonly tenantId: string
  readonly recipientId: string
  readonly channel: string
  readonly id: string
  /** The run that is to hear of it when it ends; `null` where there is none. */
  readonly run: { readonly id: string; readonly isStep: boolean } | null
  /** The lease under which it was made: the result counts only while that is still the row's. */
  readonly token: string
  /** Its calls, in order. */
  readonly attempts: readonly NewAttempt[]
  /** Addresses that a provider said take no messages. */
  readonly bounced: readonly string[]
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
  readonly retryInMs: number | null
  /** Why nobody was called, where that is so: `breaker`. */
  readonly putOffBy: string | null
  readonly transitionId: string
  /** Which template made what was handed over; `null` where none could. */
  readonly renderKey: string | null
  readonly renderVersion: number | null
}

/** Columns of the calls of tries: delivery, id, place among the try's own, and what came of it. */
export const attemptValues = (
  rows: readonly Pick<SettledDelivery, 'id' | 'attempts'>[],
): readonly (readonly unknown[])[] => {
  const all = rows.flatMap(({ id: deliveryId, attempts }) =>
    attempts.map((attempt, index) => ({ ...attempt, deliveryId, place: index + 1 })),
  )
  return [
    all.map((row) => row.deliveryId),
    all.map((row) => row.id),
    all.map((row) => row.place),
    all.map((row) => row.outcome),
    all.map((row) => row.errorClass),
    all.map((row) => row.adapter),
    all.map((row) => row.providerMessageId),
    all.map((row) => row.reason),
    all.map((row) => row.address),
    all.map((row) => row.addressKey),
    all.map((row) => row.startedAt),
  ]
}

/**
 * Records results, each only under a lease that still holds: the attempts, the delivery's state, and the queue's row,
 * which is put off or deleted. Answers the ids that were recorded. Locks: due rows, then deliveries, in order of key.
 */
export const settleDeliveries = (rows: readonly SettledDelivery[], now: Date | null): QueryConfig => {
  return {
    name: 'settle_deliveries',
    text: `
with clock as materialized (select date_trunc('milliseconds', coalesce($8::timestamptz, clock_timestamp())) as now),
results as (
  select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::float8[], $7::uuid[], $20::text[], $21::int4[], $22::text[])
    as u (tenant_id, id, token, status, suppression_reason, retry_in_ms, transition_id, render_key, render_version, put_off_by)
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
    reason, address, address_key, source, started_at, inserted_at)
  select s.tenant_id, a.id, s.id,
    a.place + (select coalesce(max(b.attempt_number), 0) from delivery_attempt b where b.tenant_id = s.tenant_id collate "C" and b.delivery_id = s.id),
    a.outcome, a.error_class, a.adapter, a.provider_message_id, a.reason, a.address, a.address_key, 'call', a.started_at, s.now
  from settled s join unnest($9::uuid[], $10::uuid[], $11::int4[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[], $19::timestamptz[])
    as a (delivery_id, id, place, outcome, error_class, adapter, provider_message_id, reason, address, address_key, started_at) on a.delivery_id = s.id
), transitions as (
  ${INTO_TRANSITIONS}
  select s.tenant_id, s.transition_id, s.id,
    case s.status when 'failed' then 'retry_scheduled' else 'cancelled' end,
    coalesce(s.suppression_reason, s.put_off_by, (select a.error_class from unnest($9::uuid[], $13::text[]) as a (delivery_id, error_class)
      where a.delivery_id = s.id and a.error_class in ('temporary', 'render_failed', 'unknown_classification') limit 1)),
    case s.status when 'failed' then jsonb_build_object('nextAttemptAt', to_char(s.retry_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
      else '{}' end, s.now
  from settled s where s.status <> 'succeeded'
), deliveries as (
  update delivery v set status = s.status, suppression_reason = s.suppression_reason, next_attempt_at = s.retry_at, put_off_by = s.put_off_by, updated_at = s.now,
    render_key = coalesce(s.render_key, v.render_key), render_version = coalesce(s.render_version, v.render_version)
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
      rows.map((row) => row.status),
      rows.map((row) => row.suppressionReason),
      rows.map((row) => row.retryInMs),
      rows.map((row) => row.transitionId),
      now,
      ...attemptValues(rows),
      rows.map((row) => row.renderKey),
      rows.map((row) => row.renderVersion),
      rows.map((row) => row.putOffBy),
    ],
  }
}
