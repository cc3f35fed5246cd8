import type { QueryConfig } from 'pg'

export interface NewApiKey {
  readonly tenantId: string
  readonly id: string
  /** SHA-256 of the key. */
  readonly hash: Buffer
  readonly scopes: readonly string[]
  readonly label: string
}

/** An API key, of which nothing but the hash is kept. Holds its tenant's row against deletion. */
export const insertApiKey = ({ tenantId, id, hash, scopes, label }: NewApiKey): QueryConfig => ({
  name: 'insert_api_key',
  text: `
insert into api_key (tenant_id, id, hash, scopes, label, inserted_at) values ($1, $2, $3, $4, $5, clock_timestamp())`,
  values: [tenantId, id, hash, scopes, label],
})
