import { hkdfSync } from 'node:crypto'
import { base64url, type JWTPayload, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import { insertTenant } from '../../server/db/sql/insert-tenant.ts'
import { CarillonError } from '../../server/errors.ts'
import { checkKey, issueApiKey, readApiKeys, revokeKeys } from '../../server/operations/api-keys.ts'
import { type Credentials, createApiKey, createCredentials } from '../../server/operations/credentials.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

const SECRET = 'a-secret-key-for-tests-of-32-characters'
const CACHED_MS = 5_000

let testDatabase: TestDatabase
let db: Database
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  db = openDatabase({ url: testDatabase.url, connections: 2 })
  for (const tenant of ['acme', 'globex', 'initech', 'hooli']) await db.system.query(insertTenant(tenant))
  // As of tenants from before there were generations of tokens.
  await db.system.query('update tenant set tokens_since = null')
})
afterAll(async () => {
  await db.close()
  await testDatabase.drop()
})

let credentials: Credentials
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
  credentials = createCredentials(db, SECRET)
})
afterEach(() => void vi.useRealTimers())

const newKey = (scopes: readonly ('TRIGGER' | 'OPERATE')[] = ['TRIGGER']) =>
  issueApiKey(db, { tenantId: 'acme', scopes, label: 'tested' })
const setRevoked = (id: string, revoked: boolean) =>
  db.system.query(`update api_key set revoked_at = ${revoked ? 'now()' : 'null'} where id = $1`, [id])

/** Counts how often it is waited for. */
const gate = () => {
  const passed = { times: 0 }
  const before = async (): Promise<void> => {
    passed.times += 1
  }
  return { passed, before }
}

test('an API key is its tenant’s, with its scopes, for nobody in particular, and without an end', async () => {
  for (const scopes of [['TRIGGER'], ['OPERATE'], ['TRIGGER', 'OPERATE']] as const) {
    const { key } = await newKey(scopes)
    expect(await credentials.authenticate(key)).toEqual({
      tenantId: 'acme',
      scopes,
      recipientId: null,
      expiresAt: null,
      grant: expect.stringMatching(/^key:/),
    })
  }
  const key = await createApiKey(db, { tenantId: 'globex', scopes: ['OPERATE'], label: 'theirs' })
  expect(await credentials.authenticate(key)).toMatchObject({ tenantId: 'globex', scopes: ['OPERATE'] })
})

test('a key is looked up once in five seconds, so a revoked one ends within them', async () => {
  const { id, key } = await newKey()
  expect(await credentials.authenticate(key)).not.toBeNull()
  await setRevoked(id, true)
  vi.advanceTimersByTime(CACHED_MS - 1)
  expect(await credentials.authenticate(key)).not.toBeNull()
  vi.advanceTimersByTime(1)
  expect(await credentials.authenticate(key)).toBeNull()
})

test('a key that there is none of is looked up once in five seconds, too', async () => {
  const { id, key } = await newKey()
  await setRevoked(id, true)
  expect(await credentials.authenticate(key)).toBeNull()
  await setRevoked(id, false)
  vi.advanceTimersByTime(CACHED_MS - 1)
  expect(await credentials.authenticate(key)).toBeNull()
  vi.advanceTimersByTime(1)
  expect(await credentials.authenticate(key)).not.toBeNull()
  // It is known now: what was thought of it before is forgotten.
  await setRevoked(id, true)
  vi.advanceTimersByTime(CACHED_MS)
  expect(await credentials.authenticate(key)).toBeNull()
})

test('an unknown key waits at the gate before the database is asked, once in five seconds', async () => {
  const { passed, before } = gate()
  for (const times of [1, 1]) {
    expect(await credentials.authenticate('ck_made-up', before)).toBeNull()
    expect(passed.times).toBe(times)
  }
  vi.advanceTimersByTime(CACHED_MS)
  await credentials.authenticate('ck_made-up', before)
  await credentials.authenticate('ck_made-up-too', before)
  expect(passed.times).toBe(3)
})

test('what the gate throws is thrown, and the database is not asked', async () => {
  const { key } = await newKey()
  const shut = () => Promise.reject(new CarillonError('RATE_LIMITED', 'too many'))
  await expect(credentials.authenticate(key, shut)).rejects.toThrow('too many')
  await expect(credentials.authenticate(key, shut)).rejects.toThrow('too many')
  expect(await credentials.authenticate(key)).not.toBeNull()
})

test('a key that was valid a while ago waits at no gate, until it is found to be revoked', async () => {
  const { id, key } = await newKey()
  const { passed, before } = gate()
  await credentials.authenticate(key, before)
  expect(passed.times).toBe(1)
  for (let time = 0; time < 3; time++) {
    vi.advanceTimersByTime(CACHED_MS)
    expect(await credentials.authenticate(key, before)).not.toBeNull()
  }
  expect(passed.times).toBe(1)
  await setRevoked(id, true)
  vi.advanceTimersByTime(CACHED_MS)
  expect(await credentials.authenticate(key, before)).toBeNull()
  vi.advanceTimersByTime(CACHED_MS)
  expect(await credentials.authenticate(key, before)).toBeNull()
  expect(passed.times).toBe(2)
})

