import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface SeenEventRow {
  status: string
  inserted_at: Date
  send_at: Date | null
  own_act: boolean
  in_audience: boolean
  subscribed: boolean
  tries: number
  without_channel: boolean
  cut_short: boolean
}

/**
 * What the newest events of a notification have to do with a recipient, newest first: those that are still to come, and
 * those that came `since` then; those that are being pruned only where it is among what is left of them. Indexes: event's (tenant_id, notification_key, id), then by key for each of the events.
 * No lock. Has no name, so that it is planned each time: a plan that was made while no audience waited would read the
 * whole of a large one for each event.
 */
export const readRecipientEvents = (
  { tenantId, recipientId }: InboxKey,
  {
    notificationKey,
    since,
    limit,
  }: { readonly notificationKey: string; readonly since: Date | null; readonly limit: number },
): QueryConfig => ({
  text: `
select e.status, e.inserted_at, e.send_at, e.own_act, r.event_id is not null as in_audience, coalesce(r.tries, 0) as tries,
  case when e.status = 'scheduled' and not e.own_act then exists (
    select from topic t join topic_subscription s on s.tenant_id = t.tenant_id and s.topic_id = t.id
    where t.tenant_id = $1 and t.key = any(e.topics) and s.recipient_id = $2
  ) else false end as subscribed,
  case when n.id is not null then not exists (
    select from delivery v where v.tenant_id = $1 and v.notification_id = n.id
  ) else false end as without_channel,
  e.status = 'cancelled' and (e.planned_recipient_count < e.recipient_count
    or e.send_at > e.inserted_at and cardinality(e.topics) > 0 and e.planned_recipient_count = 0) as cut_short
from (
  select id, status, inserted_at, send_at, topics, recipient_count, planned_recipient_count, pruned_recipient_count,
    actor_id is not distinct from $2 as own_act
  from event where tenant_id = $1 and notification_key = $3 order by id desc limit $5
) e
left join event_recipient r on r.tenant_id = $1 and r.event_id = e.id and r.recipient_id = $2
left join notification n on n.tenant_id = $1 and n.event_id = e.id and n.recipient_id = $2
where (e.pruned_recipient_count = 0 or n.id is not null)
  and ($4::timestamptz is null or e.status in ('scheduled', 'planning') or greatest(e.inserted_at, e.send_at) >= $4)
order by e.id desc`,
  values: [tenantId, recipientId, notificationKey, since, limit],
})
