import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { type RuleAnswer, storedAnswers } from '../../core/decision.ts'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'
import { listOnce } from '../../core/list-once.ts'
import type { EventRow } from './load-events-by-key.ts'

export interface NewNotification extends InboxKey {
  readonly id: string
  readonly eventId: string
  readonly notificationKey: string
  readonly category: string | null
  /** In-app content, and the inbox's version at which it arrives; both `null` where it does not come into the inbox. */
  readonly content: unknown
  readonly arrivalVersion: number | null
}

export interface NewDelivery extends InboxKey {
  readonly id: string
  readonly notificationId: string
  readonly eventId: string
  readonly notificationKey: string
  readonly category: string | null
  readonly channel: string
  /** The workflow step that it is for; '' where it is for none. */
  readonly stepKey: string
  /** Whether its notification goes through a workflow. */
  readonly inRun: boolean
  /** A pending one gets a due row: for now, or for when it is eligible or expires; one that is held, for that alone. */
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly planningReason: string | null
  readonly planningContext: unknown
  readonly nextEligibleAt: Date | null
  readonly expiresAt: Date | null
  readonly countsAt: Date | null
  readonly fallback: boolean
  readonly suppressionReason: string | null
  readonly renderKey: string
  readonly renderVersion: number
  readonly position: number
  readonly decisionId: string
  readonly answers: readonly RuleAnswer[]
  /** The attempt of one that was delivered at once, in-app; `null` for the others. */
  readonly attemptId: string | null
}

/** Where an inbox stands after the write. Its lock is held, so versions and positions are values, not increments. */
export interface InboxAdvance extends InboxKey {
  readonly version: number
  readonly position: number
  readonly arrivals: number
}

/** Everything that a batch of triggers, or a chunk of a fan-out, brings about, recipients' details aside. */
export interface PlanRows {
  readonly events: readonly Omit<EventRow, 'inserted_at'>[]
  readonly notifications: readonly NewNotification[]
  readonly deliveries: readonly NewDelivery[]
  readonly inboxes: readonly InboxAdvance[]
}

const TEXT = `
with events as (
  insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, correlation_id,
    actor_id, payload, category, required, urgent, status, recipient_count, planned_recipient_count, send_at,
    expires_at, topics, has_secrets, sealed_payload, is_digest, traceparent, inserted_at)
  select u.tenant_id, u.id, u.notification_key, u.notification_version, u.idempotency_key, u.fingerprint, u.correlation_id,
    u.actor_id, u.payload, u.category, u.required, u.urgent, u.status, u.recipient_count, u.planned_recipient_count, u.send_at,
    u.expires_at, array(select jsonb_array_elements_text(u.topics)), u.has_secrets, u.sealed_payload, u.is_digest, u.traceparent, $1::timestamptz from unnest($2::text[], $3::uuid[], $4::text[], $5::int4[], $6::text[], $7::bytea[], $8::text[],
    $9::text[], $10::jsonb[], $11::text[], $12::bool[], $13::bool[], $14::text[], $15::int4[], $16::int4[], $45::timestamptz[],
    $46::timestamptz[], $47::jsonb[], $58::bool[], $59::bytea[], $60::bool[], $63::text[])
    as u (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, correlation_id, actor_id, payload,
      category, required, urgent, status, recipient_count, planned_recipient_count, send_at, expires_at, topics,
      has_secrets, sealed_payload, is_digest, traceparent)
), notifications as (
  insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, content, arrival_version,
    inbox_version, arrived_at, inserted_at)
  select u.tenant_id, u.id, u.event_id, u.recipient_id, u.notification_key, u.category, $56::jsonb -> u.content, u.arrival_version,
    u.arrival_version, case when u.arrival_version is null then null else $1::timestamptz end, $1::timestamptz
  from unnest($17::text[], $18::uuid[], $19::uuid[], $20::text[], $21::text[], $22::text[], $23::int4[], $24::int8[])
    as u (tenant_id, id, event_id, recipient_id, notification_key, category, content, arrival_version)
), planned as (
  select * from unnest($25::text[], $26::uuid[], $27::uuid[], $28::uuid[], $29::text[], $30::text[], $31::text[], $32::text[],
    $33::text[], $34::text[], $35::int4[], $36::int8[], $37::uuid[], $38::int4[], $39::uuid[],
    $48::text[], $49::text[], $50::text[], $51::jsonb[], $52::timestamptz[], $53::timestamptz[], $54::timestamptz[], $55::bool[], $61::text[], $62::bool[])
    as u (tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, status,
      suppression_reason, render_key, render_version, position, decision_id, answers, attempt_id,
      category, orchestration_state, planning_reason, planning_context, next_eligible_at, expires_at, counts_at, fallback, step_key, in_run)
), deliveries as (
  insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, status,
    suppression_reason, render_key, render_version, position, category, orchestration_state, planning_reason,
    planning_context, next_eligible_at, expires_at, counts_at, fallback, step_key, in_run, inserted_at, updated_at)
  select tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, status,
    suppression_reason, render_key, render_version, position, category, orchestration_state, planning_reason,
    planning_context, next_eligible_at, expires_at, counts_at, fallback, step_key, in_run, $1::timestamptz, $1::timestamptz from planned
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select tenant_id, decision_id, id, 'planning', $1::timestamptz, $57::jsonb -> answers from planned
), dues as (
  insert into due (tenant_id, kind, subject_id, lane, due_at)
  select tenant_id, 'delivery', id, channel,
    case when orchestration_state = 'digest_held' then expires_at else least(coalesce(next_eligible_at, $1::timestamptz), expires_at) end
  from planned where status = 'pending' and (orchestration_state <> 'digest_held' or expires_at is not null)
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
  select tenant_id, attempt_id, id, 1, 'succeeded', 'in_app', 'call', $1::timestamptz, $1::timestamptz
  from planned where attempt_id is not null
)
update inbox i set version = k.version, position = k.position,
  total = i.total + k.arrivals, unread = i.unread + k.arrivals, unseen = i.unseen + k.arrivals
from unnest($40::text[], $41::text[], $42::int8[], $43::int8[], $44::int4[]) as k (tenant_id, recipient_id, version, position, arrivals)
where i.tenant_id = k.tenant_id collate "C" and i.recipient_id = k.recipient_id collate "C"`

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value))

