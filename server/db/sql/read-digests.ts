import type { QueryConfig } from 'pg'
import type { EventRow } from './load-events-by-key.ts'

/** One item of a digest: what its own event was given. */
export interface DigestItemRow
  extends Pick<
    EventRow,
    | 'tenant_id'
    | 'id'
    | 'notification_key'
    | 'category'
    | 'payload'
    | 'has_secrets'
    | 'sealed_payload'
    | 'recipient_count'
    | 'traceparent'
    | 'inserted_at'
  > {
  digest_delivery_id: string
  /** The workflow step that it was planned for; '' where it was for none. */
  step_key: string
  window_starts_at: Date
  window_ends_at: Date
}

/**
 * What went into these digests, by the ids of their deliveries, oldest first. Each table is asked by its key, row by row,
 * whatever the planner expects of a young database. Indexes: digest_bucket_digest_delivery_key, and the keys. No lock.
 */
export const readDigests = (
  deliveries: readonly { readonly tenantId: string; readonly id: string }[],
): QueryConfig => ({
  name: 'read_digests',
  text: `
select b.digest_delivery_id, b.window_starts_at, b.window_ends_at, e.tenant_id, e.id, e.notification_key, e.category, e.payload,
  e.has_secrets, e.sealed_payload, e.recipient_count, e.traceparent, e.inserted_at, v.step_key
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join digest_bucket b on b.tenant_id = k.tenant_id collate "C" and b.digest_delivery_id = k.id
cross join lateral (
  select m.delivery_id, m.position from digest_membership m
  where m.tenant_id = b.tenant_id and m.bucket_id = b.id and m.resolution = 'included' offset 0
) m
cross join lateral (select v.event_id, v.step_key from delivery v where v.tenant_id = b.tenant_id and v.id = m.delivery_id offset 0) v
cross join lateral (
  select e.tenant_id, e.id, e.notification_key, e.category, e.payload, e.has_secrets, e.sealed_payload, e.recipient_count, e.traceparent, e.inserted_at
  from event e where e.tenant_id = b.tenant_id and e.id = v.event_id offset 0
) e
order by b.tenant_id, b.id, m.position`,
  values: [deliveries.map((one) => one.tenantId), deliveries.map((one) => one.id)],
})
