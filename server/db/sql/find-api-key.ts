import type { QueryConfig } from 'pg'
import type { KeyScope } from '../../core/principal.ts'

export interface FoundKeyRow {
  readonly tenant_id: string
  readonly scopes: readonly KeyScope[]
  readonly disabled: boolean
  /** Whether it is not noted yet that it is in use. */
  readonly unnoted: boolean
}

/** How long a key's use is not noted again. */
const NOTED_FOR = `interval '10 minutes'`

/** An API key, by its hash, where it is valid now, and whether its tenant is disabled. Indexes: of hashes, and tenant's key. No lock. */
export const findApiKey = (hash: Buffer): QueryConfig => ({
  name: 'find_api_key',
  text: `
select k.tenant_id, k.scopes, t.disabled_at is not null as disabled,
  coalesce(k.last_used_at < clock_timestamp() - ${NOTED_FOR}, true) as unnoted
from api_key k join tenant t on t.id = k.tenant_id
where k.hash = $1 and k.revoked_at is null and coalesce(k.expires_at > clock_timestamp(), true)`,
  values: [hash],
})

/** Those of these hashes whose key is valid now, of a tenant that is not disabled. Indexes: the same. No lock. */
export const findValidKeys = (hashes: readonly Buffer[]): QueryConfig => ({
  name: 'find_valid_keys',
  text: `
select k.hash from api_key k join tenant t on t.id = k.tenant_id
where k.hash = any ($1::bytea[]) and k.revoked_at is null and coalesce(k.expires_at > clock_timestamp(), true)
  and t.disabled_at is null`,
  values: [hashes],
})

/**
 * Notes that keys are in use; one that another process has just noted is left as it is. Index: of hashes. Locks the
 * keys, in order; one that somebody holds is left to the next time.
 */
export const noteKeysUsed = (hashes: readonly Buffer[]): QueryConfig => ({
  name: 'note_keys_used',
  text: `
with used as (
  select tenant_id, id from api_key
  where hash = any ($1::bytea[]) and coalesce(last_used_at < clock_timestamp() - ${NOTED_FOR}, true)
  order by tenant_id, id for no key update skip locked)
update api_key k set last_used_at = clock_timestamp() from used u where (k.tenant_id, k.id) = (u.tenant_id, u.id)`,
  values: [hashes],
})
