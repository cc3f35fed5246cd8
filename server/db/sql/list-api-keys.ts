import type { QueryConfig } from 'pg'
import type { KeyScope } from '../../core/principal.ts'

export interface ApiKeyRow {
  readonly tenant_id: string
  readonly id: string
  readonly scopes: readonly KeyScope[]
  readonly label: string
  readonly inserted_at: Date
  readonly revoked_at: Date | null
}

/** The API keys of a tenant, or of all where `null`, oldest first in each. Index: api_key's own. No lock. */
export const listApiKeys = (tenantId: string | null): QueryConfig => ({
  name: 'list_api_keys',
  text: `
select tenant_id, id, scopes, label, inserted_at, revoked_at from api_key
where $1::text is null or tenant_id = $1 order by tenant_id, id`,
  values: [tenantId],
})
