import type { QueryConfig } from 'pg'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'
import type { StoryDigest } from '../../core/explanation.ts'
import type { RunState } from '../../core/workflow/run.ts'

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
  put_off_by: string | null
  render_key: string | null
  render_version: number | null
  inserted_at: Date
  correlation_id: string | null
  event_inserted_at: Date
  notification_inserted_at: Date
  seen_at: Date | null
  read_at: Date | null
  archived_at: Date | null
  pruned_at: Date | null
  erased_at: Date | null
  attempts: readonly AttemptJson[] | null
  decisions: readonly DecisionJson[] | null
  transitions: readonly TransitionJson[] | null
  /** The bucket that it is, or was, held in; without the digest where it had left before that was made. */
  held_in: BucketJson | null
  /** The bucket that it is the digest of. */
  digest_of: (BucketJson & { readonly members: readonly MemberJson[] | null; readonly member_count: number }) | null
  run: RunJson | null
}

interface RunJson {
  readonly workflow_key: string
  readonly state: RunState
  readonly step_key: string
  readonly waiting_until: string | null
  readonly waiting_for: readonly string[]
  readonly moves: readonly MoveJson[] | null
}

interface MoveJson {
  readonly to_state: RunState
  readonly step_key: string | null
  readonly reason: string
  readonly context: unknown
  readonly inserted_at: string
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

interface BucketJson {
  readonly bucket_id: string
  readonly key: string
  readonly version: number
  readonly window_starts_at: string
  readonly window_ends_at: string
  readonly emitted_at: string | null
  readonly digest_delivery_id: string | null
  readonly resolution: StoryDigest['outcome'] | null
  readonly reason: string | null
}

interface MemberJson {
  readonly delivery_id: string
  readonly notification_key: string
  readonly resolution: string | null
  readonly reason: string | null
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
  v.orchestration_state, v.planning_reason, v.planning_context, v.suppression_reason, v.next_eligible_at, v.next_attempt_at, v.put_off_by,
  v.render_key, v.render_version, v.inserted_at, e.correlation_id, e.inserted_at as event_inserted_at,
  n.inserted_at as notification_inserted_at, n.seen_at, n.read_at, n.archived_at, n.pruned_at, n.erased_at,
  (select json_agg(a order by a.attempt_number) from (
    select id, attempt_number, outcome, error_class, adapter, provider_message_id, reason, address, source, started_at, inserted_at
    from delivery_attempt where tenant_id = $1 and delivery_id = v.id
  ) a) as attempts,
  (select json_agg(d order by d.at, d.checkpoint desc, d.id) from (
    select id, checkpoint, at, answers from delivery_decision where tenant_id = $1 and delivery_id = v.id
  ) d) as decisions,
  (select json_agg(t order by t.at, t.id) from (
    select id, event, reason, context, at from delivery_transition where tenant_id = $1 and delivery_id = v.id
  ) t) as transitions,
  (select row_to_json(h) from (
    select b.id as bucket_id, r.key, r.version, b.window_starts_at, b.window_ends_at, b.emitted_at,
      case when not m."left" then b.digest_delivery_id end as digest_delivery_id, m.resolution, m.reason
    from digest_membership m
    join digest_bucket b on b.tenant_id = m.tenant_id and b.id = m.bucket_id
    join digest_rule r on r.tenant_id = b.tenant_id and r.id = b.rule_id
    where m.tenant_id = $1 and m.delivery_id = v.id
  ) h) as held_in,
  case when e.is_digest then (select row_to_json(g) from (
    select b.id as bucket_id, r.key, r.version, b.window_starts_at, b.window_ends_at, b.emitted_at, b.digest_delivery_id, null as resolution, null as reason,
      (select count(*) from digest_membership m where m.tenant_id = $1 and m.bucket_id = b.id) as member_count,
      (select json_agg(o order by o.position) from (
        select m.position, m.delivery_id, d.notification_key, m.resolution, m.reason
        from (
          select m.position, m.delivery_id, m.resolution, m.reason from digest_membership m
          where m.tenant_id = $1 and m.bucket_id = b.id order by m.position limit 100
        ) m
        cross join lateral (select d.notification_key from delivery d where d.tenant_id = $1 and d.id = m.delivery_id offset 0) d
      ) o) as members
    from digest_bucket b join digest_rule r on r.tenant_id = b.tenant_id and r.id = b.rule_id
    where b.tenant_id = $1 and b.digest_delivery_id = v.id
  ) g) end as digest_of,
  case when v.in_run then (select to_jsonb(r) from (
    select workflow_key, state, step_key, waiting_until, waiting_for, (select json_agg(m order by m.number) from (
      select number, to_state, step_key, reason, context, inserted_at from workflow_transition where tenant_id = $1 and run_id = v.notification_id
    ) m) as moves
    from workflow_run where tenant_id = $1 and id = v.notification_id
  ) r) end as run
from unnest($2::uuid[]) as k (id)
join delivery v on v.tenant_id = $1 and v.id = k.id
join event e on e.tenant_id = $1 and e.id = v.event_id
join notification n on n.tenant_id = $1 and n.id = v.notification_id`,
  values: [tenantId, ids],
})
