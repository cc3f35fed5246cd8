import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Adapter } from '../../server/adapters/adapter.ts'
import { BlockedAddressError, isPublicAddress, publicLookup } from '../../server/adapters/public-address.ts'
import { type WebhookOptions, webhook } from '../../server/adapters/webhook.ts'
import { type HttpProvider, httpProvider } from './http-provider.ts'
import { messageWith } from './message.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const BLOCKED = { outcome: 'permanent', reason: expect.stringMatching(/^blocked_address: .*allowPrivateAddresses/) }
const never = new AbortController().signal

let listener: HttpProvider
let adapters: Adapter[] = []
beforeEach(async () => {
  // On every address of this machine, so that whatever gets through is heard.
  listener = await httpProvider(null, '')
})
afterEach(async () => {
  for (const adapter of adapters) await adapter.close?.()
  adapters = []
  await listener.close()
})

const call = (host: string, options: Partial<WebhookOptions> = {}) => {
  const url = `http://${host}:${listener.port}/`
  const adapter = webhook({ url, secret: SECRET, timeoutMs: 5_000, ...options })
  adapters.push(adapter)
  return adapter.deliver(messageWith({ text: 'hello' }), never)
}

const HERE = [
  '127.0.0.1',
  '127.1',
  '127.0.0.53',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '１２７.０.０.１',
  '0.0.0.0',
  '0',
  'localhost',
  'LOCALHOST',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
]

test.each(HERE)('%s is refused, and nothing is heard of it', async (host) => {
  expect(await call(host)).toEqual(BLOCKED)
  expect(listener.connections).toBe(0)
})

test.each(HERE.filter((host) => !host.startsWith('[')))('%s leads here, where it is allowed', async (host) => {
  expect(await call(host, { allowPrivateAddresses: true })).toEqual({ outcome: 'accepted' })
  expect(listener.connections).toBe(1)
})

test.each([
  '169.254.169.254',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.254',
  '192.168.1.1',
  '100.64.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::7f00:1]',
  '[64:ff9b::a9fe:a9fe]',
  '[2002:7f00:1::]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[ff02::1]',
])('%s is refused before anything is sent to it', async (host) => {
  expect(await call(host)).toEqual(BLOCKED)
})

test('https is guarded like http', async () => {
  expect(await call('', { url: `https://127.0.0.1:${listener.port}/` })).toEqual(BLOCKED)
  expect(await call('', { url: `https://localhost:${listener.port}/` })).toEqual(BLOCKED)
  expect(listener.connections).toBe(0)
})

/** A resolver that knows one name, answered anew each time, and counts how often it is asked. */
const resolver = (...answers: readonly string[][]): LookupFunction & { asked(): number } => {
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

test.each([
  [['127.0.0.1']],
  [['::1']],
  [['::ffff:127.0.0.1']],
  [['10.1.2.3']],
  [['203.0.114.1', '127.0.0.1']],
  [['2600::1', '::1', '203.0.114.1']],
  [['127.0.0.1', '203.0.114.1']],
])('a name that resolves to %j is refused, and nothing is heard of it', async (addresses) => {
  const lookup = resolver(addresses)
  expect(await call('rebind.example.test', { lookup })).toEqual(BLOCKED)
  expect(lookup.asked()).toBe(1)
  expect(listener.connections).toBe(0)
})

test('a name that resolves to this machine leads here, where that is allowed', async () => {
  const options = { lookup: resolver(['127.0.0.1']), allowPrivateAddresses: true }
  expect(await call('rebind.example.test', options)).toEqual({ outcome: 'accepted' })
})

test('a name that cannot be resolved is temporary, and the reason does not say which', async () => {
  const lookup: LookupFunction = (hostname, _options, callback) =>
    callback(Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' }), '')
  expect(await call('gone.example.test', { lookup })).toEqual({
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
