import { createHash, randomBytes } from 'node:crypto'
import type { KeyScope } from '../core/principal.ts'
import type { Database } from '../db/client.ts'
import { insertApiKey } from '../db/sql/insert-api-key.ts'
import { type ApiKeyRow, listApiKeys } from '../db/sql/list-api-keys.ts'
import { type RevokedKeyRow, revokeApiKeys } from '../db/sql/revoke-api-keys.ts'
import { badInput } from '../errors.ts'
import { newId } from '../ids.ts'

/** What every API key begins with. */
export const KEY_PREFIX = 'ck_'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** What is kept of an API key. */
export const hashKey = (key: string): Buffer => createHash('sha256').update(key).digest()

export interface NewKey {
  readonly tenantId: string
  readonly scopes: readonly KeyScope[]
  /** For people: what it is for. */
  readonly label: string
  /** From when on it is refused, like one that is revoked; left out or `null`: it does not end by itself. */
  readonly expiresAt?: Date | null
}

/** Makes an API key. It is in the answer and nowhere else: what is stored is its hash. The id is no secret, and revokes it. */
export const issueApiKey = async (
  { system }: Pick<Database, 'system'>,
  newKey: NewKey,
): Promise<{ readonly id: string; readonly key: string }> => {
  const key = `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`
  const id = newId()
  await system.query(insertApiKey({ expiresAt: null, ...newKey, id, hash: hashKey(key) }))
  return { id, key }
}

/** An API key as its owner may see it: all but the key. */
export interface KnownKey {
  readonly tenantId: string
  readonly id: string
  readonly scopes: readonly KeyScope[]
  readonly label: string
  readonly createdAt: Date
  /** `null` where it was not. */
  readonly revokedAt: Date | null
  /** `null`: it does not end by itself. */
  readonly expiresAt: Date | null
  /** Whether that is over. */
  readonly expired: boolean
  /** To ten minutes; `null` where nothing was asked with it. */
  readonly lastUsedAt: Date | null
}

const toKnownKey = (row: ApiKeyRow): KnownKey => ({
  tenantId: row.tenant_id,
  id: row.id,
  scopes: row.scopes,
  label: row.label,
  createdAt: row.inserted_at,
  revokedAt: row.revoked_at,
  expiresAt: row.expires_at,
  expired: row.expired,
  lastUsedAt: row.last_used_at,
})

/** The keys of a tenant, or of all of them where `null`, those that have ended among them. */
export const readApiKeys = async (
  { system }: Pick<Database, 'system'>,
  tenantId: string | null,
): Promise<readonly KnownKey[]> => (await system.query<ApiKeyRow>(listApiKeys(tenantId))).rows.map(toKnownKey)

export interface RevokedKey extends KnownKey {
  readonly before: boolean
}

/** Refuses what is neither the id of a key nor a key. */
export const checkKey = (key: string): void => {
  if (key.startsWith(KEY_PREFIX) || UUID.test(key)) return
  throw badInput(`${JSON.stringify(key)} is neither the id of a key nor a key: "carillon keys list" shows the ids`)
}

/**
 * Ends API keys for good: one, by its id or by the key itself, or all of a tenant. Every process refuses them within
 * seconds, and ends the streams that were opened by them. Answers those it found; `before` says which had ended already.
 */
export const revokeKeys = async (
  { system }: Pick<Database, 'system'>,
  which: { readonly key: string } | { readonly allOf: string },
): Promise<readonly RevokedKey[]> => {
  const byKey = 'key' in which && which.key.startsWith(KEY_PREFIX)
  if ('key' in which) checkKey(which.key)
  const { rows } = await system.query<RevokedKeyRow>(
    revokeApiKeys({
      id: 'key' in which && !byKey ? which.key : null,
      hash: 'key' in which && byKey ? hashKey(which.key) : null,
      tenantId: 'allOf' in which ? which.allOf : null,
    }),
  )
  return rows.map((row) => ({ ...toKnownKey(row), before: row.before }))
}
