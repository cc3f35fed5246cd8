import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { page } from '../../support/notifiers.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const pager = scripted('pager', { retry: { attempts: 3, firstDelay: '10s', maxDelay: '1m' } })
const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [page], adapters: { pager } }, { clock })
})
afterAll(() => carillon.close())

const call = async (...acts: unknown[]): Promise<string> => {
  pager.next(...acts)
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  return event.id
}

const goOnAt = async (instant: string): Promise<number> => {
  clock.set(instant)
  return carillon.drainJobs()
}

test('what a provider cannot take now is tried again when it is due, and not before', async () => {
  const eventId = await call({ outcome: 'temporary', reason: 'busy', retryAfterMs: 60_000 })
  const failed = await deliveryOf(carillon, { eventId })
  const due = new Date(clock.now().getTime() + 60_000).toISOString()
  expect(failed).toMatchObject({ status: 'FAILED', waitingFor: 'retry', nextAttemptAt: due, suppressionReason: null })
  expect(failed.attempts).toMatchObject([
    { attemptNumber: 1, outcome: 'FAILED', errorClass: 'temporary', reason: 'busy' },
  ])
  expect(failed.explanation.timeline.at(-1)).toMatchObject({
    event: 'retry_scheduled',
    detail: { reason: 'temporary', nextAttemptAt: due },
  })

  clock.advance(59_999)
  expect(await carillon.drainJobs()).toBe(0)
  clock.advance(1)
  expect(await carillon.drainJobs()).toBe(1)
  const sent = await deliveryOf(carillon, { eventId })
  expect(sent).toMatchObject({ status: 'SUCCEEDED', waitingFor: null, nextAttemptAt: null })
  expect(sent.attempts.map(({ attemptNumber, outcome }: Record<string, unknown>) => [attemptNumber, outcome])).toEqual([
    [1, 'FAILED'],
    [2, 'SUCCEEDED'],
  ])
  expect(storyOf(sent).slice(3)).toEqual([
    'claimed',
    'attempt_recorded',
    'retry_scheduled',
    'claimed',
    'attempt_recorded',
  ])
})

test('every try has the same idempotency key and an attempt of its own', async () => {
  const before = pager.calls.length
  await call({ outcome: 'temporary' })
  clock.advance(60_000)
  await carillon.drainJobs()
  const calls = pager.calls.slice(before)
  expect(calls.map(({ attemptNumber }) => attemptNumber)).toEqual([1, 2])
  expect(new Set(calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1)
  expect(new Set(calls.map(({ attemptId }) => attemptId)).size).toBe(2)
})

test('without a word from the provider the wait is jittered below its ceiling', async () => {
  const eventId = await call({ outcome: 'temporary' })
  const { nextAttemptAt } = await deliveryOf(carillon, { eventId })
  const wait = new Date(nextAttemptAt).getTime() - clock.now().getTime()
  expect(wait).toBeGreaterThanOrEqual(0)
  expect(wait).toBeLessThanOrEqual(10_000)
  clock.advance(60_000)
  await carillon.drainJobs()
})

test('no provider can put a try off for more than a day', async () => {
  const eventId = await call({ outcome: 'temporary', retryAfterMs: 10 * 86_400_000 })
  const { nextAttemptAt } = await deliveryOf(carillon, { eventId })
  expect(new Date(nextAttemptAt).getTime() - clock.now().getTime()).toBe(86_400_000)
  await goOnAt(nextAttemptAt)
})

test('the last try gives it up, and no provider can ask for another', async () => {
  const temporary = { outcome: 'temporary', reason: 'still busy', retryAfterMs: 60_000 }
  const eventId = await call(temporary, temporary, temporary)
  for (let index = 0; index < 2; index++) {
    clock.advance(60_000)
    expect(await carillon.drainJobs()).toBe(1)
  }
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'retries_exhausted',
    nextAttemptAt: null,
    waitingFor: null,
  })
  expect(delivery.attempts).toHaveLength(3)
  expect(storyOf(delivery).slice(-2)).toEqual(['attempt_recorded', 'cancelled'])
  expect(delivery.explanation.summary).toContain('all tries were used up')
  clock.advance(86_400_000)
  expect(await carillon.drainJobs()).toBe(0)
})

test.each([
  ['permanent', 'REJECTED', 'permanent_failure'],
  ['bounced', 'BOUNCED', 'bounced'],
] as const)('what a provider says is %s is cancelled at once', async (outcome, recorded, suppressionReason) => {
  const eventId = await call({ outcome, reason: `no such user bob@example.test` })
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery).toMatchObject({ status: 'CANCELLED', suppressionReason })
  expect(delivery.attempts).toMatchObject([
    { outcome: recorded, errorClass: outcome, reason: 'no such user [removed]' },
  ])
  clock.advance(86_400_000)
  expect(await carillon.drainJobs()).toBe(0)
})
