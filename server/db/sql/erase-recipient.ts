import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { SENT_BEFORE } from './sent-before.ts'

/** What can still be stopped: nobody has it in hand. */
const WAITING = `v.tenant_id = $1 and v.recipient_id = $2 and (v.status in ('pending', 'failed') or v.awaits_operator)`

/**
 * Locks what of a recipient can still be stopped, one statement after the other: due rows, deliveries, and the topics
 * that it is subscribed to, each in order of key. The inbox's lock comes first. Index: delivery's by recipient.
 */
export const lockErasure = ({ tenantId, recipientId }: InboxKey): readonly QueryConfig[] => [
  {
    name: 'lock_erased_queue',
    text: `
select d.subject_id from due d
where d.tenant_id = $1 and d.kind = 'delivery' and d.subject_id in (select v.id from delivery v where ${WAITING})
order by d.tenant_id, d.kind, d.subject_id for update`,
    values: [tenantId, recipientId],
  },
  {
    name: 'lock_erased_deliveries',
    text: `select v.id from delivery v where ${WAITING} order by v.tenant_id, v.id for no key update`,
    values: [tenantId, recipientId],
  },
  {
    name: 'lock_erased_topics',
    text: `
select t.id from topic t where t.tenant_id = $1 and t.id in (select topic_id from topic_subscription where tenant_id = $1 and recipient_id = $2)
order by t.key for no key update`,
    values: [tenantId, recipientId],
  },
]

/** Stops what is waiting for a recipient, as of `now`; answers the deliveries. The locks of `lockErasure` must be held. */
export const stopDeliveries = ({ tenantId, recipientId }: InboxKey, now: Date): QueryConfig => ({
  name: 'stop_deliveries',
  text: `
with waiting as materialized (
  select v.tenant_id, v.id, v.event_id, ${SENT_BEFORE} as sent from delivery v where ${WAITING}
), ended as (
  update delivery v set status = case when w.sent then 'succeeded' else 'cancelled' end, awaits_operator = false,
    suppression_reason = case when w.sent then null else 'recipient_erased' end,
    orchestration_state = case when w.sent then 'ready' else v.orchestration_state end, next_attempt_at = null, updated_at = $3::timestamptz
  from waiting w where v.tenant_id = w.tenant_id and v.id = w.id
), transitions as (
  insert into delivery_transition (tenant_id, id, delivery_id, event, reason, context, at)
  select tenant_id, gen_random_uuid(), id, case when sent then 'retry_dropped' else 'cancelled' end, 'recipient_erased', '{}', $3::timestamptz from waiting
), unqueued as (
  delete from due d using waiting w where d.tenant_id = w.tenant_id and d.kind = 'delivery' and d.subject_id = w.id
)
select tenant_id as "tenantId", id from waiting`,
  values: [tenantId, recipientId, now],
})

/**
 * Takes all that is said of a recipient out of what is kept, and empties its inbox, as of `now`; answers how many
 * notifications lost their content. Indexes: delivery's and digest_bucket's by recipient.
 */
export const eraseHistory = ({ tenantId, recipientId }: InboxKey, now: Date): QueryConfig => ({
  name: 'erase_history',
  text: `
with own as materialized (
  select id, notification_id from delivery where tenant_id = $1 and recipient_id = $2
), attempts as (
  update delivery_attempt a set address = null, reason = null from own o
  where a.tenant_id = $1 and a.delivery_id = o.id and (a.address is not null or a.reason is not null)
), words as (
  update delivery_transition t set context = t.context - 'words' from own o where t.tenant_id = $1 and t.delivery_id = o.id and t.context ? 'words'
), erased as (
  update notification n set content = null, arrived_at = null, arrival_version = null, inbox_version = null, snoozed_until = null, erased_at = $3::timestamptz
  where n.tenant_id = $1 and n.id in (select notification_id from own) and n.erased_at is null
  returning n.id
), closings as (
  update digest_bucket set closed_words = null where tenant_id = $1 and recipient_id = $2 and closed_words is not null
), asleep as (
  delete from due d where d.tenant_id = $1 and d.kind = 'wake' and d.subject_id in (select notification_id from own)
), emptied as (
  update inbox set version = version + 1, resync_below = version + 1, total = 0, unread = 0, unseen = 0 where tenant_id = $1 and recipient_id = $2
)
select count(*) as count from erased`,
  values: [tenantId, recipientId, now],
})

