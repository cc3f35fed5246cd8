import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { createMetrics } from '../../server/metrics/metrics.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'

const MOST = 5
/** No test takes as long, so a window ends in none. */
const HOUR = { requests: MOST, seconds: 3_600 }

let carillon: TestCarillon
beforeAll(async () => {
  const requests = { perKey: HOUR, perRecipient: HOUR, refusedPerAddress: HOUR, proxies: 1 }
  const telemetry = createTelemetry()
  const metrics = { metrics: createMetrics(telemetry), openToLoopback: false }
  carillon = await startCarillon({ notifiers: [] }, { door: { requests }, telemetry, metrics })
})
afterAll(() => carillon.close())

const VIEWER = '{ viewer { tenantId } }'

const newKey = (): Promise<string> =>
  createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'counted' })
const newToken = async (recipientId: string): Promise<string> => {
  const { credentials, tenantId } = { ...carillon.app, ...carillon }
  return (await credentials.createRecipientToken({ tenantId }, { recipientId })).token
}

const send = async (credential: string | null, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(credential && { authorization: `Bearer ${credential}` }),
      ...headers,
    },
    body: JSON.stringify({ query: VIEWER }),
  })

const statusesOf = async (count: number, ask: () => Promise<Response>): Promise<number[]> => {
  const statuses: number[] = []
  for (let time = 0; time < count; time++) {
    const response = await ask()
    await response.body?.cancel()
    statuses.push(response.status)
  }
  return statuses
}

const LIMITED = {
  message: expect.stringMatching(/ too often; try again in \d+ s$/),
  extensions: { code: 'RATE_LIMITED', retryAfterSeconds: expect.any(Number) },
}

test('a key has so many requests and no more, and is told when to come back; another key is not concerned', async () => {
  const [key, other] = [await newKey(), await newKey()]
  expect(await statusesOf(MOST, () => send(key))).toEqual(Array(MOST).fill(200))
  const refused = await send(key)
  const after = Number(refused.headers.get('retry-after'))
  expect([refused.status, refused.headers.get('access-control-expose-headers')]).toEqual([429, 'retry-after'])
  expect(after).toBeGreaterThan(0)
  expect(after).toBeLessThanOrEqual(HOUR.seconds)
  const body = await refused.json()
  expect(body).toEqual({ errors: [LIMITED] })
  expect(body.errors[0].extensions.retryAfterSeconds).toBe(after)
  expect((await send(other)).status).toBe(200)
})

test('a recipient has so many with all its tokens together, and another recipient is not concerned', async () => {
  const tokens = [await newToken('ada'), await newToken('ada')]
  let next = 0
  const ask = () => send(tokens[next++ % 2] as string)
  expect(await statusesOf(MOST + 2, ask)).toEqual([...Array(MOST).fill(200), 429, 429])
  expect((await send(await newToken('bob'))).status).toBe(200)
})

test('recipients of one name in two tenants are counted apart', async () => {
  await carillon.addTenant('other')
  const token = await newToken('eve')
  await statusesOf(MOST, () => send(token))
  const other = await carillon.app.credentials.createRecipientToken({ tenantId: 'other' }, { recipientId: 'eve' })
  expect([(await send(token)).status, (await send(other.token)).status]).toEqual([429, 200])
})

test('operations over a socket count with the requests, are refused in the same words, and the socket stays', async () => {
  const key = await newKey()
  const socket = await openRawSocket(carillon.wsUrl, { authorization: `Bearer ${key}` })
  // To open it counted as one.
  for (let id = 1; id < MOST; id++) {
    socket.subscribe(`${id}`, VIEWER)
    expect((await socket.message((message) => message.id === `${id}`)).type).toBe('next')
  }
  socket.subscribe('more', VIEWER)
  const { type, payload } = await socket.message(({ id }) => id === 'more')
  expect([type, payload]).toEqual(['error', [LIMITED]])
  expect((await send(key)).status).toBe(429)
  socket.send({ type: 'ping' })
  await socket.message((message) => message.type === 'pong')
  expect(socket.closed).toBeNull()
  await socket.end()
})

test('what is subscribed to goes on while its recipient may ask for nothing more', async () => {
  const { app } = carillon
  const token = await newToken('live')
  const leaving = new AbortController()
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: 'subscription { inboxUpdates { counts { total } } }' }),
    signal: leaving.signal,
  })
  expect(await statusesOf(MOST, () => send(token))).toEqual([...Array(MOST - 1).fill(200), 429])
  await until('it is subscribed', () => app.hub.subscriberCount === 1)
  expect((await send(token)).status).toBe(429)
  expect([response.status, app.hub.subscriberCount]).toEqual([200, 1])
  leaving.abort()
  await until('it is freed', () => app.hub.subscriberCount === 0)
})

test('a socket whose key may ask for nothing more is asked to come back later', async () => {
  const key = await newKey()
  await statusesOf(MOST, () => send(key))
  const socket = await openRawSocket(carillon.wsUrl, { authorization: `Bearer ${key}` })
  const { code, reason } = await socket.closure()
  expect(code).toBe(1013)
  expect(reason).toMatch(/^This API key asks too often; try again in \d+ s$/)
})

