import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { httpLimits } from '../../server/cli/http-limits.ts'
import { readEnvironment } from '../../server/environment.ts'
import { originsOf } from '../../server/http/origins.ts'
import { everyTestCounts } from '../security/tally.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

everyTestCounts('S34')

const OURS = 'https://app.example.test'
const THEIRS = 'https://evil.example.test'

let anybody: TestCarillon
let some: TestCarillon
beforeAll(async () => {
  ;[anybody, some] = await Promise.all([
    startCarillon({ notifiers: [] }),
    startCarillon({ notifiers: [] }, { door: { origins: [OURS, 'http://localhost:3000'] } }),
  ])
})
afterAll(() => Promise.all([anybody.close(), some.close()]))

const allowedFor = async (carillon: TestCarillon, origin: string | null, method = 'POST'): Promise<string | null> => {
  const response = await fetch(carillon.graphqlUrl, {
    method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${carillon.backendKey}`,
      ...(origin && { origin }),
    },
    ...(method === 'POST' && { body: '{"query":"{ viewer { tenantId } }"}' }),
  })
  await response.body?.cancel()
  expect(response.status).toBe(method === 'POST' ? 200 : 204)
  return response.headers.get('access-control-allow-origin')
}

test.each(['POST', 'OPTIONS'])(
  'with a list, a page of another origin may not read what a %s is answered',
  async (method) => {
    expect(await allowedFor(some, OURS, method)).toBe(OURS)
    expect(await allowedFor(some, 'http://localhost:3000', method)).toBe('http://localhost:3000')
    for (const origin of [THEIRS, `${OURS}.evil.test`, 'http://app.example.test', `${OURS}:8443`, 'null', null]) {
      expect(await allowedFor(some, origin, method)).toBeNull()
    }
    for (const origin of [OURS, THEIRS, 'null', null]) expect(await allowedFor(anybody, origin, method)).toBe('*')
  },
)

test('an answer that is for one origin says that it depends on it, so that no cache gives it to another', async () => {
  for (const origin of [OURS, THEIRS]) {
    const response = await fetch(some.graphqlUrl, { method: 'OPTIONS', headers: { origin } })
    expect(response.headers.get('vary')).toContain('origin')
    expect(response.headers.has('access-control-allow-headers')).toBe(origin === OURS)
    if (origin !== OURS) continue
    const headers = response.headers.get('access-control-allow-headers')?.split(', ')
    expect(headers).toEqual(expect.arrayContaining(['authorization', 'traceparent', 'tracestate']))
  }
})

/** `open`, or the status that the handshake is refused with. */
const openFrom = async ({ wsUrl }: TestCarillon, origin: string | null): Promise<number | 'open'> => {
  const socket = new WebSocket(wsUrl, 'graphql-transport-ws', origin === null ? {} : { headers: { origin } })
  const outcome = await Promise.race([
    once(socket, 'open').then(() => 'open' as const),
    once(socket, 'unexpected-response').then(([, response]) => response.statusCode as number),
  ])
  socket.on('error', () => {})
  socket.terminate()
  return outcome
}

test('with a list, a socket from a page of another origin is refused before it is one', async () => {
  const own = some.graphqlUrl.replace('/graphql', '')
  for (const origin of [OURS, own, null]) expect([origin, await openFrom(some, origin)]).toEqual([origin, 'open'])
  for (const origin of [THEIRS, `${OURS}.evil.test`, 'null', 'nonsense', own.replace(/\d+$/, '1')]) {
    expect([origin, await openFrom(some, origin)]).toEqual([origin, 403])
  }
  for (const origin of [THEIRS, 'null', null]) expect(await openFrom(anybody, origin)).toBe('open')
})

test('with a list, the pages of the public address may ask too, whatever Host a proxy in front passes on', () => {
  const mayConnect = (env: NodeJS.ProcessEnv, origin: string): boolean =>
    originsOf(httpLimits(readEnvironment(env)).origins ?? null).mayConnect({
      headers: { origin, host: '10.0.0.5:4000' },
    } as IncomingMessage)
  const list = { CARILLON_CORS_ORIGINS: OURS }
  const proxied = { ...list, CARILLON_PUBLIC_URL: 'https://notify.example.test/base' }
  const asked = [OURS, 'https://notify.example.test', 'http://notify.example.test', THEIRS]
  expect(asked.map((origin) => mayConnect(proxied, origin))).toEqual([true, true, false, false])
  expect(asked.map((origin) => mayConnect(list, origin))).toEqual([true, false, false, false])
  expect(asked.map((origin) => mayConnect({ CARILLON_PUBLIC_URL: OURS }, origin))).toEqual([true, true, true, true])
})
