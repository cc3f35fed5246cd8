import type { QueryConfig } from 'pg'
import { type RuleAnswer, storedAnswers } from '../../core/decision.ts'
import type { DeliveryStatus } from '../../core/delivery.ts'
import { listOnce } from '../../core/list-once.ts'
import { INTO_TRANSITIONS, transitionColumns } from './transition-rows.ts'

/** Until when a delivery is put off, and why. */
export interface Deferral {
  readonly until: Date
  readonly reason: string
  readonly context: unknown
}

/** A change that the row and its attempts do not show. */
export interface NewTransition {
  readonly id: string
  readonly event: string
  readonly reason: string | null
  readonly context: Readonly<Record<string, unknown>>
}

/** What the perform checkpoint made of one claimed delivery. */
export interface BegunDelivery {
  readonly tenantId: string
  readonly id: string
  /** `dispatched`: it is about to be handed over. `pending`: it is put off. `succeeded`: it arrives in an inbox, or has reached an address before and goes to no other. Any other: it is not sent. */
  readonly status: DeliveryStatus
  /** It stays dispatched and leaves the queue: an operator or its provider says what became of it. */
  readonly awaitsOperator: boolean
  readonly suppressionReason: string | null
  readonly deferral: Deferral | null
  /** The decision, whose id is the lease's token; `null` where the planner was not asked, because its tries were used up. */
  readonly decisionId: string | null
  readonly answers: readonly RuleAnswer[] | null
  /** In the order in which they happened. */
  readonly transitions: readonly NewTransition[]
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
  const unknown = rows.filter((row) => row.unknown !== null && !row.awaitsOperator)
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
 * rows and the deliveries must be locked (`lockClaimedDeliveries`). A lease that was taken a moment ago is left as it is:
 * so much of it as whoever holds it relies on is there.
 */
export const beginDeliveries = (
  rows: readonly BegunDelivery[],
  { now, leaseMs }: { readonly now: Date; readonly leaseMs: number },
): QueryConfig => {
  // Most of a batch are answered alike, and a decision is most of what a delivery is to write.
  const answers = listOnce(rows.map((row) => (row.answers ? storedAnswers(row.answers) : null)))
  return {
    name: 'begin_deliveries',
    text: `
with begun as (
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::int4[], $7::uuid[], $8::int4[], $9::text[], $10::timestamptz[],
      $13::timestamptz[], $14::text[], $15::jsonb[], $22::bool[])
    as u (tenant_id, id, status, suppression_reason, decision_id, answered, unknown_id, unknown_number, adapter, started_at,
      until, planning_reason, planning_context, awaits_operator)
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select tenant_id, decision_id, id, 'perform', $11::timestamptz, $23::jsonb -> answered from begun where decision_id is not null
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
  select tenant_id, unknown_id, id, unknown_number, 'unknown', adapter, 'call', started_at, $11::timestamptz
  from begun where unknown_id is not null
), transitions as (
  ${INTO_TRANSITIONS}
  select u.*, $11::timestamptz from unnest($16::text[], $17::uuid[], $18::uuid[], $19::text[], $20::text[], $21::jsonb[]) as u
), deliveries as (
  update delivery v set status = b.status, awaits_operator = b.awaits_operator, suppression_reason = b.suppression_reason, next_attempt_at = null, put_off_by = null, updated_at = $11::timestamptz,
    orchestration_state = case when b.until is not null then 'deferred' when b.status in ('dispatched', 'succeeded') then 'ready' else v.orchestration_state end,
    next_eligible_at = coalesce(b.until, v.next_eligible_at), planning_reason = coalesce(b.planning_reason, v.planning_reason),
    planning_context = coalesce(b.planning_context, v.planning_context),
    counts_at = case when v.counts_at is null then null when b.awaits_operator or (b.status = 'succeeded' and v.channel <> 'in_app') then v.counts_at when b.status in ('dispatched', 'succeeded') then $11::timestamptz else coalesce(b.until, v.counts_at) end
  from begun b where v.tenant_id = b.tenant_id collate "C" and v.id = b.id
), leased as (
  update due d set lease_until = $11::timestamptz + $12::int4 * interval '1 millisecond',
    tries = d.tries + case when b.unknown_id is null then 0 else 1 end
  from begun b where b.status = 'dispatched' and not b.awaits_operator and d.tenant_id = b.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = b.id
    and (b.unknown_id is not null or d.lease_until < $11::timestamptz + $12::int4 * 0.95 * interval '1 millisecond')
), put_off as (
  update due d set due_at = least(b.until, v.expires_at), lease_token = null, lease_until = null,
    tries = d.tries + case when b.unknown_id is null then 0 else 1 end
  from begun b join delivery v on v.tenant_id = b.tenant_id collate "C" and v.id = b.id
  where b.status = 'pending' and d.tenant_id = b.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = b.id
)
delete from due d using begun b
where (b.status not in ('dispatched', 'pending') or b.awaits_operator) and d.tenant_id = b.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = b.id`,
    values: [
      rows.map((row) => row.tenantId),
      rows.map((row) => row.id),
      rows.map((row) => row.status),
      rows.map((row) => row.suppressionReason),
      rows.map((row) => row.decisionId),
      answers.places,
      rows.map((row) => row.unknown?.attemptId ?? null),
      rows.map((row) => row.unknown?.attemptNumber ?? null),
      rows.map((row) => row.unknown?.adapter ?? null),
      rows.map((row) => row.unknown?.startedAt ?? null),
      now,
      leaseMs,
      rows.map((row) => row.deferral?.until ?? null),
      rows.map((row) => row.deferral?.reason ?? null),
      rows.map((row) => (row.deferral ? JSON.stringify(row.deferral.context) : null)),
      ...transitionValues(rows),
      rows.map((row) => row.awaitsOperator),
      answers.list,
    ],
  }
}

/** Columns of the transitions of rows, as `transitionColumns` has them. */
export const transitionValues = (
  rows: readonly { readonly tenantId: string; readonly id: string; readonly transitions: readonly NewTransition[] }[],
): readonly (readonly unknown[])[] =>
  transitionColumns(
    rows.flatMap(({ tenantId, id, transitions }) => transitions.map((one) => ({ ...one, tenantId, deliveryId: id }))),
  )
