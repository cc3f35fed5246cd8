import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Adapter, DeliverResult } from '../../server/adapters/adapter.ts'
import { BlockedAddressError, isPublicAddress, publicLookup } from '../../server/adapters/public-address.ts'
import { webPush } from '../../server/adapters/web-push.ts'
import { webhook } from '../../server/adapters/webhook.ts'
import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
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
      expect({ way, result, asked: lookup?.asked() }).toEqual({ way, result: BLOCKED, asked: lookup && 1 })
      expect({ way, begun: connections.begun, heard: listener.connections }).toEqual({ way, begun: 0, heard: 0 })
    }
    expect(new Set(WAYS.map(({ way }) => way)).size).toBe(WAYS.length)
    expect(WAYS.length).toBeGreaterThanOrEqual(60)
    process.stdout.write(`${guarded.name}: ${WAYS.length} ways to a private address tried, no connection begun\n`)
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
