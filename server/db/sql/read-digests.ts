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
    | 'inserted_at'
  > {
  digest_delivery_id: string
  window_starts_at: Date
  window_ends_at: Date
}

/** What went into these digests, by the ids of their deliveries, oldest first. Indexes: digest_bucket_digest_delivery_key, and the keys. No lock. */
export const readDigests = (
  deliveries: readonly { readonly tenantId: string; readonly id: string }[],
): QueryConfig => ({
  name: 'read_digests',
  text: `
select b.digest_delivery_id, b.window_starts_at, b.window_ends_at, e.tenant_id, e.id, e.notification_key, e.category, e.payload,
  e.has_secrets, e.sealed_payload, e.recipient_count, e.inserted_at
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join digest_bucket b on b.tenant_id = k.tenant_id collate "C" and b.digest_delivery_id = k.id
join digest_membership m on m.tenant_id = b.tenant_id and m.bucket_id = b.id and m.resolution = 'included'
join delivery v on v.tenant_id = m.tenant_id and v.id = m.delivery_id
join event e on e.tenant_id = v.tenant_id and e.id = v.event_id
order by b.tenant_id, b.id, m.position`,
  values: [deliveries.map((one) => one.tenantId), deliveries.map((one) => one.id)],
})
