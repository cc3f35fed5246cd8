import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { type Peer, type PeerSettings, startPeer } from '../support/peer.ts'
import { peerConfig } from '../support/peer-config.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'
import { type SlowProvider, startSlowProvider } from './slow-provider.ts'

/*
 * What becomes of a thousand deliveries when a process that is sending them dies, or is asked to stop.
 */

const DELIVERIES = 1_000
const SECRET_KEY = 'a-secret-key-for-faults-of-32-characters'

let provider: SlowProvider
let carillon: TestCarillon
let settings: PeerSettings
const peers: Peer[] = []
/** Each worker calls the provider at an address of its own. */
const addressOf = (name: string): string => `${provider.url}/${name}`
const start = async (name: string): Promise<Peer> => {
  const peer = await startPeer({ ...settings, pager: { kind: 'webhook', url: addressOf(name), timeoutMs: 1_500 } })
  peers.push(peer)
  return peer
}

beforeAll(async () => {
  provider = await startSlowProvider(300)
})
afterAll(() => provider.close())
beforeEach(async () => {
  const shared = { secretKey: SECRET_KEY, leaseFor: '2s', concurrency: 100 } as const
  const pager = { kind: 'webhook', url: provider.url, timeoutMs: 1_500 } as const
  carillon = await startCarillon(peerConfig({ pager, ...shared }), { ...shared, bus: 'postgres' })
  settings = { ...shared, databaseUrl: carillon.databaseUrl, pager, worker: true }
})
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.end('SIGKILL')))
  await carillon.close()
})

const triggerPages = async (): Promise<void> => {
  const { app, tenantId } = carillon
  const pages = Array.from({ length: DELIVERIES }, (_, n) => ({
    notificationKey: 'page',
    idempotencyKey: `page-${n}`,
    payload: { n },
    recipients: [{ id: `reader-${n % 50}` }],
  }))
  await Promise.all(pages.map((request) => app.trigger({ tenantId, request, path: ['input'] })))
}

interface Attempt {
  readonly deliveryId: string
  readonly attemptNumber: number
  readonly outcome: string
}
const attempts = async (): Promise<readonly Attempt[]> => {
  const { rows } = await carillon.sql.query<Attempt>(
    `select delivery_id as "deliveryId", attempt_number as "attemptNumber", outcome from delivery_attempt order by 1, 2`,
  )
  return rows.map((row) => ({ ...row, deliveryId: encodeNodeId('Delivery', row.deliveryId) }))
}
const statuses = async (): Promise<Record<string, number>> => {
  const { rows } = await carillon.sql.query<{ status: string; count: number }>(
    'select status, count(*)::int4 from delivery group by 1',
  )
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]))
}
/** Everything the provider has got is in the books, and what it got again has a reason there. */
const expectReceiptsExplained = async (sinceReceipt: number): Promise<{ unknown: number; repeated: number }> => {
  const booked = new Map((await attempts()).map((one) => [`${one.deliveryId} ${one.attemptNumber}`, one.outcome]))
  const receipts = provider.receipts.slice(sinceReceipt)
  const last = new Map(receipts.map((receipt) => [receipt.deliveryId, receipt.attemptNumber]))
  let repeated = 0
  for (const { deliveryId, attemptNumber, idempotencyKey } of receipts) {
    expect(idempotencyKey).toBe(deliveryId)
    const outcome = booked.get(`${deliveryId} ${attemptNumber}`)
    if (last.get(deliveryId) === attemptNumber) expect(['succeeded', 'unknown']).toContain(outcome)
    else {
      expect(outcome).toBe('unknown')
      repeated += 1
    }
  }
  const tried = receipts.map(({ deliveryId, attemptNumber }) => `${deliveryId} ${attemptNumber}`)
  expect(new Set(tried).size).toBe(tried.length)
  return { unknown: [...booked.values()].filter((outcome) => outcome === 'unknown').length, repeated }
}

test('a worker killed in mid-send loses nothing, and only what it had open is sent again, on the record', async () => {
  const since = provider.receipts.length
  const [victim, survivor] = await Promise.all([start('victim'), start('survivor')])
  await triggerPages()
  await until(
    'it is in mid-send',
    () => provider.receipts.length - since >= 250 && provider.openAt(addressOf('victim')) >= 10,
    { every: 5 },
  )
  await victim.end('SIGKILL')
  await until('all is carried out', async () => (await carillon.sql.query('select from due limit 1')).rowCount === 0, {
    within: 30_000,
  })
  expect(await statuses()).toEqual({ succeeded: DELIVERIES })
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  expect(survivor.failures).toEqual([])
  const { unknown, repeated } = await expectReceiptsExplained(since)
  process.stdout.write(
    `worker death: ${provider.receipts.length - since} receipts of ${DELIVERIES} deliveries, ${unknown} unknown attempts, ${repeated} repeated\n`,
  )
  const reached = new Set(provider.receipts.slice(since).map(({ deliveryId }) => deliveryId))
  expect(reached.size).toBe(DELIVERIES)
  expect(unknown).toBeGreaterThan(0)
}, 60_000)

test('a worker asked to stop finishes what it has open, gives back the rest, and closes its sockets with 1001', async () => {
  const since = provider.receipts.length
  const worker = await start('stopping')
  const socket = await openRawSocket(worker.wsUrl, { token: await carillon.tokenFor('reader-0') })
  socket.subscribe('1', 'subscription { inboxUpdates { cursor } }')
  await until('it is subscribed', () => socket.answers('1').length === 1)
  await triggerPages()
  await until(
    'it is in mid-send',
    () => provider.receipts.length - since >= 150 && provider.openAt(addressOf('stopping')) >= 10,
    { every: 5 },
  )
  const exit = await worker.end('SIGTERM')
  expect(exit).toEqual({ code: 0, signal: null })
  expect((await socket.closure()).code).toBe(1001)
  expect(worker.failures).toEqual([])
  // Nobody waits for a lease to run out, and nothing is in doubt.
  const { rows } = await carillon.sql.query('select from due where lease_token is not null')
  expect(rows).toHaveLength(0)
  expect((await expectReceiptsExplained(since)).unknown).toBe(0)
  const stopped = await statuses()
  expect(stopped['succeeded']).toBe(provider.receipts.length - since)
  expect((stopped['succeeded'] ?? 0) + (stopped['pending'] ?? 0)).toBe(DELIVERIES)
  expect(await brokenInvariants(carillon.sql)).toEqual([])

  await start('next')
  await until('another worker has done the rest', async () => (await statuses())['succeeded'] === DELIVERIES)
  expect(provider.receipts.length - since).toBe(DELIVERIES)
}, 60_000)
