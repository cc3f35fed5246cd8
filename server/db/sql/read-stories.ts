import type { QueryConfig } from 'pg'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'

/** One delivery with everything that is stored about it and its cause. Instants inside the lists are text, as JSON has them. */
export interface StoryRow {
  id: string
  notification_id: string
  event_id: string
  recipient_id: string
  notification_key: string
  category: string | null
  channel: string
  step_key: string
  awaits_operator: boolean
  status: DeliveryStatus
  orchestration_state: OrchestrationState
  planning_reason: string | null
  planning_context: unknown
  suppression_reason: string | null
  next_eligible_at: Date | null
  next_attempt_at: Date | null
  render_key: string | null
  render_version: number | null
  inserted_at: Date
  correlation_id: string | null
  event_inserted_at: Date
  notification_inserted_at: Date
  seen_at: Date | null
  read_at: Date | null
  archived_at: Date | null
  attempts: readonly AttemptJson[] | null
  decisions: readonly DecisionJson[] | null
  transitions: readonly TransitionJson[] | null
}

interface AttemptJson {
  readonly id: string
  readonly attempt_number: number
  readonly outcome: string
  readonly error_class: string | null
  readonly adapter: string | null
  readonly provider_message_id: string | null
  readonly reason: string | null
  readonly address: string | null
  readonly source: string
  readonly started_at: string | null
  readonly inserted_at: string
}

interface DecisionJson {
  readonly checkpoint: string
  readonly at: string
  readonly answers: unknown
}

interface TransitionJson {
  readonly event: string
  readonly reason: string | null
  readonly context: unknown
  readonly at: string
}

/**
 * Keeps the plan of a prepared statement for the rest of a transaction. Looking up a list of keys, the planner holds a
 * plan of its own for each list to be worth it: that takes twice as long as `readStories` itself.
 */
export const keepPlan: QueryConfig = { text: 'set local plan_cache_mode = force_generic_plan' }

/**
 * Everything that explains these deliveries of one tenant, in one statement, so that all of it is as of one instant.
 * Indexes: the keys of delivery, event and notification, and of the lists by delivery. No locks. No order.
 */
export const readStories = (tenantId: string, ids: readonly string[]): QueryConfig => ({
  name: 'read_stories',
  text: `
select v.id, v.notification_id, v.event_id, v.recipient_id, v.notification_key, v.category, v.channel, v.step_key, v.awaits_operator, v.status,
  v.orchestration_state, v.planning_reason, v.planning_context, v.suppression_reason, v.next_eligible_at, v.next_attempt_at,
  v.render_key, v.render_version, v.inserted_at, e.correlation_id, e.inserted_at as event_inserted_at,
  n.inserted_at as notification_inserted_at, n.seen_at, n.read_at, n.archived_at,
  (select json_agg(a order by a.attempt_number) from (
    select id, attempt_number, outcome, error_class, adapter, provider_message_id, reason, address, source, started_at, inserted_at
    from delivery_attempt where tenant_id = $1 and delivery_id = v.id
  ) a) as attempts,
  (select json_agg(d order by d.at, d.checkpoint desc, d.id) from (
    select id, checkpoint, at, answers from delivery_decision where tenant_id = $1 and delivery_id = v.id
  ) d) as decisions,
  (select json_agg(t order by t.at, t.id) from (
    select id, event, reason, context, at from delivery_transition where tenant_id = $1 and delivery_id = v.id
  ) t) as transitions
from unnest($2::uuid[]) as k (id)
join delivery v on v.tenant_id = $1 and v.id = k.id
join event e on e.tenant_id = $1 and e.id = v.event_id
join notification n on n.tenant_id = $1 and n.id = v.notification_id`,
  values: [tenantId, ids],
})