test('a socket that renews its token too often stays as it is, with the token that it has', async () => {
  const socket = await openRawSocket(carillon.wsUrl, { token: await newToken('renewing') })
  // To open it counted as one.
  for (let time = 1; time < MOST; time++) socket.send({ type: 'ping', payload: { token: await newToken('renewing') } })
  // Not even looked at: within the limit the last of them would end the socket.
  for (const token of [await newToken('renewing'), 'not.a.token']) socket.send({ type: 'ping', payload: { token } })
  await until('all are answered', () => socket.messages.filter(({ type }) => type === 'pong').length === MOST + 1)
  socket.subscribe('1', VIEWER)
  expect((await socket.message(({ id }) => id === '1')).payload).toEqual([LIMITED])
  expect(socket.closed).toBeNull()
  await socket.end()
})

let addresses = 0
/** An address of its own, as a proxy would add it. */
const from = (address: string = `198.51.100.${++addresses}`) => ({ 'x-forwarded-for': `10.0.0.1, ${address}` })

test('an address has so many requests without a valid credential, whatever they bring, and another is not concerned', async () => {
  const headers = from()
  const forged = await new SignJWT({ tenant: 'acme' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ada')
    .setAudience('carillon')
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode('a-secret-key-for-tests-of-32-characters'))
  const guesses = [null, 'nonsense', 'ck_guessed', forged, 'ck_another', 'ck_one-more', 'ck_guessed', forged, null]
  const statuses: number[] = []
  for (const guess of guesses) statuses.push((await send(guess, headers)).status)
  expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429, 429])
  const refused = await send('ck_guessed-again', headers)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await refused.json()).errors[0].extensions.code).toBe('RATE_LIMITED')
  expect((await send('ck_guessed', from())).status).toBe(401)
})

test('of IPv6 a customer has a /64, and counts as one', async () => {
  const ask = (address: string) => send('nonsense', from(address))
  let host = 0
  expect(await statusesOf(MOST + 1, () => ask(`2001:db9:1:2::${++host}`))).toEqual([...Array(MOST).fill(401), 429])
  expect((await ask('2001:db9:1:3::1')).status).toBe(401)
})

test('whoever is valid is answered from an address that was refused too often', async () => {
  const headers = from()
  const [known, unknown] = [await newKey(), await newKey()]
  expect((await send(known, headers)).status).toBe(200)
  await statusesOf(MOST + 1, () => send('nonsense', headers))
  expect((await send(known, headers)).status).toBe(200)
  expect((await send(await newToken('known'), headers)).status).toBe(200)
  // A key that nobody has seen costs a look into the database, which is what is guarded.
  expect((await send(unknown, headers)).status).toBe(429)
  expect((await send(unknown, from())).status).toBe(200)
  expect((await send(unknown, headers)).status).toBe(200)
})

test('a token that has ended counts as no guess: its page comes back for another', async () => {
  const headers = from()
  const ended = await carillon.app.credentials.createRecipientToken(
    { tenantId: 'acme' },
    { recipientId: 'late', ttlSeconds: 1 },
  )
  await until('the token has ended', async () => (await carillon.app.credentials.authenticate(ended.token)) === null)
  expect(await statusesOf(MOST + 3, () => send(ended.token, headers))).toEqual(Array(MOST + 3).fill(401))
  expect((await send('nonsense', headers)).status).toBe(401)
})

const readMetrics = (credential: string | null, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL('/metrics', carillon.graphqlUrl), {
    headers: { ...headers, ...(credential && { authorization: `Bearer ${credential}` }) },
  })

test('to read metrics is a request of its key, with those at the other doors', async () => {
  const key = await newKey()
  expect(await statusesOf(2, () => send(key))).toEqual([200, 200])
  expect(await statusesOf(MOST, () => readMetrics(key))).toEqual([...Array(MOST - 2).fill(200), 429, 429])
  expect((await send(key)).status).toBe(429)
})

test('whoever guesses keys at the metrics has as many guesses as at any door, and all of them together', async () => {
  const headers = from()
  let guesses = 0
  const guess = () => readMetrics(`ck_guessed-at-metrics-${++guesses}`, headers)
  expect(await statusesOf(2, () => send('nonsense', headers))).toEqual([401, 401])
  expect(await statusesOf(MOST, guess)).toEqual([...Array(MOST - 2).fill(401), 429, 429])
  const refused = await readMetrics(null, headers)
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true])
})

test('nobody is counted by an address that many share: this machine, or a private network', async () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '::1', 'fd00::1', 'unknown', '']) {
    expect(await statusesOf(MOST + 1, () => send('nonsense', from(address)))).toEqual(Array(MOST + 1).fill(401))
  }
})

test('sockets count by address too', async () => {
  const headers = from()
  const codes: number[] = []
  for (let time = 0; time <= MOST; time++) {
    const socket = new WebSocket(carillon.wsUrl, 'graphql-transport-ws', { headers })
    socket.on('open', () => socket.send('{"type":"connection_init","payload":{"token":"nonsense"}}'))
    codes.push(await new Promise<number>((resolve) => socket.on('close', resolve)))
  }
  expect(codes).toEqual([...Array(MOST).fill(4403), 1013])
})
