import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { jwtVerify } from 'jose'
import { afterEach, expect, test } from 'vitest'
import type { Adapter, OutgoingMessage } from '../../server/adapters/adapter.ts'
import { type WebPushOptions, webPush } from '../../server/adapters/web-push.ts'
import type { PushContent } from '../../server/core/render-contracts.ts'
import { SetupError } from '../../server/errors.ts'
import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'
import { vapidKeys } from './push-keys.ts'

const vapid = { ...vapidKeys(), subject: 'mailto:ops@example.test' }

/** What stays in a browser, beside the subscription that it gives away. */
const browser = (endpoint: string): { subscription: string; keys: { p256dh: string; auth: string }; curve: ECDH } => {
  const curve = createECDH('prime256v1')
  const keys = { p256dh: curve.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') }
  return { subscription: JSON.stringify({ endpoint, expirationTime: null, keys }), keys, curve }
}

const content: PushContent = {
  title: 'INV-4711 is due',
  body: 'Grüße 💌',
  data: { url: '/invoices/4711', tries: [1, 2] },
}
const message = (
  address: string | null,
  changes: Partial<OutgoingMessage<PushContent>> = {},
): OutgoingMessage<PushContent> => sampleMessage(content, { channel: 'push', ...changes, address })
const never = new AbortController().signal

const PATH = '/wpush/v2/gAAAAABsecret-device-token'
const device = browser('http://127.0.0.1:1/')
const addressAt = (origin: string): string => JSON.stringify({ endpoint: `${origin}${PATH}`, keys: device.keys })

describeAdapter('web push', {
  provider: () => httpProvider(),
  makeAdapter: ({ timeoutMs }) => webPush({ ...vapid, allowPrivateAddresses: true, timeoutMs }),
  message: (changes, provider) => message(addressAt(provider.url), changes),
  unspeakable: [
    ...['gAAAAABsecret-device-token', device.keys.p256dh, device.keys.auth, vapid.privateKey, 'eyJ'],
    ...['INV-4711', 'ada@example.test', '1234567', 'Lovelace'],
  ],
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const make = (options: Partial<WebPushOptions> = {}): Adapter<PushContent> => {
  const adapter = webPush({ ...vapid, allowPrivateAddresses: true, timeoutMs: 5_000, ...options })
  opened.push(() => adapter.close?.())
  return adapter
}
const open = async (
  options: Partial<WebPushOptions> = {},
): Promise<{ adapter: Adapter<PushContent>; provider: HttpProvider; address: string }> => {
  const provider = await httpProvider()
  opened.push(() => provider.close())
  return { adapter: make(options), provider, address: addressAt(`http://127.0.0.1:${provider.port}`) }
}

/** A push service that keeps what it was sent, byte by byte. */
const pushService = async (): Promise<{
  origin: string
  calls: { url: string; headers: IncomingHttpHeaders; body: Buffer }[]
}> => {
  const calls: { url: string; headers: IncomingHttpHeaders; body: Buffer }[] = []
  const server = createServer(async (request, response) => {
    calls.push({ url: request.url ?? '', headers: request.headers, body: await buffer(request) })
    response.writeHead(201, { location: '/message/1' }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls }
}

/** As a browser reads a message: RFC 8291 on top of RFC 8188, one record. */
const decrypt = (body: Buffer, { curve, keys }: ReturnType<typeof browser>): unknown => {
  const [salt, recordSize, idLength] = [body.subarray(0, 16), body.readUInt32BE(16), body.readUInt8(20)]
  const sender = body.subarray(21, 21 + idLength)
  const record = body.subarray(21 + idLength)
  expect(record.length).toBeLessThanOrEqual(recordSize)
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), curve.getPublicKey(), sender])
  const secret = hkdfSync('sha256', curve.computeSecret(sender), Buffer.from(keys.auth, 'base64url'), info, 32)
  const key = hkdfSync('sha256', Buffer.from(secret), salt, 'Content-Encoding: aes128gcm\0', 16)
  const nonce = hkdfSync('sha256', Buffer.from(secret), salt, 'Content-Encoding: nonce\0', 12)
  const cipher = createDecipheriv('aes-128-gcm', Buffer.from(key), Buffer.from(nonce))
  cipher.setAuthTag(record.subarray(-16))
  const padded = Buffer.concat([cipher.update(record.subarray(0, -16)), cipher.final()])
  const end = padded.lastIndexOf(2)
  expect(padded.subarray(end + 1).every((byte) => byte === 0)).toBe(true)
  return JSON.parse(padded.subarray(0, end).toString('utf8'))
}

test('the browser can read it, and nobody on the way', async () => {
  const service = await pushService()
  const reader = browser(`${service.origin}/push/abc?x=1#part`)
  expect(await make().deliver(message(reader.subscription), never)).toEqual({ outcome: 'accepted' })
  const [call, ...others] = service.calls
  expect(others).toEqual([])
  expect(call).toMatchObject({
    url: '/push/abc?x=1',
    headers: {
      'content-encoding': 'aes128gcm',
      'content-type': 'application/octet-stream',
      ttl: '259200',
      urgency: 'normal',
    },
  })
  const body = call?.body as Buffer
  expect(decrypt(body, reader)).toEqual(content)
  expect(body.toString('latin1')).not.toContain('INV-4711')
  expect(() => decrypt(body, browser(service.origin))).toThrow()
})

test('each message is encrypted anew', async () => {
  const service = await pushService()
  const reader = browser(service.origin)
  const adapter = make()
  for (let call = 0; call < 2; call++) await adapter.deliver(message(reader.subscription), never)
  const [first, second] = service.calls.map(({ body }) => body)
  expect(first?.subarray(0, 16)).not.toEqual(second?.subarray(0, 16))
  expect(decrypt(second as Buffer, reader)).toEqual(content)
})

test('the push service can verify who sends, for itself alone and for a day at most', async () => {
  const service = await pushService()
  await make().deliver(message(browser(`${service.origin}/push`).subscription), never)
  const header = String(service.calls[0]?.headers.authorization)
  const [, token = '', key = ''] = /^vapid t=([^,]+), k=(\S+)$/.exec(header) ?? []
  expect(key).toBe(vapid.publicKey)
  const point = Buffer.from(key, 'base64url')
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'))
  const jwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' }
  const { payload, protectedHeader } = await jwtVerify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
    audience: service.origin,
    subject: vapid.subject,
    algorithms: ['ES256'],
  })
  expect(protectedHeader.alg).toBe('ES256')
  expect(payload.exp).toBeLessThanOrEqual(Date.now() / 1_000 + 24 * 60 * 60)
  expect(payload.exp).toBeGreaterThan(Date.now() / 1_000 + 60 * 60)
})

