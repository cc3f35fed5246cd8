import type { QueryConfig } from 'pg'

export interface TopicKey {
  readonly tenantId: string
  readonly key: string
}

export interface LockedTopicRow {
  id: string
}

/** Locks a topic until the transaction ends, so that its subscribers change in one order. No row where it is missing. Index: topic's unique key. */
export const lockTopic = ({ tenantId, key }: TopicKey): QueryConfig => ({
  name: 'lock_topic',
  text: 'select id from topic where tenant_id = $1 and key = $2 for no key update',
  values: [tenantId, key],
})

/** Makes a topic that is missing, without subscribers. Waits for another's uncommitted one. Index: topic's unique key. */
export const ensureTopic = ({ tenantId, key }: TopicKey, id: string, now: Date | null): QueryConfig => ({
  name: 'ensure_topic',
  text: `
insert into topic (tenant_id, id, key, inserted_at)
values ($1, $2, $3, date_trunc('milliseconds', coalesce($4::timestamptz, clock_timestamp())))
on conflict do nothing`,
  values: [tenantId, id, key, now],
})
