import type { QueryConfig } from 'pg'
import type { ReasonCode } from '../../core/reasons.ts'
import { SENT_BEFORE } from './sent-before.ts'
import { INTO_TRANSITIONS } from './transition-rows.ts'

interface EventKey {
  readonly tenantId: string
  readonly id: string
}

/**
 * Locks everything of an event that a cancellation may change, one statement after the other: the event itself first, so
 * that no chunk of its audience and no operator adds anything behind the later locks (behind it come its runs, by
 * `lockRunsOfEvent`, so that none of them adds anything either), then its fan-out, then its
 * deliveries' due rows, then the deliveries, in order of key.
 */
export const lockEvent = ({ tenantId, id }: EventKey): readonly [QueryConfig, ...QueryConfig[]] => [
  {
    name: 'lock_event',
    text: 'select 1 from event where tenant_id = $1 and id = $2 for no key update',
    values: [tenantId, id],
  },
  {
    name: 'lock_event_fan_out',
    text: `select subject_id from due where tenant_id = $1 and kind = 'fan_out' and subject_id = $2 for update`,
    values: [tenantId, id],
  },
  {
    name: 'lock_event_queue',
    text: `
select d.subject_id from due d
where d.tenant_id = $1 and d.kind = 'delivery' and d.subject_id in (select v.id from delivery v where v.tenant_id = $1 and v.event_id = $2)
order by d.tenant_id, d.kind, d.subject_id for update`,
    values: [tenantId, id],
  },
  {
    name: 'lock_event_deliveries',
    text: `
select v.id, v.status from delivery v where v.tenant_id = $1 and v.event_id = $2 and v.status in ('pending', 'failed', 'dispatched')
order by v.tenant_id, v.id for no key update`,
    values: [tenantId, id],
  },
]

/** One that the last of these locks has locked. */
export interface OpenDeliveryRow {
  id: string
  status: string
}

export interface CancelledRow {
  cancelled: number
  too_late: number
}

/**
 * Cancels what has not been handed over, and takes it off the queue. What one of its addresses has accepted was sent, and
 * goes to no other. The locks of `lockEvent` must be held.
 */
export const cancelEvent = (
  { tenantId, id }: EventKey,
  { reason, code, now }: { readonly reason: string | null; readonly code: ReasonCode; readonly now: Date },
): QueryConfig => ({
  name: 'cancel_event',
  text: `
with stopped as (
  update event set status = 'cancelled' where tenant_id = $1 and id = $2 and status <> 'cancelled' returning id
), waiting as materialized (
  select v.tenant_id, v.id, ${SENT_BEFORE} as sent
  from delivery v, stopped where v.tenant_id = $1 and v.event_id = $2 and v.status in ('pending', 'failed')
), ended as (
  update delivery v set status = case when w.sent then 'succeeded' else 'cancelled' end, suppression_reason = case when w.sent then null else $3 end,
    orchestration_state = case when w.sent then 'ready' else v.orchestration_state end, next_attempt_at = null, updated_at = $4::timestamptz
  from waiting w where v.tenant_id = w.tenant_id and v.id = w.id
), transitions as (
  ${INTO_TRANSITIONS}
  select tenant_id, gen_random_uuid(), id, case when sent then 'retry_dropped' else 'event_cancelled' end, $3, case when $5::text is null then '{}' else jsonb_build_object('words', $5::text) end, $4::timestamptz
  from waiting
), unqueued as (
  delete from due d using waiting w where d.tenant_id = w.tenant_id and d.kind = 'delivery' and d.subject_id = w.id
), no_fan_out as (
  delete from due d using stopped s where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = s.id
), no_audience as (
  delete from event_recipient r using stopped s where r.tenant_id = $1 and r.event_id = s.id
)
select (select count(*) from waiting where not sent) as cancelled,
  (select count(*) from delivery v where v.tenant_id = $1 and v.event_id = $2 and v.status in ('dispatched', 'succeeded', 'digested'))
    + (select count(*) from waiting where sent) as too_late
from (select 1) one`,
  values: [tenantId, id, code, now, reason],
})