test('how long the push service keeps it can be said', async () => {
  const { adapter, provider, address } = await open({ ttlSeconds: 0 })
  await adapter.deliver(message(address), never)
  expect(provider.calls[0]?.headers.ttl).toBe('0')
})

test('keys with padding, in the other alphabet of base64, are read too', async () => {
  const service = await pushService()
  const reader = browser(service.origin)
  const { p256dh, auth } = reader.keys
  const keys = {
    p256dh: Buffer.from(p256dh, 'base64url').toString('base64'),
    auth: Buffer.from(auth, 'base64url').toString('base64'),
  }
  const address = JSON.stringify({ endpoint: service.origin, keys })
  expect(await make().deliver(message(address), never)).toEqual({ outcome: 'accepted' })
  expect(decrypt(service.calls[0]?.body as Buffer, reader)).toEqual(content)
})

test.each([
  [200, '', 'accepted'],
  [201, '', 'accepted'],
  [202, '', 'accepted'],
  [301, '', 'permanent'],
  [400, 'UnauthorizedRegistration', 'permanent'],
  [400, '{"reason":"VapidPkHashMismatch"}', 'permanent'],
  [401, '{"code":401,"errno":109,"message":"VAPID public key mismatch"}', 'permanent'],
  [401, '{"code":401,"errno":109,"message":"Invalid bearer token"}', 'temporary'],
  [403, 'the VAPID credentials do not correspond to the credentials used to subscribe', 'permanent'],
  [403, '{"reason":"BadJwtToken"}', 'temporary'],
  [404, '', 'bounced'],
  [406, '', 'temporary'],
  [408, '', 'temporary'],
  [410, '{"reason":"Unregistered"}', 'bounced'],
  [413, '', 'permanent'],
  [429, '', 'temporary'],
  [500, '', 'temporary'],
  [503, '', 'temporary'],
] as const)('HTTP %i %s is %s', async (status, said, outcome) => {
  const { adapter, provider, address } = await open()
  provider.behave((_call, response) => response.writeHead(status).end(said))
  const reason = `HTTP ${status} ${said}`.trim()
  expect(await adapter.deliver(message(address), never)).toEqual(
    outcome === 'accepted' ? { outcome } : { outcome, reason },
  )
})

