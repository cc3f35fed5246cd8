import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import getTLSOptions from 'smtp-server/lib/tls-options.js'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type Adapter, type OutgoingMessage, WebhookSignatureError } from '../../server/adapters/adapter.ts'
import { retryAfterMs } from '../../server/adapters/retry-after.ts'
import { type WebhookOptions, webhook } from '../../server/adapters/webhook.ts'
import { SetupError } from '../../server/errors.ts'
import { type HttpCall, type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { drip } from '../../server/testing/pouring.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { tallyOf } from '../security/tally.ts'
import { describeAdapter } from './contract.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const content = { invoice: 'INV-4711', amount: 12.5, note: 'Grüße 💌' }
const message = (changes: Partial<OutgoingMessage> = {}) =>
  sampleMessage<unknown>(content, { channel: 'partner_crm', ...changes })
const keyOf = ({ headers }: HttpCall): string | undefined => String(headers['webhook-id'])
const never = new AbortController().signal

describeAdapter('webhook', {
  provider: () => httpProvider({ keyOf }),
  makeAdapter: ({ timeoutMs, provider }) =>
    webhook({
      url: `${provider.url}/hooks`,
      secret: SECRET,
      allowPrivateAddresses: true,
      timeoutMs,
    }),
  message,
  unspeakable: ['ada@example.test', '1234567', 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'INV-4711', 'Lovelace'],
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const open = async (
  options: Partial<WebhookOptions> = {},
  path = '/hooks',
): Promise<{ adapter: Adapter; provider: HttpProvider }> => {
  const provider = await httpProvider({ keyOf })
  const url = `http://127.0.0.1:${provider.port}${path}`
  const adapter = webhook({ url, secret: SECRET, allowPrivateAddresses: true, timeoutMs: 5_000, ...options })
  opened.push(
    () => provider.close(),
    () => adapter.close?.(),
  )
  return { adapter, provider }
}
const received = (provider: HttpProvider): HttpCall => {
  expect(provider.calls).toHaveLength(1)
  return provider.calls[0] as HttpCall
}

test('it POSTs what happened, to whom, and the content, at the moment of the call', async () => {
  const { adapter, provider } = await open({}, '/a%20b/hooks?x=1&y=%2F#part')
  const before = Date.now()
  expect(await adapter.deliver(message({ attemptNumber: 2 }), never)).toEqual({ outcome: 'accepted' })
  const call = received(provider)
  expect(call).toMatchObject({ method: 'POST', url: '/a%20b/hooks?x=1&y=%2F' })
  expect(call.headers['content-type']).toBe('application/json')
  const { timestamp, ...body } = JSON.parse(call.body)
  expect(body).toEqual({
    type: 'comment.mentioned',
    data: {
      deliveryId: 'RGVsaXZlcnk6MQ',
      attemptNumber: 2,
      channel: 'partner_crm',
      recipient: { id: 'user-1', displayName: 'Ada Lovelace', email: 'ada@example.test', phone: '+49 170 1234567' },
      address: 'ada@example.test',
      content,
    },
  })
  expect(new Date(timestamp).toISOString()).toBe(timestamp)
  expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before)
  expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now())
})

test('a receiver that sends mail gets the link to unsubscribe', async () => {
  const { adapter, provider } = await open()
  const unsubscribeUrl = 'https://notify.example.test/unsubscribe/x'
  await adapter.deliver(message({ channel: 'email', unsubscribeUrl }), never)
  expect(JSON.parse(received(provider).body).data).toMatchObject({ channel: 'email', unsubscribeUrl })
})

test('the receiver can verify it with the Standard Webhooks library, and sees when it was changed', async () => {
  const { adapter, provider } = await open()
  await adapter.deliver(message({ idempotencyKey: 'key-1', address: null }), never)
  const { headers, body } = received(provider)
  const signed = headers as Record<string, string>
  expect(new Webhook(SECRET).verify(body, signed)).toMatchObject({ data: { address: null, content } })
  expect(headers['webhook-id']).toBe('key-1')
  for (const [changed, altered] of [
    [body.replace('4711', '4712'), signed],
    [body, { ...signed, 'webhook-id': 'key-2' }],
    [body, { ...signed, 'webhook-timestamp': String(Number(signed['webhook-timestamp']) - 1) }],
  ] as const) {
    expect(() => new Webhook(SECRET).verify(changed, altered)).toThrow(WebhookVerificationError)
  }
  const other = new Webhook(`whsec_${Buffer.alloc(24, 1).toString('base64')}`)
  expect(() => other.verify(body, signed)).toThrow(WebhookVerificationError)
})

test.each([
  [200, 'accepted'],
  [201, 'accepted'],
  [202, 'accepted'],
  [204, 'accepted'],
  [299, 'accepted'],
  [300, 'permanent'],
  [304, 'permanent'],
  [400, 'permanent'],
  [401, 'permanent'],
  [403, 'permanent'],
  [404, 'permanent'],
  [408, 'temporary'],
  [409, 'permanent'],
  [410, 'permanent'],
  [422, 'permanent'],
  [429, 'temporary'],
  [500, 'temporary'],
  [502, 'temporary'],
  [503, 'temporary'],
  [504, 'temporary'],
  [599, 'temporary'],
] as const)('a status of %i is %s', async (status, outcome) => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(status).end())
  const result = await adapter.deliver(message(), never)
  expect(result.outcome).toBe(outcome)
  if (result.outcome !== 'accepted') expect(result.reason).toBe(`HTTP ${status}`)
})