test('those of many keys that are valid now are told from the others, by the database', async () => {
  const [one, other, revoked] = [await newKey(), await newKey(), await newKey()]
  const grantOf = async ({ key }: { readonly key: string }): Promise<string> =>
    (await credentials.authenticate(key))?.grant as string
  const [ofOne, ofOther, ofRevoked] = [await grantOf(one), await grantOf(other), await grantOf(revoked)]
  await setRevoked(revoked.id, true)
  expect(await credentials.goodGrants([ofOne, ofRevoked, 'key:bWFkZSB1cA==', ofOther, ofOne])).toEqual(
    new Set([ofOne, ofOther]),
  )
  expect(await credentials.goodGrants([])).toEqual(new Set())
})

const KEY_OF_TOKENS = new Uint8Array(hkdfSync('sha256', SECRET, '', 'carillon recipient tokens', 32))
interface Claims {
  readonly tenant?: unknown
  readonly sub?: unknown
  readonly aud?: unknown
  readonly exp?: unknown
  readonly gen?: unknown
}
const GOOD: Claims = { tenant: 'acme', sub: 'ada', aud: 'carillon', exp: 4_000_000_000 }
const sign = (claims: Claims, { alg = 'HS256', key = KEY_OF_TOKENS } = {}): Promise<string> =>
  new SignJWT(claims as JWTPayload).setProtectedHeader({ alg }).sign(key)

test('a token is its recipient’s until it ends', async () => {
  expect(await credentials.authenticate(await sign(GOOD))).toEqual({
    tenantId: 'acme',
    scopes: ['RECIPIENT'],
    recipientId: 'ada',
    expiresAt: new Date(4_000_000_000_000),
    grant: 'tokens:acme:0',
  })
  expect(await credentials.wasValid(await sign(GOOD))).toBe(true)
})

test.each<[string, Claims]>([
  ['no tenant', { ...GOOD, tenant: undefined }],
  ['a tenant that is no text', { ...GOOD, tenant: 7 }],
  ['no recipient', { ...GOOD, sub: undefined }],
  ['no end', { ...GOOD, exp: undefined }],
  ['no audience', { ...GOOD, aud: undefined }],
  ['another audience', { ...GOOD, aud: 'another' }],
  ['a tenant that there is none of', { ...GOOD, tenant: 'nowhere' }],
  ['a generation that is no number', { ...GOOD, gen: '0' }],
])('a token with %s is none, though it is signed', async (_, claims) => {
  expect(await credentials.authenticate(await sign(claims))).toBeNull()
})

test('a token that was valid once is told from one that never was', async () => {
  const ended = await sign({ ...GOOD, exp: 1_000_000_000 })
  const elsewhere = await sign({ ...GOOD, aud: 'another' })
  const longer = await sign(GOOD, { alg: 'HS384' })
  const forged = await sign({ ...GOOD, exp: 1_000_000_000 }, { key: new TextEncoder().encode(SECRET) })
  const unsigned = `${base64url.encode('{"alg":"none"}')}.${ended.split('.')[1]}.`
  const tokens = [ended, elsewhere, longer, forged, unsigned, 'no.such.token', '']
  expect(await Promise.all(tokens.map((token) => credentials.authenticate(token)))).toEqual(tokens.map(() => null))
  expect(await Promise.all(tokens.map((token) => credentials.wasValid(token)))).toEqual([
    true,
    ...tokens.slice(1).map(() => false),
  ])
})

const secondsLeft = (expiresAt: Date): number => (expiresAt.getTime() - Date.now()) / 1_000

const setDoor = (tenant: string, { disabled = false, since = 0 }): Promise<unknown> =>
  db.system.query(
    `update tenant set disabled_at = ${disabled ? 'now()' : 'null'}, tokens_since = to_timestamp($2) where id = $1`,
    [tenant, since],
  )
/** In the claims of tokens, and in grants: microseconds. */
const generation = (seconds: number): number => seconds * 1_000_000

