import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Adapter } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf } from '../../support/deliveries.ts'
import { page, siren } from '../../support/notifiers.ts'
import { type ScriptedAdapter, scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const temporary = { outcome: 'temporary', reason: 'busy', retryAfterMs: 60_000 }
const hang = () => new Promise(() => {})
const retry = { attempts: 30, firstDelay: '1m', maxDelay: '1m' } as const

const clock = new TestClock()
const opened: TestCarillon[] = []
const start = async (pagers: readonly Adapter[], more: Record<string, Adapter> = {}): Promise<TestCarillon> => {
  const carillon = await startCarillon(
    { notifiers: [page, siren], adapters: { pager: pagers, siren: scripted('siren'), ...more } },
    { clock },
  )
  opened.push(carillon)
  return carillon
}
let count = 0
const send = async (carillon: TestCarillon, notificationKey = 'pager.call'): Promise<string> => {
  const { event } = await trigger(carillon, { notificationKey, payload: {}, recipients: [{ id: `reader-${count++}` }] })
  await carillon.drainJobs()
  return event.id
}
const attemptsOf = ({ attempts }: GraphQLAnswer['data']): string[] =>
  attempts.map(
    ({ attemptNumber, adapter, outcome }: Record<string, string>) => `${attemptNumber} ${adapter} ${outcome}`,
  )

let carillon: TestCarillon
let idempotent: TestCarillon
let first: ScriptedAdapter
let second: ScriptedAdapter
let third: ScriptedAdapter
let safe: ScriptedAdapter
let spare: ScriptedAdapter
beforeAll(async () => {
  first = scripted('first', { retry, timeoutMs: 200 })
  second = scripted('second', { timeoutMs: 200 })
  third = scripted('third')
  safe = scripted('safe', { retry, timeoutMs: 200, idempotent: true })
  spare = scripted('spare')
  carillon = await start([first, second, third])
  idempotent = await start([safe, spare])
})
afterAll(async () => {
  for (const one of opened) await one.close()
})
/** How often each was called since the test began. */
let before: number[]
beforeEach(() => {
  before = [first, second, third].map(({ calls }) => calls.length)
})
const callsSince = () => [first, second, third].map(({ calls }, index) => calls.length - (before[index] as number))

test('the first adapter alone is called where it answers', async () => {
  const delivery = await deliveryOf(carillon, { eventId: await send(carillon) })
  expect([delivery.status, attemptsOf(delivery)]).toEqual(['SUCCEEDED', ['1 first SUCCEEDED']])
  expect(callsSince()).toEqual([1, 0, 0])
})

test('what the first cannot take now the next one sends in the same try, each call an attempt of its own', async () => {
  first.next(temporary)
  second.next({ outcome: 'temporary' })
  third.next({ outcome: 'accepted', providerMessageId: 'm-3' })
  const eventId = await send(carillon)
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery.status).toBe('SUCCEEDED')
  expect(attemptsOf(delivery)).toEqual(['1 first FAILED', '2 second FAILED', '3 third SUCCEEDED'])
  expect(delivery.attempts[2]).toMatchObject({ providerMessageId: 'm-3', errorClass: null })
  expect(delivery.explanation.summary).toMatch(/ by third, on try 1\.$/)
  const calls = [first, second, third].map((adapter) => adapter.calls.at(-1))
  expect(calls.map((call) => call?.attemptNumber)).toEqual([1, 2, 3])
  expect(new Set(calls.map((call) => call?.idempotencyKey)).size).toBe(1)
  expect(new Set(calls.map((call) => call?.attemptId)).size).toBe(3)
  const query = 'query ($id: ID!) { node(id: $id) { ... on DeliveryAttempt { adapter } } }'
  const { node } = await carillon.ok(carillon.operatorKey, query, { id: calls[1]?.attemptId })
  expect(node).toEqual({ adapter: 'second' })
})

test.each<[string, unknown]>([
  ['throws', () => Promise.reject(new Error('no route'))],
  ['answers nonsense', 'fine'],
])('an adapter that %s is followed by the next one', async (_, act) => {
  first.next(act)
  const delivery = await deliveryOf(carillon, { eventId: await send(carillon) })
  expect(attemptsOf(delivery)).toEqual(['1 first FAILED', '2 second SUCCEEDED'])
})

test.each([
  ['permanent', 'permanent_failure', '1 first REJECTED'],
  ['bounced', 'bounced', '1 first BOUNCED'],
])('what the first says is %s is not offered to the next', async (outcome, reason, attempt) => {
  first.next({ outcome })
  const delivery = await deliveryOf(carillon, { eventId: await send(carillon) })
  expect([delivery.status, delivery.suppressionReason, attemptsOf(delivery)]).toEqual(['CANCELLED', reason, [attempt]])
  expect(callsSince()).toEqual([1, 0, 0])
})

test('what the second says for good ends it, whatever the first has said', async () => {
  first.next(temporary)
  second.next({ outcome: 'permanent' })
  const delivery = await deliveryOf(carillon, { eventId: await send(carillon) })
  expect([delivery.status, delivery.suppressionReason]).toEqual(['CANCELLED', 'permanent_failure'])
  expect(attemptsOf(delivery)).toEqual(['1 first FAILED', '2 second REJECTED'])
})

test('after a time-out the next one is not called: the first may have sent it after all', async () => {
  first.next(hang)
  const eventId = await send(carillon)
  const delivery = await deliveryOf(carillon, { eventId })
  expect([delivery.status, attemptsOf(delivery)]).toEqual(['FAILED', ['1 first FAILED']])
  expect(delivery.attempts[0].reason).toContain('no answer within')
  clock.advance(60_000)
  await carillon.drainJobs()
  expect(attemptsOf(await deliveryOf(carillon, { eventId }))).toEqual(['1 first FAILED', '2 first SUCCEEDED'])
  expect(callsSince()).toEqual([2, 0, 0])
})

