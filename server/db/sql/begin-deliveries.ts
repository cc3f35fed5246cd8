import type { QueryConfig } from 'pg'
import type { DeliveryStatus } from '../../core/delivery.ts'
import type { RuleAnswer } from '../../core/plan.ts'

/** What the perform checkpoint made of one claimed delivery. */
export interface BegunDelivery {
  readonly tenantId: string
  readonly id: string
  /** `dispatched`: it is about to be handed over. Any other: it will not be, and leaves the queue. */
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
  /** The decision, whose id is the lease's token; `null` where the planner was not asked, because its tries were used up. */
  readonly decisionId: string | null
  readonly answers: readonly RuleAnswer[] | null
  readonly transitionId: string
  /** The attempt whose worker died in mid-call; `null` where there was none. */
  readonly unknown: {
    readonly attemptId: string
    readonly attemptNumber: number
    readonly adapter: string
    readonly startedAt: Date
  } | null
}

/**
 * Takes deliveries whose worker died in mid-call back from dispatched: whatever is decided now goes on from failed, the
 * one state that may become any of them. The rows must be locked.
 */
export const takeBackUnknown = (rows: readonly BegunDelivery[], now: Date): QueryConfig => {
  const unknown = rows.filter((row) => row.unknown !== null)
  return {
    name: 'take_back_unknown',
    text: `
update delivery v set status = 'failed', next_attempt_at = $3::timestamptz
from unnest($1::text[], $2::uuid[]) as u (tenant_id, id)
where v.tenant_id = u.tenant_id collate "C" and v.id = u.id and v.status = 'dispatched'`,
    values: [unknown.map((row) => row.tenantId), unknown.map((row) => row.id), now],
  }
}

/**
 * Stores what the perform checkpoint decided, as of `now`: decisions, unknown attempts, states, and the queue. The due
 * rows and the deliveries must be locked (`lockClaimedDeliveries`).
 */
export const beginDeliveries = (
  rows: readonly BegunDelivery[],
  { now, leaseMs }: { readonly now: Date; readonly leaseMs: number },
): QueryConfig => ({
  name: 'begin_deliveries',
  text: `
with begun as (
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::jsonb[], $7::uuid[], $8::uuid[], $9::int4[], $10::text[], $11::timestamptz[])
    as u (tenant_id, id, status, suppression_reason, decision_id, answers, transition_id, unknown_id, unknown_number, adapter, started_at)
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select tenant_id, decision_id, id, 'perform', $12::timestamptz, answers from begun where decision_id is not null
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
  select tenant_id, unknown_id, id, unknown_number, 'unknown', adapter, 'call', started_at, $12::timestamptz
  from begun where unknown_id is not null
), transitions as (
  insert into delivery_transition (tenant_id, id, delivery_id, event, reason, context, at)
  select tenant_id, transition_id, id, case suppression_reason when 'event_cancelled' then suppression_reason else status end, suppression_reason, '{"checkpoint": "perform"}', $12::timestamptz
  from begun where status <> 'dispatched'
), deliveries as (
  update delivery v set status = b.status, suppression_reason = b.suppression_reason, next_attempt_at = null, updated_at = $12::timestamptz
  from begun b where v.tenant_id = b.tenant_id collate "C" and v.id = b.id
), leased as (
  update due d set lease_until = $12::timestamptz + $13::int4 * interval '1 millisecond',
    tries = d.tries + case when b.unknown_id is null then 0 else 1 end
  from begun b where b.status = 'dispatched' and d.tenant_id = b.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = b.id
)
delete from due d using begun b
where b.status <> 'dispatched' and d.tenant_id = b.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = b.id`,
  values: [
    rows.map((row) => row.tenantId),
    rows.map((row) => row.id),
    rows.map((row) => row.status),
    rows.map((row) => row.suppressionReason),
    rows.map((row) => row.decisionId),
    rows.map((row) => (row.answers ? JSON.stringify(row.answers) : null)),
    rows.map((row) => row.transitionId),
    rows.map((row) => row.unknown?.attemptId ?? null),
    rows.map((row) => row.unknown?.attemptNumber ?? null),
    rows.map((row) => row.unknown?.adapter ?? null),
    rows.map((row) => row.unknown?.startedAt ?? null),
    now,
    leaseMs,
  ],
})
