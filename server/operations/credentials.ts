import { hkdfSync } from 'node:crypto'
import { errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { MAX_ID_LENGTH, textFault } from '../core/json-limits.ts'
import { KEY_SCOPES, type KeyScope, type Principal } from '../core/principal.ts'
import type { Database } from '../db/client.ts'
import { badInput } from '../errors.ts'
import { hashKey, issueApiKey, KEY_PREFIX, type NewKey } from './api-keys.ts'

export { ensureTenant } from './tenants.ts'

const AUDIENCE = 'carillon'
/** How long a revoked key may still be accepted: a key is looked up once in this time. */
const KEY_CACHED_MS = 5_000
const MAX_CACHED_KEYS = 10_000
/** The same for keys that there are none of, apart from the others: whoever makes them up must not crowd those out. */
const MAX_UNKNOWN_KEYS = 10_000

export const DEFAULT_TOKEN_SECONDS = 3_600
export const MAX_TOKEN_SECONDS = 86_400

/** Like `issueApiKey`, for who needs no more than the key. */
export const createApiKey = async (db: Pick<Database, 'system'>, newKey: NewKey): Promise<string> =>
  (await issueApiKey(db, newKey)).key

export interface Credentials {
  /**
   * Whose credential this is; `null` where it is none that is valid now. `beforeLookUp` is waited for before the database
   * is asked about a key that was not valid lately; what it throws is thrown.
   */
  authenticate(credential: string, beforeLookUp?: () => Promise<void>): Promise<Principal | null>
  /** Whether it is a recipient token that was valid once: its holder need not be told apart from one that comes back late. */
  wasValid(credential: string): Promise<boolean>
  /** Those of these API keys that are valid now, asked of the database: for what stays open by them. */
  validKeys(keys: readonly string[]): Promise<ReadonlySet<string>>
  /** A token for one recipient's front end. */
  createRecipientToken(
    principal: Pick<Principal, 'tenantId'>,
    options: { readonly recipientId: string; readonly ttlSeconds?: number | null },
  ): Promise<{ readonly token: string; readonly expiresAt: Date }>
}

/** Reads and makes credentials. Tokens are signed with a key of their own, derived from the server's secret. */
export const createCredentials = ({ system }: Pick<Database, 'system'>, secretKey: string): Credentials => {
  const signingKey = new Uint8Array(hkdfSync('sha256', secretKey, '', 'carillon recipient tokens', 32))
  const cache = new Map<string, { readonly principal: Principal; readonly until: number }>()
  const unknown = new Map<string, number>()

  const lookUp = async (hash: Buffer): Promise<Principal | null> => {
    const { rows } = await system.query<{ tenant_id: string; scopes: KeyScope[] }>({
      name: 'find_api_key',
      text: 'select tenant_id, scopes from api_key where hash = $1 and revoked_at is null',
      values: [hash],
    })
    const [row] = rows
    if (!row) return null
    const scopes = KEY_SCOPES.filter((scope) => row.scopes.includes(scope))
    return { tenantId: row.tenant_id, scopes, recipientId: null, expiresAt: null }
  }

  const byKey = async (key: string, beforeLookUp?: () => Promise<void>): Promise<Principal | null> => {
    const hash = hashKey(key)
    const name = hash.toString('base64')
    const cached = cache.get(name)
    const now = performance.now()
    if (cached && cached.until > now) return cached.principal
    if (!cached) {
      if ((unknown.get(name) ?? 0) > now) return null
      await beforeLookUp?.()
    }
    const principal = await lookUp(hash)
    if (principal) {
      if (cache.size >= MAX_CACHED_KEYS) cache.clear()
      cache.set(name, { principal, until: now + KEY_CACHED_MS })
      unknown.delete(name)
    } else {
      cache.delete(name)
      if (unknown.size >= MAX_UNKNOWN_KEYS) unknown.clear()
      unknown.set(name, now + KEY_CACHED_MS)
    }
    return principal
  }

  const byToken = async (token: string): Promise<Principal | null> => {
    try {
      const { payload } = await jwtVerify(token, signingKey, { algorithms: ['HS256'], audience: AUDIENCE })
      const { sub, tenant, exp } = payload
      if (typeof sub !== 'string' || typeof tenant !== 'string' || exp === undefined) return null
      return { tenantId: tenant, scopes: ['RECIPIENT'], recipientId: sub, expiresAt: new Date(exp * 1000) }
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return null
      throw error
    }
  }

  return {
    authenticate: (credential, beforeLookUp) =>
      credential.startsWith(KEY_PREFIX) ? byKey(credential, beforeLookUp) : byToken(credential),
    async wasValid(credential) {
      try {
        await jwtVerify(credential, signingKey, { algorithms: ['HS256'], audience: AUDIENCE })
        return true
      } catch (error) {
        // Looked at after its signature.
        return error instanceof joseErrors.JWTExpired
      }
    },
    async validKeys(keys) {
      const byHash = new Map(keys.map((key) => [hashKey(key).toString('base64'), key]))
      const { rows } = await system.query<{ hash: Buffer }>({
        name: 'find_valid_keys',
        text: 'select hash from api_key where hash = any ($1::bytea[]) and revoked_at is null',
        values: [[...byHash.keys()].map((hash) => Buffer.from(hash, 'base64'))],
      })
      return new Set(rows.flatMap(({ hash }) => byHash.get(hash.toString('base64')) ?? []))
    },
    async createRecipientToken({ tenantId }, { recipientId, ttlSeconds }) {
      const id = recipientId.trim()
      if (id === '') throw badInput('recipientId is blank', ['input', 'recipientId'])
      if (id.length > MAX_ID_LENGTH)
        throw badInput(`recipientId is longer than ${MAX_ID_LENGTH} characters`, ['input', 'recipientId'])
      const fault = textFault(id, ['input', 'recipientId'])
      if (fault) throw badInput(`recipientId ${fault.message}`, fault.path)
      const seconds = ttlSeconds ?? DEFAULT_TOKEN_SECONDS
      if (seconds < 1 || seconds > MAX_TOKEN_SECONDS) {
        throw badInput(`ttlSeconds must be between 1 and ${MAX_TOKEN_SECONDS}`, ['input', 'ttlSeconds'])
      }
      const expires = Math.floor(Date.now() / 1000) + seconds
      const token = await new SignJWT({ tenant: tenantId })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(id)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(expires)
        .sign(signingKey)
      return { token, expiresAt: new Date(expires * 1000) }
    },
  }
}
