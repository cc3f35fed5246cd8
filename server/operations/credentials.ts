import { hkdfSync } from 'node:crypto'
import { type JWTVerifyResult, errors as joseErrors, jwtVerify, SignJWT } from 'jose'
import { MAX_ID_LENGTH, textFault } from '../core/json-limits.ts'
import { KEY_SCOPES, type Principal } from '../core/principal.ts'
import type { Database } from '../db/client.ts'
import { type FoundKeyRow, findApiKey, findValidKeys } from '../db/sql/find-api-key.ts'
import { badInput, CarillonError } from '../errors.ts'
import { hashKey, issueApiKey, KEY_PREFIX, type NewKey } from './api-keys.ts'
import { noteUses } from './keys-used.ts'
import { readDoors, rememberDoors } from './tenant-doors.ts'

export { ensureTenant } from './tenants.ts'

const AUDIENCE = 'carillon'
/** How long what was revoked may still be accepted: a key, and a tenant, is looked up once in this time. */
const CACHED_MS = 5_000
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
   * Whose credential this is; `null` where it is none that is valid now. Throws FORBIDDEN where it would be, and its tenant
   * is disabled. `beforeLookUp` is waited for before the database is asked about a key that was not valid lately; what it
   * throws is thrown.
   */
  authenticate(credential: string, beforeLookUp?: () => Promise<void>): Promise<Principal | null>
  /** Whether it is a recipient token that was valid once: its holder need not be told apart from one that comes back late. */
  wasValid(credential: string): Promise<boolean>
  /** Those of these grants that are good now, asked of the database: for what stays open by them. */
  goodGrants(grants: readonly string[]): Promise<ReadonlySet<string>>
  /** A token for one recipient's front end. */
  createRecipientToken(
    principal: Pick<Principal, 'tenantId'>,
    options: { readonly recipientId: string; readonly ttlSeconds?: number | null },
  ): Promise<{ readonly token: string; readonly expiresAt: Date }>
}

const disabledTenant = (tenantId: string): CarillonError =>
  new CarillonError('FORBIDDEN', `The tenant "${tenantId}" is disabled: whoever runs this service can enable it again`)

const signingKeyOf = (secretKey: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secretKey, '', 'carillon recipient tokens', 32))

/** Verifies a token by one of these keys, the first that has signed it; rejects as jose does where none has. */
const verifyToken = async (token: string, [key, ...others]: readonly Uint8Array[]): Promise<JWTVerifyResult> => {
  try {
    return await jwtVerify(token, key as Uint8Array, { algorithms: ['HS256'], audience: AUDIENCE })
  } catch (error) {
    if (others.length === 0 || !(error instanceof joseErrors.JWSSignatureVerificationFailed)) throw error
    return verifyToken(token, others)
  }
}

/** An API key as it was looked up. */
interface Found {
  readonly principal: Principal
  readonly disabled: boolean
}

/** A tenant's name holds no `:`, nor does a hash in base64. */
const keyGrant = (hash: Buffer): string => `key:${hash.toString('base64')}`
const tokensGrant = (tenantId: string, generation: number): string => `tokens:${tenantId}:${generation}`

/**
 * Reads and makes credentials. Tokens are signed with a key of their own, derived from the server's secret; those that
 * were signed with an earlier one are good until their end.
 */
