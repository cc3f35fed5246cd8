import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { consolePages } from '../../server/http/console.ts'
import { demoPages } from '../../server/http/demo.ts'
import { graphiqlPage } from '../../server/http/graphiql.ts'
import { isLoopback } from '../../server/http/loopback.ts'
import { createMetrics } from '../../server/metrics/metrics.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

const KEY = 'ck_the-key-of-this-machine'
const telemetry = createTelemetry()
const failures: Error[] = []

let carillon: TestCarillon
beforeAll(async () => {
  const loadBundle = async () => Promise.reject(new Error('ENOENT: no such file, open /srv/secret/console.js'))
  const page = { credential: KEY, telemetry, loadBundle }
  const pages = new Map([
    ...consolePages({ ...page, changing: true }),
    ...demoPages(page),
    ['/graphiql', graphiqlPage({ credential: KEY, tabs: [] })] as const,
  ])
  const metrics = { metrics: createMetrics(telemetry), openToLoopback: true }
  carillon = await startCarillon({ notifiers: [] }, { door: { pages }, telemetry, metrics })
  telemetry.on('request.failed', ({ error }) => void failures.push(error))
})
afterAll(() => carillon.close())

const get = (path: string, headers: Record<string, string> = {}) =>
  new Promise<{ readonly status: number | undefined; readonly text: string }>((resolve, reject) =>
    request(new URL(path, carillon.graphqlUrl), { headers }, async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      resolve({ status: response.statusCode, text })
    })
      .on('error', reject)
      .end(),
  )

/** Each is how somebody asks who is not at this machine, though what asks here is. */
const ELSEWHERE: readonly (readonly [string, Record<string, string>])[] = [
  ['a page that points its name here', { host: 'attacker.example:4000' }],
  ['a name that begins like this machine', { host: 'localhost.attacker.example' }],
  ['a proxy that says for whom', { 'x-forwarded-for': '203.0.113.5' }],
  ['a proxy that says for whom, and is told it was this machine', { 'x-forwarded-for': '127.0.0.1' }],
  ['a proxy that says nothing of whom', { 'x-forwarded-for': '' }],
  ['a proxy by the standard', { forwarded: 'for=203.0.113.5;host=notify.example' }],
  ['a tunnel that says under which name', { 'x-forwarded-host': 'tunnel.example' }],
  ['a proxy that says for whom in its own way', { 'x-real-ip': '203.0.113.5' }],
  ['a gateway', { via: '1.1 gateway' }],
]

test.each(ELSEWHERE)('through %s no page has a key in it, and metrics want one', async (_, headers) => {
  const pages = await Promise.all(['/console', '/demo', '/graphiql'].map((path) => get(path, headers)))
  expect(pages.map(({ status }) => status)).toEqual([200, 403, 403])
  for (const { text } of pages) expect(text).not.toContain(KEY)
  expect((await get('/metrics', headers)).status).toBe(401)
})

test('at this machine each page has the key in it, and metrics want none', async () => {
  for (const path of ['/console', '/demo', '/graphiql']) expect((await get(path)).text).toContain(KEY)
  expect((await get('/metrics', { host: 'localhost:4000' })).status).toBe(200)
})

test.each([
  ['127.0.0.1', 'localhost:4000', true],
  ['127.8.9.1', '127.0.0.1', true],
  ['::1', '[::1]:4000', true],
  ['::ffff:127.0.0.1', 'localhost', true],
  ['203.0.113.5', 'localhost:4000', false],
  ['192.168.1.7', '127.0.0.1:4000', false],
  ['::ffff:10.0.0.1', 'localhost', false],
  ['127.0.0.1', undefined, false],
  [undefined, 'localhost', false],
])('a request from %s for %s is this machine’s own: %s', (remoteAddress, host, own) => {
  expect(isLoopback({ socket: { remoteAddress }, headers: { host } } as unknown as IncomingMessage)).toBe(own)
})

test.each(['/console/console.js', '/console/console.css', '/demo/demo.js'])(
  'whoever asks for %s, which cannot be loaded, is not told why, and the log is',
  async (path) => {
    failures.length = 0
    const { status, text } = await get(path)
    expect(status).toBe(500)
    expect(text).toMatch(/cannot be loaded; the log of the server says why\n$/)
    expect(text).not.toMatch(/ENOENT|secret/)
    expect(failures.map(({ message }) => message)).toEqual([expect.stringContaining('ENOENT')])
  },
)
