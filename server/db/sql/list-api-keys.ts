import type { QueryConfig } from 'pg'
import type { KeyScope } from '../../core/principal.ts'

export interface ApiKeyRow {
  readonly tenant_id: string
  readonly id: string
  readonly scopes: readonly KeyScope[]
  readonly label: string
  readonly inserted_at: Date
  readonly revoked_at: Date | null
  readonly expires_at: Date | null
  readonly expired: boolean
  readonly last_used_at: Date | null
}

/** What is shown of a key, of the table as `k`. */
export const KEY_COLUMNS = `k.tenant_id, k.id, k.scopes, k.label, k.inserted_at, k.revoked_at, k.expires_at,
  coalesce(k.expires_at <= clock_timestamp(), false) as expired, k.last_used_at`

/** The API keys of a tenant, or of all where `null`, oldest first in each. Index: api_key's own. No lock. */
export const listApiKeys = (tenantId: string | null): QueryConfig => ({
  name: 'list_api_keys',
  text: `
select ${KEY_COLUMNS} from api_key k
where $1::text is null or k.tenant_id = $1 order by k.tenant_id, k.id`,
  values: [tenantId],
})