export const createCredentials = (
  db: Pick<Database, 'system'>,
  secretKey: string,
  earlierKeys: readonly string[] = [],
): Credentials => {
  const { system } = db
  const signingKey = signingKeyOf(secretKey)
  const verifyingKeys = [signingKey, ...earlierKeys.map(signingKeyOf)]
  const cache = new Map<string, Found & { readonly until: number }>()
  const unknown = new Map<string, number>()
  const noteUsed = noteUses(db)
  const doorOf = rememberDoors(db, CACHED_MS)

  const lookUp = async (hash: Buffer): Promise<Found | null> => {
    const { rows } = await system.query<FoundKeyRow>(findApiKey(hash))
    const [row] = rows
    if (!row) return null
    if (row.unnoted && !row.disabled) noteUsed(hash)
    const { tenant_id: tenantId, disabled } = row
    const scopes = KEY_SCOPES.filter((scope) => row.scopes.includes(scope))
    return { principal: { tenantId, scopes, recipientId: null, expiresAt: null, grant: keyGrant(hash) }, disabled }
  }

  const findKey = async (key: string, beforeLookUp?: () => Promise<void>): Promise<Found | null> => {
    const hash = hashKey(key)
    const name = hash.toString('base64')
    const cached = cache.get(name)
    const now = performance.now()
    if (cached && cached.until > now) return cached
    if (!cached) {
      if ((unknown.get(name) ?? 0) > now) return null
      await beforeLookUp?.()
    }
    const found = await lookUp(hash)
    if (found) {
      if (cache.size >= MAX_CACHED_KEYS) cache.clear()
      cache.set(name, { ...found, until: now + CACHED_MS })
      unknown.delete(name)
    } else {
      cache.delete(name)
      if (unknown.size >= MAX_UNKNOWN_KEYS) unknown.clear()
      unknown.set(name, now + CACHED_MS)
    }
    return found
  }

  const byKey = async (key: string, beforeLookUp?: () => Promise<void>): Promise<Principal | null> => {
    const found = await findKey(key, beforeLookUp)
    if (found?.disabled) throw disabledTenant(found.principal.tenantId)
    return found?.principal ?? null
  }

  const verified = async (token: string) => {
    try {
      const { payload } = await verifyToken(token, verifyingKeys)
      const { sub, tenant, exp, gen = 0 } = payload
      if (typeof sub !== 'string' || typeof tenant !== 'string' || exp === undefined || typeof gen !== 'number')
        return null
      return { recipientId: sub, tenantId: tenant, expiresAt: new Date(exp * 1000), generation: gen }
    } catch (error) {
      if (error instanceof joseErrors.JOSEError) return null
      throw error
    }
  }

  const byToken = async (token: string): Promise<Principal | null> => {
    const claims = await verified(token)
    const door = claims && (await doorOf(claims.tenantId))
    // Of a later one than this process has heard of: it was signed here all the same.
    if (!door || claims.generation < door.generation) return null
    const { generation, tenantId, ...rest } = claims
    if (door.disabled) throw disabledTenant(tenantId)
    return { tenantId, scopes: ['RECIPIENT'], ...rest, grant: tokensGrant(tenantId, generation) }
  }

  /** Asked anew where no open door is remembered: a tenant may have been made since under a removed one's name. */
  const generationOf = async (tenantId: string): Promise<number> => {
    const remembered = await doorOf(tenantId)
    const door = remembered?.disabled === false ? remembered : (await readDoors(db, [tenantId])).get(tenantId)
    return door?.generation ?? 0
  }

  return {
    authenticate: (credential, beforeLookUp) =>
      credential.startsWith(KEY_PREFIX) ? byKey(credential, beforeLookUp) : byToken(credential),
    async wasValid(credential) {
      try {
        await verifyToken(credential, verifyingKeys)
        return true
      } catch (error) {
        // Looked at after its signature.
        return error instanceof joseErrors.JWTExpired
      }
    },
    async goodGrants(grants) {
      const named = grants.map((grant) => ({ grant, parts: grant.split(':') }))
      const hashes = named.flatMap(({ parts: [kind, hash = ''] }) =>
        kind === 'key' ? [Buffer.from(hash, 'base64')] : [],
      )
      const tokens = named.flatMap(({ grant, parts: [kind, tenantId = '', generation] }) =>
        kind === 'tokens' ? [{ grant, tenantId, generation: Number(generation) }] : [],
      )
      const tenantIds = [...new Set(tokens.map(({ tenantId }) => tenantId))]
      const [keys, doors] = await Promise.all([
        hashes.length > 0 ? system.query<{ hash: Buffer }>(findValidKeys(hashes)) : { rows: [] },
        tenantIds.length > 0 ? readDoors(db, tenantIds) : new Map<string, never>(),
      ])
      const good = tokens.filter(({ tenantId, generation }) => {
        const door = doors.get(tenantId)
        return door && !door.disabled && generation >= door.generation
      })
      return new Set([...keys.rows.map(({ hash }) => keyGrant(hash)), ...good.map(({ grant }) => grant)])
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
      const generation = await generationOf(tenantId)
      const token = await new SignJWT({ tenant: tenantId, ...(generation > 0 && { gen: generation }) })
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
