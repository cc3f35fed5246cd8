import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { Adapter, DeliverResult } from '../../server/adapters/adapter.ts'
import { BlockedAddressError, isPublicAddress, publicLookup } from '../../server/adapters/public-address.ts'
import { webPush } from '../../server/adapters/web-push.ts'
import { webhook } from '../../server/adapters/webhook.ts'
import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { tallyOf } from '../security/tally.ts'
import { countConnections } from '../support/connection-count.ts'
import { ELSEWHERE_PRIVATE, PRIVATE_ANSWERS, THIS_MACHINE } from './private-hosts.ts'
import { subscriptionAt, vapidKeys } from './push-keys.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BLOCKED = { outcome: 'permanent', reason: expect.stringMatching(/^blocked_address: .*allowPrivateAddresses/) }
const never = new AbortController().signal

interface GuardOptions {
  readonly allowPrivateAddresses?: boolean
  readonly lookup?: LookupFunction
}

const tally = tallyOf('S17')
afterAll(() => tally.report())

let listener: HttpProvider
let connections: ReturnType<typeof countConnections>
let adapters: Adapter[] = []
beforeEach(async () => {
  // On every address of this machine, so that whatever gets through is heard.
  listener = await httpProvider({ host: '' })
  connections = countConnections()
})
afterEach(async () => {
  connections.stop()
  for (const adapter of adapters) await adapter.close?.()
  adapters = []
  await listener.close()
})

const opened = <C>(adapter: Adapter<C>): Adapter<C> => {
  adapters.push(adapter)
  return adapter
}

const callWebhook = (url: string, options: GuardOptions): Promise<DeliverResult> =>
  opened(webhook({ url, secret: SECRET, timeoutMs: 5_000, ...options })).deliver(
    sampleMessage({ text: 'hello' }),
    never,
  )

const vapid = { ...vapidKeys(), subject: 'mailto:ops@example.test' }
/** Browsers say where to call: the host stands in the address, and not in the configuration. */
const callPush = (url: string, options: GuardOptions): Promise<DeliverResult> =>
  opened(webPush({ ...vapid, timeoutMs: 5_000, ...options })).deliver(
    sampleMessage({ title: 'hello', body: 'there' }, { channel: 'push', address: subscriptionAt(url) }),
    never,
  )

/** Every way that is known here to a private address: a host as it is written, or a name and what it resolves to. */
const WAYS = [
  ...[...THIS_MACHINE, ...ELSEWHERE_PRIVATE].map((host) => ({ way: host, host, lookup: undefined })),
  // Whether it is known under this name too depends on the machine.
  { way: 'localhost.', host: 'localhost.', lookup: () => resolver(['127.0.0.1']) },
  ...PRIVATE_ANSWERS.map((addresses) => ({
    way: `a name for ${addresses}`,
    host: 'rebind.example.test',
    lookup: () => resolver(addresses),
  })),
]

test.each([
  { name: 'webhook over http', call: callWebhook, scheme: 'http' },
  { name: 'webhook over https', call: callWebhook, scheme: 'https' },
  { name: 'web push', call: callPush, scheme: 'https' },
])(
  '$name has sixty ways and more to a private address, and all are shut before a connection is begun',
  async (guarded) => {
    for (const { way, host, lookup: make } of WAYS) {
      const lookup = make?.()
      const result = await guarded.call(`${guarded.scheme}://${host}:${listener.port}/`, lookup ? { lookup } : {})
      tally.tried(`${guarded.name} by ${way}`, connections.begun > 0 || listener.connections > 0)
      expect({ way, result, asked: lookup?.asked() }).toEqual({ way, result: BLOCKED, asked: lookup && 1 })
      expect({ way, begun: connections.begun, heard: listener.connections }).toEqual({ way, begun: 0, heard: 0 })
    }
    expect(new Set(WAYS.map(({ way }) => way)).size).toBe(WAYS.length)
    expect(WAYS.length).toBeGreaterThanOrEqual(60)
  },
)

test.each(THIS_MACHINE.filter((host) => !host.startsWith('[')))('%s leads here, where it is allowed', async (host) => {
  expect(await callWebhook(`http://${host}:${listener.port}/`, { allowPrivateAddresses: true })).toEqual({
    outcome: 'accepted',
  })
  expect(listener.connections).toBe(1)
  expect(connections.begun).toBeGreaterThan(0)
})

test('an endpoint of a browser leads here, where that is allowed', async () => {
  const url = `http://127.0.0.1:${listener.port}/`
  expect(await callPush(url, { allowPrivateAddresses: true })).toEqual({ outcome: 'accepted' })
  expect(listener.connections).toBe(1)
})

