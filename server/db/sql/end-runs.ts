import type { QueryConfig } from 'pg'
import type { NewTransition } from './begin-deliveries.ts'
import { SENT_BEFORE } from './sent-before.ts'
import type { RunKey } from './write-runs.ts'

/**
 * Locks what a run has under way, one statement after the other: due rows, then deliveries, in order of key. The run must
 * be locked. Indexes: delivery's by notification, the keys.
 */
export const lockStepsOfRun = ({ tenantId, id }: RunKey): readonly QueryConfig[] => [
  {
    name: 'lock_queue_of_run',
    text: `
select d.subject_id from due d
where d.tenant_id = $1 and d.kind = 'delivery'
  and d.subject_id in (select v.id from delivery v where v.tenant_id = $1 and v.notification_id = $2 and v.step_key <> '')
order by d.tenant_id, d.kind, d.subject_id for update`,
    values: [tenantId, id],
  },
  {
    name: 'lock_deliveries_of_run',
    text: `
select v.id from delivery v where v.tenant_id = $1 and v.notification_id = $2 and v.step_key <> '' and v.status in ('pending', 'failed', 'dispatched')
order by v.tenant_id, v.id for no key update`,
    values: [tenantId, id],
  },
]

/**
 * Cancels what of a run has not been handed over, or hangs, and takes it off the queue. What one of its addresses has
 * accepted was sent. Answers the ids. The locks of `lockStepsOfRun` must be held.
 */
export const cancelStepsOfRun = (
  { tenantId, id }: RunKey,
  now: Date,
  transition: Omit<NewTransition, 'id'>,
): QueryConfig => ({
  name: 'cancel_steps_of_run',
  text: `
with waiting as materialized (
  select v.tenant_id, v.id, ${SENT_BEFORE} as sent from delivery v
  where v.tenant_id = $1 and v.notification_id = $2 and v.step_key <> '' and (v.status in ('pending', 'failed') or v.awaits_operator)
), ended as (
  update delivery v set status = case when w.sent then 'succeeded' else 'cancelled' end, suppression_reason = case when w.sent then null else $5 end,
    orchestration_state = case when w.sent then 'ready' else v.orchestration_state end,
    next_attempt_at = null, awaits_operator = false, updated_at = $3::timestamptz
  from waiting w where v.tenant_id = w.tenant_id and v.id = w.id
), transitions as (
  insert into delivery_transition (tenant_id, id, delivery_id, event, reason, context, at)
  select tenant_id, gen_random_uuid(), id, case when sent then 'retry_dropped' else $4 end, $5, $6::jsonb, $3::timestamptz from waiting
), unqueued as (
  delete from due d using waiting w where d.tenant_id = w.tenant_id and d.kind = 'delivery' and d.subject_id = w.id
)
select id from waiting`,
  values: [tenantId, id, now, transition.event, transition.reason, JSON.stringify(transition.context)],
})