/** Removes what hosts said about a recipient, and operators of its workflows. Index: signal's by recipient, workflow_run's. */
export const eraseSignals = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'erase_signals',
  text: `
with words as (
  update workflow_transition t set context = t.context - 'words' from workflow_run r
  where r.tenant_id = $1 and r.recipient_id = $2 and t.tenant_id = $1 and t.run_id = r.id and t.context ? 'words'
)
delete from signal where tenant_id = $1 and recipient_id = $2`,
  values: [tenantId, recipientId],
})

/** Removes what is stored of a recipient itself, and its place in topics, which must be locked. Indexes: the keys. */
export const removeRecipient = ({ tenantId, recipientId }: InboxKey): readonly QueryConfig[] => [
  {
    name: 'remove_subscriptions_of',
    text: `
with removed as (delete from topic_subscription where tenant_id = $1 and recipient_id = $2 returning topic_id)
update topic t set subscriber_count = t.subscriber_count - 1 from removed r where t.tenant_id = $1 and t.id = r.topic_id`,
    values: [tenantId, recipientId],
  },
  {
    name: 'remove_recipient',
    text: `
with addresses as (delete from recipient_address where tenant_id = $1 and recipient_id = $2),
preferences as (delete from preference where tenant_id = $1 and recipient_id = $2),
policies as (delete from policy_settings where tenant_id = $1 and recipient_id = $2)
delete from recipient where tenant_id = $1 and recipient_id = $2`,
    values: [tenantId, recipientId],
  },
]

/**
 * Takes a recipient out of the audiences of events that are yet to be planned, and ends those that were for nobody else,
 * as of `now`. Indexes: due's key, for the tenant's events that wait, and event_recipient's. Locks: the events, in order of key.
 */
export const leaveAudiences = ({ tenantId, recipientId }: InboxKey, now: Date): QueryConfig => ({
  name: 'leave_audiences',
  text: `
with mine as materialized (
  select e.id, e.recipient_count = 1 and e.topics = '{}' as alone from event e
  where e.tenant_id = $1 and e.status = 'scheduled' and e.id in (select subject_id from due where tenant_id = $1 and kind = 'fan_out')
    and exists (select from event_recipient r where r.tenant_id = $1 and r.event_id = e.id and r.recipient_id = $2)
  order by e.id for no key update
), left_out as (
  delete from event_recipient r using mine m where r.tenant_id = $1 and r.event_id = m.id and r.recipient_id = $2
), unqueued as (
  delete from due d using mine m where m.alone and d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = m.id
)
update event e set recipient_count = e.recipient_count - 1, status = case when m.alone then 'cancelled' else e.status end,
  payload = case when m.alone then '{}' else e.payload end, sealed_payload = case when m.alone then null else e.sealed_payload end,
  erased_at = case when m.alone then $3::timestamptz end
from mine m where e.tenant_id = $1 and e.id = m.id`,
  values: [tenantId, recipientId, now],
})

/** Empties the payloads of events that were for this recipient alone, as of `now`. Locks: the events, in order of key. */
export const erasePayloads = ({ tenantId, recipientId }: InboxKey, now: Date): QueryConfig => ({
  name: 'erase_payloads',
  text: `
with alone as materialized (
  select e.id from event e
  where e.tenant_id = $1 and e.id in (select event_id from delivery where tenant_id = $1 and recipient_id = $2)
    and e.recipient_count = 1 and e.erased_at is null
  order by e.id for no key update
)
update event e set payload = '{}', sealed_payload = null, erased_at = $3::timestamptz from alone a where e.tenant_id = $1 and e.id = a.id`,
  values: [tenantId, recipientId, now],
})