test('the wait that a push service asks for is heeded', async () => {
  const { adapter, provider, address } = await open()
  provider.behave((_call, response) => response.writeHead(429, { 'retry-after': '60' }).end())
  expect(await adapter.deliver(message(address), never)).toMatchObject({ outcome: 'temporary', retryAfterMs: 60_000 })
})

test('a reason shows neither the token that was sent, whole or alone, nor the device', async () => {
  const { adapter, provider, address } = await open()
  provider.behave(({ headers: { authorization = '' }, url }, response) =>
    response.writeHead(403).end(`bad token ${authorization.slice(8, -91)}, in ${authorization}, for ${url}`),
  )
  expect(await adapter.deliver(message(address), never)).toEqual({
    outcome: 'temporary',
    reason: 'HTTP 403 bad token [removed], in [removed], for [removed]',
  })
})

const { p256dh, auth } = device.keys
const offTheCurve = Buffer.from(p256dh, 'base64url').fill(1, 33).toString('base64url')
test.each([
  [''],
  ['ada@example.test'],
  ['null'],
  ['[]'],
  ['"https://push.example.test/"'],
  [JSON.stringify({ endpoint: 'https://push.example.test/' })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: {} })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: { p256dh } })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: { p256dh: 12, auth } })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: { p256dh: p256dh.slice(4), auth } })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: { p256dh: offTheCurve, auth } })],
  [JSON.stringify({ endpoint: 'https://push.example.test/', keys: { p256dh, auth: auth.slice(4) } })],
  [JSON.stringify({ endpoint: 'https://me:pass@push.example.test/', keys: { p256dh, auth } })],
  [JSON.stringify({ endpoint: 'ftp://push.example.test/', keys: { p256dh, auth } })],
  [JSON.stringify({ endpoint: 'push.example.test', keys: { p256dh, auth } })],
  [JSON.stringify({ endpoint: '', keys: { p256dh, auth } })],
  [JSON.stringify({ keys: { p256dh, auth } })],
  [JSON.stringify({ endpoint: 'https://android.googleapis.com/gcm/send/abc', keys: { p256dh, auth } })],
])('an address that is no subscription (%s) bounces, and nobody is called', async (address) => {
  let asked = 0
  const lookup: LookupFunction = (_hostname, _options, callback) => {
    asked += 1
    callback(new Error('not to be asked'), '')
  }
  expect(await make({ lookup }).deliver(message(address), never)).toEqual({
    outcome: 'bounced',
    reason: 'invalid_subscription',
  })
  expect(asked).toBe(0)
})

test('a message without an address is refused', async () => {
  expect(await make().deliver(message(null), never)).toEqual({ outcome: 'permanent', reason: 'missing_address' })
})

