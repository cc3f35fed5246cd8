import { afterEach, expect, test } from 'vitest'
import { type DeliverResult, defineConfig, type OutgoingMessage } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { createTestDatabase } from '../../support/database.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { brokenInvariants } from '../../support/invariants.ts'
import { invoice } from '../../support/notifiers.ts'
import { trigger } from '../../support/trigger.ts'
import { until } from '../../support/until.ts'

interface OpenCall {
  readonly message: OutgoingMessage
  readonly signal: AbortSignal
  answer(result: DeliverResult): void
}

/** An adapter whose calls stay open until the test answers them, however long that is. */
const openEnded = () => {
  const calls: OpenCall[] = []
  const deliver = (message: OutgoingMessage, signal: AbortSignal): Promise<DeliverResult> =>
    new Promise((answer) => calls.push({ message, signal, answer }))
  return { adapter: { name: 'mail', timeoutMs: 600_000, deliver }, calls }
}

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Servers of one database and one clock, each with an adapter of its own. */
const startTwo = async (clock: TestClock, leaseFor: '3s' | '30s') => {
  const database = await createTestDatabase()
  closing.push(() => database.drop())
  const start = async () => {
    const { adapter, calls } = openEnded()
    const config = defineConfig({ notifiers: [invoice], adapters: { email: adapter }, defaults: { leaseFor } })
    const carillon = await startCarillon(config, { databaseUrl: database.url, clock })
    closing.push(() => carillon.close())
    return { carillon, calls }
  }
  const servers = [await start(), await start()] as const
  closing.push(async () => expect(await brokenInvariants(servers[0].carillon.sql)).toEqual([]))
  return servers
}

const send = async (carillon: TestCarillon): Promise<string> => {
  const recipients = [{ id: 'ada', email: 'ada@example.test' }]
  return (await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 1 }, recipients })).event.id
}
const outcomes = ({ attempts }: GraphQLAnswer['data']): string[] =>
  attempts.map(({ outcome }: { outcome: string }) => outcome)

test('a call that takes longer than its lease keeps it, nobody else begins it, and its answer is recorded', async () => {
  const clock = new TestClock()
  const [one, two] = await startTwo(clock, '3s')
  const eventId = await send(one.carillon)
  const drained = one.carillon.drainJobs()
  const call = await until('the call is open', () => one.calls[0])
  for (let step = 0; step < 3; step++) {
    clock.advance(2_000)
    await until('the lease is renewed', async () => {
      const { rows } = await one.carillon.sql.query<{ lease_until: Date }>('select lease_until from due')
      return rows[0]?.lease_until.getTime() === clock.now().getTime() + 3_000
    })
  }
  expect(await two.carillon.drainJobs()).toBe(0)
  expect(call.signal.aborted).toBe(false)
  const held = await deliveryOf(one.carillon, { eventId })
  expect(held).toMatchObject({ status: 'DISPATCHED', waitingFor: 'provider', attempts: [] })

  call.answer({ outcome: 'accepted', providerMessageId: 'm-1' })
  await drained
  const sent = await deliveryOf(one.carillon, { eventId })
  expect(sent.attempts).toMatchObject([{ attemptNumber: 1, outcome: 'SUCCEEDED', providerMessageId: 'm-1' }])
  expect([sent.status, one.calls.length, two.calls.length]).toEqual(['SUCCEEDED', 1, 0])
})

test('a call whose lease was taken away is ended, and what it answers then counts for nothing', async () => {
  const [one, two] = await startTwo(new TestClock(), '3s')
  const eventId = await send(one.carillon)
  const first = one.carillon.drainJobs()
  const call = await until('the call is open', () => one.calls[0])
  // As if it had been away for longer than its lease.
  await one.carillon.sql.query('update due set lease_token = null, lease_until = null')
  const second = two.carillon.drainJobs()
  const again = await until('the other worker has begun it', () => two.calls[0])
  await until('the first is told', () => call.signal.aborted)
  call.answer({ outcome: 'bounced' })
  await first
  expect(await deliveryOf(one.carillon, { eventId })).toMatchObject({ status: 'DISPATCHED', waitingFor: 'provider' })
  again.answer({ outcome: 'accepted' })
  await second
  const sent = await deliveryOf(one.carillon, { eventId })
  expect([sent.status, outcomes(sent)]).toEqual(['SUCCEEDED', ['UNKNOWN', 'SUCCEEDED']])
  expect(again.message.idempotencyKey).toBe(call.message.idempotencyKey)
})

test.each<DeliverResult['outcome']>(['accepted', 'temporary', 'permanent', 'bounced'])(
  "a worker that everybody took for dead never overwrites what another one has recorded, with '%s' neither",
  async (outcome) => {
    const clock = new TestClock()
    // So long that it is not renewed meanwhile.
    const [zombie, other] = await startTwo(clock, '30s')
    const eventId = await send(zombie.carillon)
    const zombified = zombie.carillon.drainJobs()
    const late = await until('the call is open', () => zombie.calls[0])
    clock.advance(30_001)
    const drained = other.carillon.drainJobs()
    const call = await until('the other worker has begun it', () => other.calls[0])
    call.answer({ outcome: 'accepted', providerMessageId: 'm-2' })
    await drained
    const before = await deliveryOf(other.carillon, { eventId })
    expect([before.status, outcomes(before)]).toEqual(['SUCCEEDED', ['UNKNOWN', 'SUCCEEDED']])

    clock.advance(1_000)
    late.answer({ outcome })
    await zombified
    expect(await deliveryOf(other.carillon, { eventId })).toEqual(before)
    const bounced = 'select email_bounced_at from recipient'
    expect((await other.carillon.sql.query(bounced)).rows).toEqual([{ email_bounced_at: null }])
    expect(await other.carillon.drainJobs()).toBe(0)
  },
)