/** A resolver that knows one name, answered anew each time, and counts how often it is asked. */
const resolver = (...answers: readonly (readonly string[])[]): LookupFunction & { asked(): number } => {
  let asked = 0
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const addresses = (answers[Math.min(asked, answers.length - 1)] ?? []).map(
      (address): LookupAddress => ({ address, family: isIP(address) }),
    )
    asked += 1
    if (options.all) callback(null, addresses)
    else callback(null, addresses[0]?.address ?? '', addresses[0]?.family ?? 4)
  }
  return Object.assign(lookup, { asked: () => asked })
}

test('a name that resolves to this machine leads here, where that is allowed', async () => {
  const options = { lookup: resolver(['127.0.0.1']), allowPrivateAddresses: true }
  expect(await callWebhook(`http://rebind.example.test:${listener.port}/`, options)).toEqual({ outcome: 'accepted' })
})

test('a name that cannot be resolved is temporary, and the reason does not say which', async () => {
  const lookup: LookupFunction = (hostname, _options, callback) =>
    callback(Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' }), '')
  expect(await callWebhook('http://gone.example.test/', { lookup })).toEqual({
    outcome: 'temporary',
    reason: 'no answer: ENOTFOUND',
  })
})

test('the socket is given the addresses that were checked, and the name is resolved no second time', () => {
  const lookup = resolver(['203.0.114.1', '2600::1'], ['127.0.0.1'])
  const guarded = publicLookup(lookup)
  guarded('a.example.test', { all: true }, (error, addresses) => {
    expect(error).toBeNull()
    expect(addresses).toEqual([
      { address: '203.0.114.1', family: 4 },
      { address: '2600::1', family: 6 },
    ])
  })
  expect(lookup.asked()).toBe(1)
  guarded('a.example.test', {}, (error) => expect(error).toBeInstanceOf(BlockedAddressError))
  expect(lookup.asked()).toBe(2)

  publicLookup(resolver(['203.0.114.1']))('a.example.test', {}, (error, address, family) => {
    expect([error, address, family]).toEqual([null, '203.0.114.1', 4])
  })
  publicLookup(resolver([]))('a.example.test', { all: true }, (error) => expect(error).not.toBeNull())
  expect.assertions(7)
})

test('a name that is public when it is looked at and this machine a moment later gains nothing', async () => {
  for (const [first, then] of [
    ['127.0.0.1', '127.0.0.1'],
    ['10.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '::1'],
  ] as const) {
    const lookup = resolver([first], [then])
    for (let time = 0; time < 2; time++) {
      const result = await callWebhook(`http://rebind.example.test:${listener.port}/`, { lookup })
      expect(result).toEqual(BLOCKED)
      tally.tried(`${first}, then ${then}`, connections.begun > 0)
    }
  }
})

test('what is sent along cannot become a header of its own, nor another request', async () => {
  const adapter = opened(
    webhook({ url: `http://127.0.0.1:${listener.port}/`, secret: SECRET, allowPrivateAddresses: true }),
  )
  for (const text of [
    'a\r\nx-evil: 1',
    'a\nx-evil: 1',
    'a\r\n\r\nPOST /evil HTTP/1.1\r\nhost: x\r\n\r\n',
    'a\0b',
    'ü',
    '\ud800',
  ]) {
    for (const changes of [{ idempotencyKey: text }, { traceparent: text }, { deliveryId: text }, { address: text }]) {
      const before = listener.calls.length
      await adapter.deliver(sampleMessage({ text }, changes), never)
      const calls = listener.calls.slice(before)
      const gotThrough = calls.length > 1 || calls.some(({ url, headers }) => url !== '/' || 'x-evil' in headers)
      tally.tried(`${JSON.stringify(text)} as ${Object.keys(changes)}`, gotThrough)
    }
  }
})

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '203.0.114.1',
  '2600::1',
  '2a00:1450::1',
  '::ffff:8.8.8.8',
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

test.each(['', 'localhost', '1.1.1', '0x08.8.8.8', '8.8.8.8:80', '[2600::1]', 'fe80::1%eth0', '::808:808', '4000::1'])(
  '%j is not a public address',
  (address) => {
    expect(isPublicAddress(address)).toBe(false)
  },
)

test('a lookup that answers one address alone is checked as one that answers many', async () => {
  const answerFor = (found: string, family?: number) =>
    new Promise((resolve) => {
      const lookup: LookupFunction = (_, __, callback) => callback(null, found, family)
      publicLookup(lookup)('example.test', {}, (error, address, kind) =>
        resolve(error ? `${error.name}: ${error.message}` : [address, kind]),
      )
    })
  expect(await answerFor('93.184.215.14')).toEqual(['93.184.215.14', 4])
  expect(await answerFor('2606:4700::1111')).toEqual(['2606:4700::1111', 6])
  expect(await answerFor('93.184.215.14', 4)).toEqual(['93.184.215.14', 4])
  expect(await answerFor('127.0.0.1', 4)).toBe('BlockedAddressError: the address is not public')
  expect(await answerFor('fd00::1')).toBe('BlockedAddressError: the address is not public')
})