test('an endpoint over http bounces, and nobody is called', async () => {
  const { provider } = await open()
  const adapter = make({ allowPrivateAddresses: false })
  expect(await adapter.deliver(message(addressAt(`http://push.example.test:${provider.port}`)), never)).toEqual({
    outcome: 'bounced',
    reason: 'invalid_subscription',
  })
  expect(provider.connections).toBe(0)
})

test('a redirect is not followed', async () => {
  const elsewhere = await httpProvider()
  opened.push(() => elsewhere.close())
  const { adapter, provider, address } = await open()
  const location = `http://127.0.0.1:${elsewhere.port}/`
  provider.behave((_call, response) => response.writeHead(307, { location }).end())
  expect(await adapter.deliver(message(address), never)).toMatchObject({ outcome: 'permanent' })
  expect(elsewhere.connections).toBe(0)
})

test('the largest message fills what a push service takes, and a byte more is refused before it is sent', async () => {
  const service = await pushService()
  const reader = browser(service.origin)
  const adapter = make()
  const room = 3_993 - Buffer.byteLength(JSON.stringify({ title: 'é', body: '' }))
  const fits: PushContent = { title: 'é', body: 'x'.repeat(room) }
  expect(await adapter.deliver(message(reader.subscription, { content: fits }), never)).toEqual({ outcome: 'accepted' })
  expect(service.calls[0]?.body.length).toBe(4_096)
  expect(decrypt(service.calls[0]?.body as Buffer, reader)).toEqual(fits)

  const tooLarge = message(reader.subscription, { content: { ...fits, body: `${fits.body}x` } })
  expect(await adapter.deliver(tooLarge, never)).toEqual({
    outcome: 'permanent',
    reason: 'payload_too_large: title, body and data take 3994 bytes as JSON, 3993 can be sent',
  })
  expect(service.calls).toHaveLength(1)
})

test('it needs an address, does not claim to be idempotent, and is called web_push unless told otherwise', () => {
  const adapter = make()
  expect(adapter).toMatchObject({ name: 'web_push', needsAddress: true })
  expect(adapter.idempotent ?? false).toBe(false)
  expect(webPush(vapid).timeoutMs).toBe(10_000)
  expect(make({ name: 'browsers', subject: 'https://example.test' }).name).toBe('browsers')
})

const zeros = (bytes: number): string => Buffer.alloc(bytes).toString('base64url')
test.each([
  [{ publicKey: '' }, '`publicKey`'],
  [{ publicKey: undefined as unknown as string }, '`publicKey`'],
  [{ publicKey: `${vapid.publicKey}=` }, '`publicKey`'],
  [{ publicKey: vapid.privateKey }, '`publicKey`'],
  [{ privateKey: '' }, '`privateKey`'],
  [{ privateKey: undefined as unknown as string }, '`privateKey`'],
  [{ privateKey: zeros(31) }, '`privateKey`'],
  [{ privateKey: zeros(32) }, '`privateKey`'],
  [{ privateKey: vapid.publicKey }, '`privateKey`'],
  [{ publicKey: vapidKeys().publicKey }, 'do not belong together'],
  [{ subject: '' }, '`subject`'],
  [{ subject: undefined as unknown as string }, '`subject`'],
  [{ subject: 'ops@example.test' }, '`subject`'],
  [{ subject: 'mailto:ops' }, '`subject`'],
  [{ subject: 'mailto: ops@example.test' }, '`subject`'],
  [{ subject: 'mailto:<ops@example.test>' }, '`subject`'],
  [{ subject: 'http://example.test' }, '`subject`'],
  [{ subject: 'https://localhost' }, '`subject`'],
  [{ ttlSeconds: -1 }, '`ttlSeconds`'],
  [{ ttlSeconds: 1.5 }, '`ttlSeconds`'],
  [{ timeoutMs: 0 }, '`timeoutMs`'],
])('the options %j are refused at once, and no key is quoted', (options, word) => {
  const build = (): unknown => webPush({ ...vapid, ...options })
  expect(build).toThrow(SetupError)
  expect(build).toThrow(word)
  expect(build).not.toThrow(vapid.privateKey)
})
