import type { QueryConfig } from 'pg'

export interface TopicRef {
  readonly tenantId: string
  readonly id: string
}

/**
 * Subscribes recipients, which must exist, to a topic that is locked, and counts those who were not. Sorted; index:
 * topic_subscription's key.
 */
export const addSubscriptions = (topic: TopicRef, recipientIds: readonly string[], now: Date): QueryConfig => ({
  name: 'add_subscriptions',
  text: `
with added as (
  insert into topic_subscription (tenant_id, topic_id, recipient_id, inserted_at)
  select $1, $2, recipient_id, $4::timestamptz from unnest($3::text[]) as k (recipient_id)
  order by recipient_id collate "C"
  on conflict do nothing
  returning 1
), counted as (select count(*) as n from added)
update topic set subscriber_count = subscriber_count + n from counted
where tenant_id = $1 and id = $2 and n > 0`,
  values: [topic.tenantId, topic.id, recipientIds, now],
})

/** Ends these recipients' subscriptions to a topic that is locked, and counts those who had one. Index: topic_subscription's key. */
export const removeSubscriptions = (topic: TopicRef, recipientIds: readonly string[]): QueryConfig => ({
  name: 'remove_subscriptions',
  text: `
with removed as (
  delete from topic_subscription where tenant_id = $1 and topic_id = $2 and recipient_id = any ($3::text[])
  returning 1
), counted as (select count(*) as n from removed)
update topic set subscriber_count = subscriber_count - n from counted
where tenant_id = $1 and id = $2 and n > 0`,
  values: [topic.tenantId, topic.id, recipientIds],
})