const tally = tallyOf('S17')
afterAll(() => tally.report())

test.each([300, 301, 302, 303, 305, 307, 308])('a redirect (%i) is not followed, and permanent', async (status) => {
  const elsewhere = await httpProvider()
  opened.push(() => elsewhere.close())
  const { adapter, provider } = await open()
  const locations = [
    `http://127.0.0.1:${elsewhere.port}/`,
    `//127.0.0.1:${elsewhere.port}/`,
    '/elsewhere',
    'file:///etc/passwd',
  ]
  for (const [index, location] of locations.entries()) {
    provider.behave((_call, response) => response.writeHead(status, { location }).end())
    expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'permanent', reason: `HTTP ${status}` })
    tally.tried(`${status} to ${location}`, provider.calls.length !== index + 1 || elsewhere.connections > 0)
  }
})

test.each([408, 429, 503])('a Retry-After beside %i is heeded, in seconds or as a date', async (status) => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(status, { 'retry-after': '120' }).end())
  expect(await adapter.deliver(message(), never)).toMatchObject({ outcome: 'temporary', retryAfterMs: 120_000 })

  const date = new Date(Date.now() + 90_000).toUTCString()
  provider.behave((_call, response) => response.writeHead(status, { 'retry-after': date }).end())
  const result = await adapter.deliver(message(), never)
  const wait = result.outcome === 'temporary' ? result.retryAfterMs : undefined
  expect(wait).toBeGreaterThan(60_000)
  expect(wait).toBeLessThanOrEqual(90_000)

  provider.behave((_call, response) => response.writeHead(status, { 'retry-after': 'soon' }).end())
  expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'temporary', reason: `HTTP ${status}` })
})

describe('Retry-After', () => {
  const now = Date.parse('2026-11-22T12:00:00Z')
  const day = 86_400_000
  test.each([
    ['0', 0],
    ['1', 1_000],
    [' 30 ', 30_000],
    ['86400', day],
    ['86401', day],
    ['9'.repeat(400), day],
    ['Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
    ['Sunday, 22-Nov-26 12:01:00 GMT', 60_000],
    ['Sun Nov 22 12:01:00 2026', 60_000],
    ['Sun, 22 Nov 2026 11:59:00 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', day],
    ['', null],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['soon', null],
    ['2026-11-22', null],
    ['Xyz, 99 Foo 2026 99:99:99 GMT', null],
    [undefined, null],
  ])('%j is a wait of %j milliseconds', (header, wait) => {
    expect(retryAfterMs(header, now)).toBe(wait)
  })
})

test('a reason holds the status and the beginning of what was said, in 300 characters', async () => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(422).end(`no field "crm_id"\n${'and so on '.repeat(100)}`))
  const result = await adapter.deliver(message(), never)
  if (result.outcome !== 'permanent') throw new Error('expected a refusal')
  expect(result.reason).toMatch(/^HTTP 422 no field "crm_id" and so on and so on/)
  expect(result.reason?.length).toBeLessThanOrEqual(300)
})

test('an acceptance does not wait for a body that never ends', async () => {
  const { adapter, provider } = await open({ timeoutMs: 60_000 })
  provider.behave((_call, response, socket) => {
    response.writeHead(200).write('thanks')
    drip(socket, '1\r\nx\r\n')
  })
  const started = performance.now()
  expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'accepted' })
  expect(performance.now() - started).toBeLessThan(1_500)
})

test('a refusal whose body never ends is a refusal, with as much of it as came soon', async () => {
  const { adapter, provider } = await open({ timeoutMs: 60_000 })
  provider.behave((_call, response, socket) => {
    response.writeHead(400).write('because ')
    drip(socket, '1\r\nx\r\n')
  })
  const started = performance.now()
  expect(await adapter.deliver(message(), never)).toMatchObject({
    outcome: 'permanent',
    reason: expect.stringMatching(/^HTTP 400 because x+$/),
  })
  expect(performance.now() - started).toBeLessThan(2_500)
})