test('tokens of an earlier generation than the tenant’s are none, and those of it or of a later one are good', async () => {
  await setDoor('globex', { since: 2_000 })
  const asked = async (gen?: number) => {
    const claims = { ...GOOD, tenant: 'globex', ...(gen !== undefined && { gen }) }
    return (await credentials.authenticate(await sign(claims)))?.grant ?? null
  }
  expect(await asked()).toBeNull()
  expect(await asked(generation(2_000) - 1)).toBeNull()
  expect(await asked(generation(2_000))).toBe('tokens:globex:2000000000')
  expect(await asked(generation(3_000))).toBe('tokens:globex:3000000000')
  const { token } = await credentials.createRecipientToken({ tenantId: 'globex' }, { recipientId: 'ada' })
  expect((await credentials.authenticate(token))?.grant).toBe('tokens:globex:2000000000')
  const claimsOf = (made: string) => JSON.parse(Buffer.from(made.split('.')[1] ?? '', 'base64url').toString())
  expect(claimsOf(token)).toMatchObject({ tenant: 'globex', sub: 'ada', aud: 'carillon', gen: generation(2_000) })
  const plain = await credentials.createRecipientToken({ tenantId: 'acme' }, { recipientId: 'ada' })
  expect(claimsOf(plain.token)).not.toHaveProperty('gen')
  await setDoor('globex', {})
})

test('how a tenant’s door stands is looked up once in five seconds', async () => {
  const { key } = await issueApiKey(db, { tenantId: 'hooli', scopes: ['TRIGGER'], label: 'shut' })
  const token = await sign({ ...GOOD, tenant: 'hooli' })
  await setDoor('hooli', {})
  for (const credential of [key, token]) expect(await credentials.authenticate(credential)).not.toBeNull()
  await setDoor('hooli', { disabled: true })
  vi.advanceTimersByTime(CACHED_MS - 1)
  for (const credential of [key, token]) expect(await credentials.authenticate(credential)).not.toBeNull()
  vi.advanceTimersByTime(1)
  const refusal = {
    code: 'FORBIDDEN',
    message: 'The tenant "hooli" is disabled: whoever runs this service can enable it again',
  }
  for (const credential of [key, token])
    await expect(credentials.authenticate(credential)).rejects.toMatchObject(refusal)
  await setDoor('hooli', {})
  await expect(credentials.authenticate(token)).rejects.toMatchObject(refusal)
  vi.advanceTimersByTime(CACHED_MS)
  for (const credential of [key, token]) expect(await credentials.authenticate(credential)).not.toBeNull()
})

test('what stays open by a token ends with its generation, with its tenant’s door, and with its tenant', async () => {
  await setDoor('globex', { since: 2_000 })
  await setDoor('initech', { disabled: true })
  const { key } = await newKey()
  const ofKey = (await credentials.authenticate(key))?.grant as string
  const good = ['tokens:acme:0', `tokens:globex:${generation(2_000)}`, `tokens:globex:${generation(2_001)}`]
  const ended = [
    'tokens:globex:0',
    `tokens:globex:${generation(2_000) - 1}`,
    'tokens:initech:0',
    'tokens:nowhere:0',
    'x:acme:0',
  ]
  expect(await credentials.goodGrants([...good, ...ended, ofKey])).toEqual(new Set([...good, ofKey]))
  expect(await credentials.goodGrants(ended)).toEqual(new Set())
  expect(await credentials.goodGrants([ofKey])).toEqual(new Set([ofKey]))
  for (const tenant of ['globex', 'initech']) await setDoor(tenant, {})
})

test('tokens that were signed by an earlier secret are good until their end, and none is signed by it any more', async () => {
  const [before, longBefore] = ['an-earlier-key-of-32-characters-or-so', 'a-much-earlier-key-of-32-characters']
  const now = createCredentials(db, SECRET, [before, longBefore])
  const made = async (secret: string) =>
    (await createCredentials(db, secret).createRecipientToken({ tenantId: 'acme' }, { recipientId: 'ada' })).token
  for (const secret of [SECRET, before, longBefore]) {
    const token = await made(secret)
    expect(await now.authenticate(token)).toMatchObject({ tenantId: 'acme', recipientId: 'ada' })
    expect(await now.wasValid(token)).toBe(true)
  }
  const stranger = await made('a-key-that-nobody-here-was-told-of-yet')
  expect([await now.authenticate(stranger), await now.wasValid(stranger)]).toEqual([null, false])
  const { token } = await now.createRecipientToken({ tenantId: 'acme' }, { recipientId: 'ada' })
  expect(await credentials.authenticate(token)).not.toBeNull()
})

test('a token is made for a recipient, and lasts an hour, or as long as is asked for, up to a day', async () => {
  for (const [asked, lasts] of [
    [undefined, 3_600],
    [null, 3_600],
    [60, 60],
    [86_400, 86_400],
  ] as const) {
    const { token, expiresAt } = await credentials.createRecipientToken(
      { tenantId: 'acme' },
      { recipientId: '  ada ', ...(asked !== undefined && { ttlSeconds: asked }) },
    )
    expect(await credentials.authenticate(token)).toEqual({
      tenantId: 'acme',
      scopes: ['RECIPIENT'],
      recipientId: 'ada',
      expiresAt,
      grant: 'tokens:acme:0',
    })
    expect(secondsLeft(expiresAt)).toBeLessThanOrEqual(lasts)
    expect(secondsLeft(expiresAt)).toBeGreaterThan(lasts - 30)
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims.exp - claims.iat).toBeGreaterThan(lasts - 30)
  }
  const shortest = await credentials.createRecipientToken({ tenantId: 'acme' }, { recipientId: 'ada', ttlSeconds: 1 })
  expect(secondsLeft(shortest.expiresAt)).toBeLessThanOrEqual(1)
})