test('nor is the third after a time-out of the second', async () => {
  first.next(temporary)
  second.next(hang)
  const delivery = await deliveryOf(carillon, { eventId: await send(carillon) })
  expect([delivery.status, attemptsOf(delivery)]).toEqual(['FAILED', ['1 first FAILED', '2 second FAILED']])
  expect(callsSince()).toEqual([1, 1, 0])
  clock.advance(60_000)
  await carillon.drainJobs()
})

test('after a time-out of one that honours the idempotency key it is', async () => {
  safe.next(hang)
  const delivery = await deliveryOf(idempotent, { eventId: await send(idempotent) })
  expect([delivery.status, attemptsOf(delivery)]).toEqual(['SUCCEEDED', ['1 safe FAILED', '2 spare SUCCEEDED']])
})

test('where none can take it now, the next try begins with the first again, when the last of them wants it', async () => {
  first.next({ ...temporary, retryAfterMs: 600_000 })
  second.next({ ...temporary, retryAfterMs: 600_000 })
  third.next({ ...temporary, retryAfterMs: 120_000 })
  const eventId = await send(carillon)
  const failed = await deliveryOf(carillon, { eventId })
  expect(failed).toMatchObject({ status: 'FAILED', waitingFor: 'retry' })
  expect(new Date(failed.nextAttemptAt).getTime() - clock.now().getTime()).toBe(120_000)
  clock.advance(120_000)
  await carillon.drainJobs()
  expect(attemptsOf(await deliveryOf(carillon, { eventId }))).toEqual([
    '1 first FAILED',
    '2 second FAILED',
    '3 third FAILED',
    '4 first SUCCEEDED',
  ])
})

/** Fails until its breaker opens: ten calls, over five seconds. */
const breakDown = async (service: TestCarillon, adapter: ScriptedAdapter): Promise<void> => {
  for (let call = 0; call < 10; call++) {
    adapter.next(temporary)
    await send(service)
    clock.advance(1_000)
  }
}

test('an adapter that goes on failing is left alone, tried out by one delivery when its rest is over, and used again', async () => {
  const dead = scripted('dead', { retry })
  const alive = scripted('alive')
  const service = await start([dead, alive])
  await breakDown(service, dead)
  expect([dead.calls.length, alive.calls.length]).toEqual([10, 10])

  const skipped = await deliveryOf(service, { eventId: await send(service) })
  expect(attemptsOf(skipped)).toEqual(['1 alive SUCCEEDED'])
  expect(dead.calls.length).toBe(10)

  clock.advance(10_000)
  dead.next(temporary)
  const recipients = Array.from({ length: 20 }, () => ({ id: `reader-${count++}` }))
  const { event } = await trigger(service, { notificationKey: 'pager.call', payload: {}, recipients })
  await service.drainJobs()
  expect(dead.calls.length).toBe(11)
  const sent = await deliveriesOf(service, { eventId: event.id })
  expect(sent.map(({ status }) => status)).toEqual(recipients.map(() => 'SUCCEEDED'))

  // The next rest is twice as long, and the one that is tried out then answers.
  clock.advance(19_999)
  await send(service)
  expect(dead.calls.length).toBe(11)
  clock.advance(1)
  await send(service)
  await send(service)
  expect(dead.calls.length).toBe(13)
})

test('a channel whose providers all rest is not claimed, other channels go on, and nothing of it is lost', async () => {
  const one = scripted('one', { retry })
  const two = scripted('two')
  const loud = scripted('loud')
  const service = await start([one, two], { siren: loud })
  two.next(...Array.from({ length: 10 }, () => temporary))
  await breakDown(service, one)
  const before = [one.calls.length, two.calls.length]
  expect(before).toEqual([10, 10])

  const eventId = await send(service, 'siren.call')
  const stands = async () =>
    Object.fromEntries((await deliveriesOf(service, { eventId })).map((one) => [one.channel, one.status]))
  expect(await stands()).toEqual({ pager: 'PENDING', siren: 'SUCCEEDED' })
  expect([one.calls.length, two.calls.length]).toEqual(before)
  const { rows } = await service.sql.query(
    `select count(*) filter (where lease_token is not null)::int as claimed, count(*)::int from due where lane = 'pager'`,
  )
  expect(rows).toEqual([{ claimed: 0, count: 11 }])

  clock.advance(600_000)
  await service.drainJobs()
  expect(await stands()).toEqual({ pager: 'SUCCEEDED', siren: 'SUCCEEDED' })
  expect((await deliveriesOf(service, { channel: 'pager' })).map(({ status }) => status)).toEqual(
    Array.from({ length: 11 }, () => 'SUCCEEDED'),
  )
})

test('a provider that comes back is given everything that waits, not one delivery at a time', async () => {
  const only = scripted('only', { retry })
  const service = await start([only])
  await breakDown(service, only)
  const recipients = Array.from({ length: 30 }, () => ({ id: `reader-${count++}` }))
  await trigger(service, { notificationKey: 'pager.call', payload: {}, recipients })
  expect(await service.drainJobs()).toBe(0)
  clock.advance(120_000)
  expect(await service.drainJobs()).toBe(40)
  const { rows } = await service.sql.query(`select count(*)::int from delivery where status <> 'succeeded'`)
  expect(rows).toEqual([{ count: 0 }])
})