/**
 * Writes it all in one statement, as of `now`: the number of round trips does not grow with triggers, recipients or
 * channels. The inboxes' locks must be held (`lockInboxes`).
 */
export const writePlans = ({ events, notifications, deliveries, inboxes }: PlanRows, now: Date): QueryConfig => {
  const contents = listOnce(notifications.map((row) => json(row.content)))
  const answers = listOnce(deliveries.map((row) => storedAnswers(row.answers)))
  return {
    name: 'write_plans',
    text: TEXT,
    values: [
      now,
      events.map((row) => row.tenant_id),
      events.map((row) => row.id),
      events.map((row) => row.notification_key),
      events.map((row) => row.notification_version),
      events.map((row) => row.idempotency_key),
      events.map((row) => row.fingerprint),
      events.map((row) => row.correlation_id),
      events.map((row) => row.actor_id),
      events.map((row) => JSON.stringify(row.payload)),
      events.map((row) => row.category),
      events.map((row) => row.required),
      events.map((row) => row.urgent),
      events.map((row) => row.status),
      events.map((row) => row.recipient_count),
      events.map((row) => row.planned_recipient_count),
      notifications.map((row) => row.tenantId),
      notifications.map((row) => row.id),
      notifications.map((row) => row.eventId),
      notifications.map((row) => row.recipientId),
      notifications.map((row) => row.notificationKey),
      notifications.map((row) => row.category),
      contents.places,
      notifications.map((row) => row.arrivalVersion),
      deliveries.map((row) => row.tenantId),
      deliveries.map((row) => row.id),
      deliveries.map((row) => row.notificationId),
      deliveries.map((row) => row.eventId),
      deliveries.map((row) => row.recipientId),
      deliveries.map((row) => row.notificationKey),
      deliveries.map((row) => row.channel),
      deliveries.map((row) => row.status),
      deliveries.map((row) => row.suppressionReason),
      deliveries.map((row) => row.renderKey),
      deliveries.map((row) => row.renderVersion),
      deliveries.map((row) => row.position),
      deliveries.map((row) => row.decisionId),
      answers.places,
      deliveries.map((row) => row.attemptId),
      inboxes.map((row) => row.tenantId),
      inboxes.map((row) => row.recipientId),
      inboxes.map((row) => row.version),
      inboxes.map((row) => row.position),
      inboxes.map((row) => row.arrivals),
      events.map((row) => row.send_at),
      events.map((row) => row.expires_at),
      events.map((row) => JSON.stringify(row.topics)),
      deliveries.map((row) => row.category),
      deliveries.map((row) => row.orchestrationState),
      deliveries.map((row) => row.planningReason),
      deliveries.map((row) => json(row.planningContext)),
      deliveries.map((row) => row.nextEligibleAt),
      deliveries.map((row) => row.expiresAt),
      deliveries.map((row) => row.countsAt),
      deliveries.map((row) => row.fallback),
      contents.list,
      answers.list,
      events.map((row) => row.has_secrets),
      events.map((row) => row.sealed_payload),
      events.map((row) => row.is_digest),
      deliveries.map((row) => row.stepKey),
      deliveries.map((row) => row.inRun),
      events.map((row) => row.traceparent),
    ],
  }
}