test('a body that breaks off changes nothing about the status', async () => {
  const { adapter, provider } = await open()
  provider.behave((_call, response, socket) => {
    response.writeHead(403, { 'content-length': 1_000 }).write('go away', () => socket.destroy())
  })
  expect(await adapter.deliver(message(), never)).toMatchObject({ outcome: 'permanent' })
})

test('a server whose certificate nobody vouches for gets nothing, and is temporary', async () => {
  let calls = 0
  const server = createServer(getTLSOptions(), (_request, response) => {
    calls += 1
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { adapter } = await open({ url: `https://127.0.0.1:${port}/` })
  opened.push(() => new Promise((resolve) => server.close(resolve)))
  expect(await adapter.deliver(message(), never)).toMatchObject({ outcome: 'temporary' })
  expect(calls).toBe(0)
})

test('many at once are each answered with their own', async () => {
  const { adapter, provider } = await open()
  provider.behave(({ headers }, response) => response.writeHead(Number(headers['webhook-id'])).end())
  const statuses = Array.from({ length: 60 }, (_, index) => [200, 400, 503][index % 3] ?? 200)
  const results = await Promise.all(
    statuses.map((status) =>
      adapter.deliver(message({ idempotencyKey: String(status) }), new AbortController().signal),
    ),
  )
  const expected = { 200: 'accepted', 400: 'permanent', 503: 'temporary' } as Record<number, string>
  expect(results.map(({ outcome }) => outcome)).toEqual(statuses.map((status) => expected[status]))
})

const throws = (work: () => unknown): boolean => {
  try {
    work()
    return false
  } catch {
    return true
  }
}

test.each([
  ['', 'url'],
  ['hooks.example.test', 'url'],
  ['ftp://example.test/', 'url'],
  ['gopher://example.test/', 'url'],
  ['data:text/plain,x', 'url'],
  ['javascript:alert(1)', 'url'],
  ['unix:/var/run/docker.sock', 'url'],
  ['ws://example.test/', 'url'],
  ['file:///etc/passwd', 'url'],
  ['https://user:open-sesame@example.test/', 'credentials'],
  ['https://user@example.test/', 'credentials'],
])('the url %j is refused at once, without being quoted', (url, word) => {
  const make = (): Adapter => webhook({ url, secret: SECRET })
  tally.tried(url, !throws(make))
  expect(make).toThrow(SetupError)
  expect(make).toThrow(word)
  expect(make).not.toThrow('sesame')
})

const secretOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`
test.each([
  '',
  'whsec_',
  'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  secretOf(23),
  secretOf(65),
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw ',
  secretOf(25).replace('=', ''),
])('the secret %j is refused at once, without being quoted', (secret) => {
  const make = (): Adapter => webhook({ url: 'https://example.test/', secret })
  expect(make).toThrow(SetupError)
  expect(make).toThrow('`secret`')
  expect(make).not.toThrow('MfKQ')
})

test('secrets of 24 to 64 bytes are taken', () => {
  for (const bytes of [24, 25, 26, 32, 64]) {
    expect(webhook({ url: 'https://example.test/', secret: secretOf(bytes) })).toMatchObject({
      name: 'webhook',
      timeoutMs: 10_000,
    })
  }
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
  'a time limit of %d is refused at once',
  (timeoutMs) => {
    expect(() => webhook({ url: 'https://example.test/', secret: SECRET, timeoutMs })).toThrow(SetupError)
  },
)

test('it takes reports that are signed with its own secret', async () => {
  const { adapter } = await open()
  const body = JSON.stringify({ type: 'delivery.bounced', data: { deliveryId: 'RGVsaXZlcnk6MQ' } })
  const now = new Date()
  const signature = new Webhook(SECRET).sign('report-1', now, body)
  const headers = { 'webhook-id': 'report-1', 'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)) }
  const request = { rawBody: Buffer.from(body), url: 'https://notify.example.test/webhooks/acme/webhook' }
  const events = adapter.receive?.({ ...request, headers: { ...headers, 'webhook-signature': signature } })
  expect(events).toEqual([{ status: 'bounced', deliveryId: 'RGVsaXZlcnk6MQ', providerEventId: 'report-1' }])
  const forged = { ...request, headers: { ...headers, 'webhook-signature': signature.replace(/.{8}$/, 'AAAAAAA=') } }
  expect(() => adapter.receive?.(forged)).toThrow(WebhookSignatureError)
})
