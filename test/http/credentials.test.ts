import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiKey, createCredentials } from '../../server/operations/credentials.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { refusalOf } from '../support/trigger.ts'
import { until } from '../support/until.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

const VIEWER = '{ viewer { tenantId recipientId } }'
const CREATE = `mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token expiresAt } }`

const statusWith = async (authorization: string | undefined, search = '', init: RequestInit = {}): Promise<number> => {
  const response = await fetch(`${carillon.graphqlUrl}${search}`, {
    method: 'POST',
    body: JSON.stringify({ query: VIEWER }),
    ...init,
    headers: {
      'content-type': 'application/json',
      ...(authorization && { authorization }),
      ...(init.headers as object),
    },
  })
  await response.body?.cancel()
  return response.status
}

test('without a credential the answer is 401, and says what to send', async () => {
  const response = await fetch(carillon.graphqlUrl, { method: 'POST' })
  expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  expect(await response.json()).toEqual({
    errors: [{ message: expect.stringContaining('Authorization: Bearer'), extensions: { code: 'UNAUTHENTICATED' } }],
  })
})

test('the word Bearer is read in any case, and nothing stands around the credential', async () => {
  const key = carillon.backendKey
  expect(await statusWith(`bearer ${key}`)).toBe(200)
  expect(await statusWith(`BEARER  ${key}`)).toBe(200)
  for (const header of [
    key,
    `Basic ${key}`,
    'Bearer',
    'Bearer ',
    `Bearer ${key} x`,
    `Bearer "${key}"`,
    `Bearer ${key.slice(0, -1)}`,
  ]) {
    expect([header.length, await statusWith(header)]).toEqual([header.length, 401])
  }
})

test('a token in the address is for streams that a browser opens, and an API key is never taken from there', async () => {
  const token = await carillon.tokenFor('ada')
  const stream = { method: 'GET', body: null, headers: { accept: 'text/event-stream' } }
  const query = `&query=${encodeURIComponent('subscription { inboxUpdates { cursor } }')}`
  expect(await statusWith(undefined, `?token=${token}${query}`, stream)).toBe(200)
  expect(await statusWith(undefined, `?token=${carillon.operatorKey}${query}`, stream)).toBe(401)
  expect(await statusWith(undefined, `?token=${token}`)).toBe(401)
  expect(await statusWith(undefined, `?token=${carillon.backendKey}`)).toBe(401)
})

test('a recipient token is for the recipient that it was made for, until it ends', async () => {
  const before = Date.now()
  const { createRecipientToken } = await carillon.ok(carillon.backendKey, CREATE, { input: { recipientId: ' ada ' } })
  const lasts = new Date(createRecipientToken.expiresAt).getTime() - before
  expect(lasts).toBeGreaterThan(3_590_000)
  expect(lasts).toBeLessThanOrEqual(3_601_000)
  const { viewer } = await carillon.ok(createRecipientToken.token, VIEWER)
  expect(viewer).toEqual({ tenantId: 'acme', recipientId: 'ada' })
})

test('a token that has ended is refused', async () => {
  const { createRecipientToken } = await carillon.ok(carillon.backendKey, CREATE, {
    input: { recipientId: 'ada', ttlSeconds: 1 },
  })
  const { token, expiresAt } = createRecipientToken
  await until('the token has ended', async () => (await carillon.ask(token, VIEWER)).status === 401)
  expect(Date.now()).toBeGreaterThanOrEqual(new Date(expiresAt).getTime())
  expect(refusalOf(await carillon.ask(token, VIEWER)).code).toBe('UNAUTHENTICATED')
})

test.each([
  [{ ttlSeconds: 0 }, 'input.ttlSeconds'],
  [{ ttlSeconds: -5 }, 'input.ttlSeconds'],
  [{ ttlSeconds: 86_401 }, 'input.ttlSeconds'],
  [{ recipientId: ' ' }, 'input.recipientId'],
  [{ recipientId: 'x'.repeat(256) }, 'input.recipientId'],
])('a token is not made with %j', async (change, path) => {
  const answer = await carillon.ask(carillon.backendKey, CREATE, { input: { recipientId: 'ada', ...change } })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
})

test('a token may last a day', async () => {
  const { createRecipientToken } = await carillon.ok(carillon.backendKey, CREATE, {
    input: { recipientId: 'ada', ttlSeconds: 86_400 },
  })
  expect(new Date(createRecipientToken.expiresAt).getTime() - Date.now()).toBeGreaterThan(86_000_000)
})

test('a token of another installation, of no signature, or for something else is refused', async () => {
  const options = { recipientId: 'ada' }
  const stranger = createCredentials(carillon.app.db, 'another-secret-key-of-32-characters!')
  const foreign = await stranger.createRecipientToken({ tenantId: 'acme' }, options)
  expect(await statusWith(`Bearer ${foreign.token}`)).toBe(401)

  const [, claims] = (await carillon.tokenFor('ada')).split('.')
  const header = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url')
  expect(await statusWith(`Bearer ${header}.${claims}.`)).toBe(401)

  const guessed = await new SignJWT({ tenant: 'acme' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ada')
    .setAudience('carillon')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode('a-secret-key-for-tests-of-32-characters'))
  expect(await statusWith(`Bearer ${guessed}`)).toBe(401)
})

test('a key that is revoked is refused within five seconds', async () => {
  const key = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['TRIGGER'], label: 'to be revoked' })
  expect(await statusWith(`Bearer ${key}`)).toBe(200)
  await carillon.sql.query(`update api_key set revoked_at = now() where label = 'to be revoked'`)
  const revoked = performance.now()
  await until('the key is refused', async () => (await statusWith(`Bearer ${key}`)) === 401, { every: 100 })
  expect(performance.now() - revoked).toBeLessThan(6_500)
})

test('a key is stored as a hash that does not give it back', async () => {
  const key = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'hashed' })
  const { rows } = await carillon.sql.query(`select to_jsonb(k)::text as row from api_key k where label = 'hashed'`)
  expect(rows).toHaveLength(1)
  expect(rows[0].row).not.toContain(key)
  expect(rows[0].row).not.toContain(key.slice(3))
  expect(key).toMatch(/^ck_[\w-]{43}$/)
})
