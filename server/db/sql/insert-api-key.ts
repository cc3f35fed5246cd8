import type { QueryConfig } from 'pg'

export interface NewApiKey {
  readonly tenantId: string
  readonly id: string
  /** SHA-256 of the key. */
  readonly hash: Buffer
  readonly scopes: readonly string[]
  readonly label: string
  /** `null`: it does not end by itself. */
  readonly expiresAt: Date | null
}

/** An API key, of which nothing but the hash is kept. Holds its tenant's row against deletion. */
export const insertApiKey = ({ tenantId, id, hash, scopes, label, expiresAt }: NewApiKey): QueryConfig => ({
  name: 'insert_api_key',
  text: `
insert into api_key (tenant_id, id, hash, scopes, label, expires_at, inserted_at)
values ($1, $2, $3, $4, $5, $6, clock_timestamp())`,
  values: [tenantId, id, hash, scopes, label, expiresAt],
})