test('the longest id of a recipient is 255 characters, without those around it', async () => {
  const recipientId = ` ${'x'.repeat(255)} `
  const { token } = await credentials.createRecipientToken({ tenantId: 'acme' }, { recipientId })
  expect((await credentials.authenticate(token))?.recipientId).toBe('x'.repeat(255))
})

test.each([
  [{ recipientId: '' }, 'recipientId is blank', 'recipientId'],
  [{ recipientId: ' \n ' }, 'recipientId is blank', 'recipientId'],
  [{ recipientId: 'x'.repeat(256) }, 'recipientId is longer than 255 characters', 'recipientId'],
  [{ recipientId: 'a\0b' }, 'recipientId contains a NUL character or a lone surrogate', 'recipientId'],
  [{ recipientId: 'ada', ttlSeconds: 0 }, 'ttlSeconds must be between 1 and 86400', 'ttlSeconds'],
  [{ recipientId: 'ada', ttlSeconds: -1 }, 'ttlSeconds must be between 1 and 86400', 'ttlSeconds'],
  [{ recipientId: 'ada', ttlSeconds: 86_401 }, 'ttlSeconds must be between 1 and 86400', 'ttlSeconds'],
])('no token is made for %j', async (options, message, field) => {
  const refusal = await credentials.createRecipientToken({ tenantId: 'acme' }, options).catch((error) => error)
  expect(refusal).toBeInstanceOf(CarillonError)
  expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', message, details: { path: ['input', field] } })
})

test('keys are listed with all but themselves: a tenant’s own, or everybody’s', async () => {
  const { id, key } = await issueApiKey(db, { tenantId: 'initech', scopes: ['OPERATE'], label: 'listed' })
  const listed = {
    tenantId: 'initech',
    id,
    scopes: ['OPERATE'],
    label: 'listed',
    revokedAt: null,
    expiresAt: null,
    expired: false,
    lastUsedAt: null,
  }
  const [only, ...others] = await readApiKeys(db, 'initech')
  expect([only, others]).toEqual([{ ...listed, createdAt: expect.any(Date) }, []])
  const all = await readApiKeys(db, null)
  expect(all.find((one) => one.id === id)).toMatchObject(listed)
  expect(new Set(all.map(({ tenantId }) => tenantId))).toContain('acme')
  expect(key).toMatch(/^ck_[\w-]{43}$/)
})

test('a key is revoked by its id, by itself, or with all of its tenant, and keeps the time at which it ended first', async () => {
  const make = () => issueApiKey(db, { tenantId: 'globex', scopes: ['TRIGGER'], label: 'ending' })
  const [byId, byItself, theOther] = [await make(), await make(), await make()]
  const [first] = await revokeKeys(db, { key: byId.id.toUpperCase() })
  expect(first).toMatchObject({ tenantId: 'globex', id: byId.id, revokedAt: expect.any(Date), before: false })
  const [second, ...more] = await revokeKeys(db, { key: byItself.key })
  expect([second?.id, second?.before, more]).toEqual([byItself.id, false, []])
  expect(await credentials.authenticate(theOther.key)).not.toBeNull()

  const all = new Map((await revokeKeys(db, { allOf: 'globex' })).map((key) => [key.id, key]))
  expect([byId, byItself, theOther].map(({ id }) => all.get(id)?.before)).toEqual([true, true, false])
  expect(all.get(byId.id)?.revokedAt).toEqual(first?.revokedAt)
  expect(await revokeKeys(db, { key: 'ck_made-up' })).toEqual([])
})

test('what is neither a key nor the id of one is refused before it is looked for', async () => {
  const id = '018f2b6e-7c1a-7def-8abc-0123456789ab'
  for (const key of [id, id.toUpperCase(), 'ck_', 'ck_anything']) expect(() => checkKey(key)).not.toThrow()
  for (const key of ['', 'ck', ` ${id}`, `${id}0`, `0${id}`, id.replaceAll('-', ''), id.replace('a', 'g'), 'a key']) {
    expect(() => checkKey(key)).toThrow('is neither the id of a key nor a key: "carillon keys list" shows the ids')
    await expect(revokeKeys(db, { key })).rejects.toThrow(CarillonError)
  }
  expect(() => checkKey('a "key"')).toThrow('"a \\"key\\"" is neither')
})
