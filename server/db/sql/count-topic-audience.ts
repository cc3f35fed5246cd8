import type { QueryConfig } from 'pg'

/**
 * How many subscribe to any of these topics, each counted once, beside those who are named. Indexes: topic's unique key,
 * topic_subscription's key. No lock.
 */
export const countTopicAudience = (
  tenantId: string,
  {
    topics,
    actorId,
    named,
  }: { readonly topics: readonly string[]; readonly actorId: string | null; readonly named: readonly string[] },
): QueryConfig => ({
  name: 'count_topic_audience',
  text: `
select count(distinct s.recipient_id)::int4 as count
from topic t join topic_subscription s on s.tenant_id = t.tenant_id and s.topic_id = t.id
where t.tenant_id = $1 and t.key = any($2::text[]) and s.recipient_id is distinct from $3::text collate "C"
  and not exists (select from unnest($4::text[]) as k (recipient_id) where k.recipient_id collate "C" = s.recipient_id)`,
  values: [tenantId, topics, actorId, named],
})
