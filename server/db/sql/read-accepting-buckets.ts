import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface AcceptingBucketRow {
  tenant_id: string
  recipient_id: string
  id: string
  rule_id: string
  channel: string
  grouping_value: string
  window_starts_at: Date
  window_ends_at: Date
  first_item_at: Date
  member_count: number
}

/** The buckets of these recipients that take members. Index: digest_bucket_accepting_key. No lock: the inboxes' are theirs. */
export const readAcceptingBuckets = (keys: readonly InboxKey[]): QueryConfig => ({
  name: 'read_accepting_buckets',
  text: `
select b.tenant_id, b.recipient_id, b.id, b.rule_id, b.channel, b.grouping_value, b.window_starts_at, b.window_ends_at,
  b.first_item_at, b.member_count
from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
join digest_bucket b on b.tenant_id = k.tenant_id collate "C" and b.recipient_id = k.recipient_id collate "C" and b.accepting`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId)],
})
