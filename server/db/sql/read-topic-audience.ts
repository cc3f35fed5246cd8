import type { QueryConfig } from 'pg'

export interface SubscriberRow {
  recipient_id: string
}

/** Who subscribes to any of these topics, each once, in order of id. Indexes: topic's unique key, topic_subscription's key. No lock. */
export const readTopicAudience = (
  tenantId: string,
  {
    topics,
    actorId,
    limit,
  }: { readonly topics: readonly string[]; readonly actorId: string | null; readonly limit: number },
): QueryConfig => ({
  name: 'read_topic_audience',
  text: `
select distinct s.recipient_id
from topic t join topic_subscription s on s.tenant_id = t.tenant_id and s.topic_id = t.id
where t.tenant_id = $1 and t.key = any($2::text[]) and s.recipient_id is distinct from $3::text collate "C"
order by s.recipient_id limit $4`,
  values: [tenantId, topics, actorId, limit],
})
