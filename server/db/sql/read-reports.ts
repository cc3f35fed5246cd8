import type { QueryConfig } from 'pg'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'
import type { FeedbackStatus, Tried } from '../../core/feedback.ts'
import type { Claim } from './claim-due.ts'
import { TRIED } from './tried.ts'

/** A claimed report, and its delivery as it stands; the columns from `recipient_id` on are null where that has gone. */
export interface ReportRow {
  tenant_id: string
  id: string
  /** The lease, and the id of the attempt it becomes. */
  token: string
  adapter: string
  provider_message_id: string | null
  normalized_status: FeedbackStatus
  delivery_id: string
  recipient_id: string | null
  event_id: string
  /** Whether its event was given secret fields. */
  has_secrets: boolean
  /** Of its event. */
  recipient_count: number
  notification_id: string | null
  /** Whether it is a workflow's step, and whether its notification goes through one; null where it has gone. */
  step_key: string | null
  in_run: boolean | null
  channel: string
  status: DeliveryStatus
  orchestration_state: OrchestrationState
  suppression_reason: string | null
  next_eligible_at: Date | null
  /** Tries that were recorded. */
  tries: number
  /** The number of the last attempt. */
  attempts: number
  tried: readonly Tried[]
  /** The lease under which it was dispatched, and when; both null where that attempt is recorded, or it was not. */
  begun_token: string | null
  begun_at: Date | null
  /** Whether that lease still holds. */
  under_way: boolean
  /** The address of the call that the report answers, by the provider's id of the message; null where none has that. */
  address_key: string | null
  /** The addresses that were called, masked, by their keys; null where there are none. */
  called: Readonly<Record<string, string | null>> | null
  /** Whether the provider's id of the message is known of all that was accepted. */
  all_named: boolean
}

/**
 * Claimed reports whose lease is still theirs, in the order in which they came, with what they are decided by. The locks
 * of `lockReports` must be held. Indexes: the keys, and those of attempts, decisions and transitions by delivery.
 */
export const readReports = (claims: readonly Claim[], now: Date | null): QueryConfig => ({
  name: 'read_reports',
  text: `
with clock as materialized (select coalesce($4::timestamptz, clock_timestamp()) as now),
claimed as materialized (
  select w.tenant_id, w.id, k.token, w.adapter, w.provider_message_id, w.normalized_status, w.delivery_id, w.inserted_at
  from unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant_id, id, token)
  join due d on d.tenant_id = k.tenant_id collate "C" and d.kind = 'webhook' and d.subject_id = k.id and d.lease_token = k.token
  join webhook_ingress w on w.tenant_id = d.tenant_id and w.id = d.subject_id and w.state = 'queued'
), subjects as materialized (
  select v.tenant_id, v.id, v.recipient_id, v.notification_id, v.step_key, v.in_run, v.event_id, e.has_secrets, e.recipient_count, v.channel, v.status, v.orchestration_state, v.suppression_reason, v.next_eligible_at,
    coalesce(q.tries, made.tries) as tries, a.attempts, a.tried, a.called, a.all_named, b.id as begun_token, b.at as begun_at,
    coalesce(q.lease_token = b.id and q.lease_until > clock.now, false) as under_way
  from clock cross join (select distinct tenant_id, delivery_id from claimed) k
  join delivery v on v.tenant_id = k.tenant_id and v.id = k.delivery_id
  left join event e on e.tenant_id = v.tenant_id and e.id = v.event_id
  left join due q on q.tenant_id = v.tenant_id and q.kind = 'delivery' and q.subject_id = v.id
  cross join lateral (
    select coalesce(max(a.attempt_number), 0) as attempts, ${TRIED} as tried,
      jsonb_object_agg(a.address_key, a.address) filter (where a.source = 'call' and a.address_key is not null) as called,
      count(*) filter (where a.source = 'call' and a.outcome = 'succeeded' and a.provider_message_id is null) = 0 as all_named
    from delivery_attempt a where a.tenant_id = v.tenant_id and a.delivery_id = v.id
  ) a
  cross join lateral (
    -- Of one that hangs, and so has left the queue.
    select count(*)::int4 as tries from delivery_attempt a join delivery_decision c on c.tenant_id = a.tenant_id and c.delivery_id = a.delivery_id and c.id = a.id
    where v.awaits_operator and a.tenant_id = v.tenant_id and a.delivery_id = v.id and a.source = 'call' and a.inserted_at >= coalesce((
      select max(t.at) from delivery_transition t where t.tenant_id = v.tenant_id and t.delivery_id = v.id and t.event = 'retried'), '-infinity')
  ) made
  left join lateral (
    select c.id, c.at from delivery_decision c
    where v.status = 'dispatched' and c.tenant_id = v.tenant_id and c.delivery_id = v.id and c.checkpoint = 'perform'
      and not exists (select from delivery_attempt a where a.tenant_id = c.tenant_id and a.id = c.id)
    order by c.at desc limit 1
  ) b on true
)
select w.tenant_id, w.id, w.token, w.adapter, w.provider_message_id, w.normalized_status, w.delivery_id,
  s.recipient_id, s.notification_id, s.step_key, s.in_run, s.event_id, s.has_secrets, s.recipient_count, s.channel, s.status, s.orchestration_state, s.suppression_reason, s.next_eligible_at, s.tries, s.attempts, s.tried,
  s.begun_token, s.begun_at, s.under_way, s.called, s.all_named, answered.address_key
from claimed w
left join subjects s on s.tenant_id = w.tenant_id and s.id = w.delivery_id
left join lateral (
  select a.address_key from delivery_attempt a
  where a.tenant_id = w.tenant_id and a.provider_message_id = w.provider_message_id and a.delivery_id = w.delivery_id and a.address_key is not null
  order by a.attempt_number desc limit 1
) answered on true
order by w.inserted_at, w.id`,
  values: [
    claims.map((claim) => claim.tenant_id),
    claims.map((claim) => claim.subject_id),
    claims.map((claim) => claim.token),
    now,
  ],
})
