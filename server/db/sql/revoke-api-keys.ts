import type { QueryConfig } from 'pg'
import { type ApiKeyRow, KEY_COLUMNS } from './list-api-keys.ts'

/** Which keys: one by its id, one by the hash of itself, or all of a tenant; the other two are `null`. */
export interface KeysToRevoke {
  readonly id: string | null
  readonly hash: Buffer | null
  readonly tenantId: string | null
}

export interface RevokedKeyRow extends ApiKeyRow {
  /** It had been revoked before, and keeps that time. */
  readonly before: boolean
}

/**
 * Ends API keys for good. Locks them, in order. Indexes: api_key's own for a tenant, that of hashes for a key; by id it
 * looks at all keys, of which there are few.
 */
export const revokeApiKeys = ({ id, hash, tenantId }: KeysToRevoke): QueryConfig => ({
  name: 'revoke_api_keys',
  text: `
with found as (
  select tenant_id, id, revoked_at from api_key
  where id = $1::uuid or hash = $2::bytea or tenant_id = $3::text
  order by tenant_id, id for no key update)
update api_key k set revoked_at = coalesce(k.revoked_at, clock_timestamp())
from found f where (k.tenant_id, k.id) = (f.tenant_id, f.id)
returning ${KEY_COLUMNS}, f.revoked_at is not null as before`,
  values: [id, hash, tenantId],
})
