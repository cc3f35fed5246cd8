import { request } from 'node:http'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { TRIGGER, triggerInput } from '../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] })
})
afterAll(() => carillon.close())

const VIEWER = JSON.stringify({ query: '{ viewer { tenantId } }' })

interface Answered {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever was answered.
  readonly body: any
}

const send = async (init: RequestInit, headers: Record<string, string> = {}): Promise<Answered> => {
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    ...init,
    headers: { authorization: `Bearer ${carillon.backendKey}`, 'content-type': 'application/json', ...headers },
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
}

const codesOf = ({ body }: Answered): unknown[] =>
  body.errors.map(({ extensions }: { extensions: { code: unknown } }) => extensions.code)

const stream = (text: string, pieces: number): ReadableStream =>
  Readable.toWeb(Readable.from(Array.from({ length: pieces }, () => Buffer.from(text)))) as ReadableStream

test('an operation is answered as JSON, with status 200', async () => {
  const { status, headers, body } = await send({ body: VIEWER })
  expect([status, body]).toEqual([200, { data: { viewer: { tenantId: 'acme' } } }])
  expect(headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/)
})

test('a body that comes in pieces, of a length that nobody has announced, is read whole', async () => {
  const text = `{"query":${JSON.stringify(TRIGGER)},"variables":{"input":${JSON.stringify(triggerInput({ payload: { text: 'ä😀'.repeat(10_000) } }))}}}`
  const bytes = Buffer.from(text)
  // Cut where it falls, in the middle of characters too.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 1_021) }, (_, i) =>
    bytes.subarray(i * 1_021, (i + 1) * 1_021),
  )
  const body = Readable.toWeb(Readable.from(pieces)) as ReadableStream
  const answered = await send({ body, duplex: 'half' } as RequestInit)
  expect(answered.body.data.trigger.event.payload.text).toBe('ä😀'.repeat(10_000))
})

test('a body larger than 4 MiB is refused with 413, announced or in pieces, and the next request is answered', async () => {
  for (const more of [1, 12 * 1024 * 1024]) {
    const announced = await send({ body: 'x'.repeat(4 * 1024 * 1024 + more) })
    expect([announced.status, codesOf(announced)]).toEqual([413, ['BAD_USER_INPUT']])
  }
  for (const pieces of [1, 4]) {
    const inPieces = await send({ body: stream('x'.repeat(65_536), 65 * pieces), duplex: 'half' } as RequestInit)
    expect([inPieces.status, codesOf(inPieces)]).toEqual([413, ['BAD_USER_INPUT']])
  }
  expect((await send({ body: VIEWER })).status).toBe(200)
})

test('a body of 4 MiB is taken', async () => {
  const padded = `${VIEWER.slice(0, -1)},"extensions":{"padding":"`
  const body = `${padded}${'x'.repeat(4 * 1024 * 1024 - padded.length - 3)}"}}`
  expect(body).toHaveLength(4 * 1024 * 1024)
  expect((await send({ body })).body).toEqual({ data: { viewer: { tenantId: 'acme' } } })
})

test.each([
  ['no JSON', 'nonsense'],
  ['nothing', ''],
  ['a list, since operations are not batched', `[${VIEWER},${VIEWER}]`],
  ['text', '"text"'],
  ['null', 'null'],
  ['a number', '1'],
  ['no query', '{}'],
  ['a query that is no text', '{"query":1}'],
  ['a query that is null', '{"query":null}'],
  ['variables that are no object', '{"query":"{ viewer { tenantId } }","variables":"x"}'],
  ['variables that are a list', '{"query":"{ viewer { tenantId } }","variables":[1]}'],
  ['the name of an operation that is no text', '{"query":"{ viewer { tenantId } }","operationName":1}'],
  ['the name of an operation that is not there', '{"query":"{ viewer { tenantId } }","operationName":"other"}'],
  ['two operations and no name', '{"query":"query a { viewer { tenantId } } query b { viewer { tenantId } }"}'],
])('a body that is %s is refused in words', async (_, body) => {
  const answered = await send({ body })
  expect(codesOf(answered)).toEqual(['BAD_USER_INPUT'])
  expect(answered.body.data ?? null).toBeNull()
  expect(answered.status).toBeLessThan(500)
})

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a body of the type %s is not taken: a page elsewhere could send it',
  async (type) => {
    const { status, body } = await send({ body: VIEWER }, { 'content-type': type })
    expect(status).toBe(415)
    expect(JSON.stringify(body)).not.toContain('acme')
  },
)

test.each(['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD'])('%s is not for operations', async (method) => {
  const response = await fetch(`${carillon.graphqlUrl}?query=${encodeURIComponent('{ viewer { tenantId } }')}`, {
    method,
    headers: { authorization: `Bearer ${carillon.backendKey}` },
  })
  expect(response.status).toBe(405)
  expect(await response.text()).not.toContain('acme')
})

test('a mutation is not sent with GET, not as a stream either', async () => {
  const query = 'mutation { createRecipientToken(input: { recipientId: "ada" }) { token } }'
  for (const accept of ['application/json', 'text/event-stream']) {
    const response = await fetch(`${carillon.graphqlUrl}?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${carillon.backendKey}`, accept },
    })
    const text = await response.text()
    expect(text).toContain('BAD_USER_INPUT')
    expect(text).not.toContain('eyJ')
  }
})

test('a browser may ask from any page, with a credential that it was given', async () => {
  const preflight = await fetch(carillon.graphqlUrl, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.test',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
  expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type/)
  expect(preflight.headers.has('access-control-allow-credentials')).toBe(false)

  const answers = [
    await send({ body: VIEWER }, { origin: 'https://app.example.test' }),
    await send({ body: 'nonsense' }),
    await send({ body: VIEWER }, { authorization: 'Bearer nonsense' }),
    await send({ body: 'x'.repeat(5_000_000) }),
  ]
  for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe('*')
})

test('there is nothing at other addresses but health', async () => {
  const at = (path: string) => fetch(new URL(path, carillon.graphqlUrl))
  expect((await at('/health/live')).status).toBe(200)
  expect((await at('/health/ready')).status).toBe(200)
  expect((await at('/')).status).toBe(404)
  expect((await at('/graphql/other')).status).toBe(404)
  expect((await at('/GRAPHQL')).status).toBe(404)
})

/** The status of a request with an address that no client would send. */
const raw = (path: string, headers: Record<string, string> = {}): Promise<number | string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(carillon.graphqlUrl)
    const sent = request({ hostname, port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sent.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode ?? 0)
    })
    sent.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? 'error'))
    sent.end()
  })

test('an address that is none harms nobody, with or without an upgrade', async () => {
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  for (const path of ['//', '//a:b', '/%', '/%00', 'http://[', '*', '/graphql/../x']) {
    expect(await raw(path)).toBe(404)
    expect(await raw(path, upgrade)).toBe(404)
  }
  expect((await send({ body: VIEWER })).status).toBe(200)
})

test('a caller that goes away in the middle of its request harms nobody', async () => {
  const { hostname, port, pathname } = new URL(carillon.graphqlUrl)
  for (const headers of [{ 'content-length': '1000' }, { 'transfer-encoding': 'chunked' }]) {
    await new Promise<void>((resolve) => {
      const sent = request({
        hostname,
        port,
        path: pathname,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', authorization: `Bearer ${carillon.backendKey}` },
      })
      sent.on('error', () => {})
      sent.on('close', resolve)
      sent.write('{"query":', () => sent.destroy())
    })
  }
  expect((await send({ body: VIEWER })).status).toBe(200)
})
