import type { QueryConfig } from 'pg'
import type { DeliveryKey, DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'
import type { NewTransition } from './begin-deliveries.ts'
import { SENT_BEFORE } from './sent-before.ts'
import { INTO_TRANSITIONS } from './transition-rows.ts'

export interface OperatedRow {
  status: DeliveryStatus
  orchestration_state: OrchestrationState
  suppression_reason: string | null
  next_eligible_at: Date | null
  expires_at: Date | null
  queued: boolean
  event_id: string
  event_status: string
  /** Whether its event was given secret fields. */
  has_secrets: boolean
  is_digest: boolean
  recipient_count: number
  channel: string
  step_key: string
  /** Whether its recipient's data was erased. */
  erased: boolean
}

/** What an operator has made of a delivery. */
export interface ChangedRow {
  status: DeliveryStatus
  suppression_reason: string | null
}

/**
 * Locks one delivery, one statement after the other: its event, which nobody cancels meanwhile, its due row, and the
 * delivery. No row of the last where there is no such delivery. Indexes: the keys.
 */
export const lockDelivery = ({ tenantId, id }: DeliveryKey): readonly [QueryConfig, QueryConfig, QueryConfig] => [
  {
    name: 'lock_event_of_delivery',
    text: `
select 1 from event e where e.tenant_id = $1 and e.id = (select v.event_id from delivery v where v.tenant_id = $1 and v.id = $2) for share`,
    values: [tenantId, id],
  },
  {
    name: 'lock_due_of_delivery',
    text: `select 1 from due where tenant_id = $1 and kind = 'delivery' and subject_id = $2 for update`,
    values: [tenantId, id],
  },
  {
    name: 'lock_delivery',
    text: `
select v.status, v.orchestration_state, v.suppression_reason, v.next_eligible_at, v.expires_at, v.channel, v.step_key, v.event_id, e.status as event_status, e.has_secrets, e.is_digest, e.recipient_count, n.erased_at is not null as erased,
  exists (select from due d where d.tenant_id = v.tenant_id and d.kind = 'delivery' and d.subject_id = v.id) as queued
from delivery v join event e on e.tenant_id = v.tenant_id and e.id = v.event_id
join notification n on n.tenant_id = v.tenant_id and n.id = v.notification_id
where v.tenant_id = $1 and v.id = $2 for no key update of v`,
    values: [tenantId, id],
  },
]

const TRANSITION = `
${INTO_TRANSITIONS}
values ($1, $4, $2, $5, $6, $7::jsonb, $3::timestamptz)`

const valuesOf = ({ id, event, reason, context }: NewTransition) => [id, event, reason, JSON.stringify(context)]

/**
 * Lets a locked delivery go on now: ready, due at once with all its tries before it, and no longer held by quiet hours
 * and fallback delays. A lease that somebody holds on it is over.
 */
export const releaseDelivery = ({ tenantId, id }: DeliveryKey, now: Date, transition: NewTransition): QueryConfig => ({
  name: 'release_delivery',
  text: `
with transition as (${TRANSITION}),
released as (
  update delivery v set status = 'pending', orchestration_state = 'ready', suppression_reason = null, next_attempt_at = null,
    released = true, awaits_operator = false, updated_at = $3::timestamptz, counts_at = case when e.required then null else $3::timestamptz end
  from event e where v.tenant_id = $1 and v.id = $2 and e.tenant_id = v.tenant_id and e.id = v.event_id
  returning v.tenant_id, v.id, v.channel, v.expires_at
)
insert into due (tenant_id, kind, subject_id, lane, due_at)
select tenant_id, 'delivery', id, channel, least($3::timestamptz, expires_at) from released
on conflict (tenant_id, kind, subject_id)
do update set due_at = excluded.due_at, lease_token = null, lease_until = null, tries = case when $8 then 0 else due.tries end`,
  values: [tenantId, id, now, ...valuesOf(transition), transition.event === 'retried'],
})

/**
 * Cancels a locked delivery, and takes it off the queue. What one of its addresses has accepted was sent, and goes to no
 * other.
 */
export const cancelDelivery = ({ tenantId, id }: DeliveryKey, now: Date, transition: NewTransition): QueryConfig => ({
  name: 'cancel_delivery',
  text: `
with before as materialized (
  select ${SENT_BEFORE} as sent from delivery v where v.tenant_id = $1 and v.id = $2
), transition as (
  ${INTO_TRANSITIONS}
  select $1, $4, $2, case when sent then 'retry_dropped' else $5 end, $6, $7::jsonb, $3::timestamptz from before
), unqueued as (delete from due where tenant_id = $1 and kind = 'delivery' and subject_id = $2)
update delivery d set status = case when sent then 'succeeded' else 'cancelled' end, suppression_reason = case when sent then null else $6 end,
  orchestration_state = case when sent then 'ready' else d.orchestration_state end,
  next_attempt_at = null, awaits_operator = false, updated_at = $3::timestamptz
from before where d.tenant_id = $1 and d.id = $2
returning d.status, d.suppression_reason`,
  values: [tenantId, id, now, ...valuesOf(transition)],
})
