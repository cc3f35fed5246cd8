import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { page } from '../../support/notifiers.ts'
import { type Act, scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

// Tried again in hours: what one test leaves behind must not come back in another.
const pager = scripted('pager', { timeoutMs: 200, retry: { firstDelay: '6h', maxDelay: '6h' } })

const RENDERS: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('no template for zoe@example.test')
  },
  rejects: () => Promise.reject(new Error('no template')),
  'answers no object': () => 'text',
  'answers what cannot be sent': () => ({ text: 'a\0b' }),
}
/** Renders when it is sent, and not when it is triggered. */
const clumsy = defineNotifier({
  key: 'clumsy',
  version: 1,
  payload: z.object({ render: z.string() }),
  channels: ['pager'],
  render: { pager: ({ payload }) => RENDERS[payload.render]?.() as never },
})

/** It stands: one failure after the other over some seconds would have the provider left alone. */
const clock = new TestClock()
let carillon: TestCarillon
const problems: string[] = []
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [page, clumsy], adapters: { pager } }, { clock })
  carillon.app.telemetry.on('adapter.misbehaved', ({ problem }) => void problems.push(problem))
})
afterAll(() => carillon.close())

const unclassified = expect.objectContaining({
  attemptNumber: 1,
  outcome: 'FAILED',
  errorClass: 'unknown_classification',
})

test.each<[string, Act, string]>([
  [
    'throws at once',
    () => {
      throw new Error('sync for bob@example.test')
    },
    'sync for [removed]',
  ],
  ['rejects', () => Promise.reject(new Error('refused')), 'refused'],
  ['rejects with no error', () => Promise.reject('words'), 'words'],
  ['rejects with nothing', () => Promise.reject(), 'undefined'],
  ['hangs', () => new Promise(() => {}), 'no answer within 200 ms'],
  ['answers nothing', undefined, 'the adapter answered none of { outcome: accepted, temporary, permanent or bounced }'],
  ['answers null', null, 'the adapter answered none of { outcome: accepted, temporary, permanent or bounced }'],
  ['answers text', 'accepted', 'the adapter answered none of { outcome: accepted, temporary, permanent or bounced }'],
  [
    'answers an outcome that does not exist',
    { outcome: 'fine' },
    'the adapter answered none of { outcome: accepted, temporary, permanent or bounced }',
  ],
  [
    'answers what it should, at once',
    () => ({ outcome: 'fine' }),
    'the adapter answered none of { outcome: accepted, temporary, permanent or bounced }',
  ],
  [
    'throws when it is read',
    () =>
      Promise.resolve({
        get outcome() {
          throw new Error('trap')
        },
      }),
    'trap',
  ],
])('an adapter that %s is taken for a temporary failure, and the delivery is tried again', async (_, act, reason) => {
  const before = problems.length
  pager.next(act)
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'FAILED', waitingFor: 'retry', attempts: [unclassified] })
  expect(delivery.attempts[0].reason).toBe(reason)
  expect(problems.length).toBe(before + 1)
})

test.each<[string, Act, string | null]>([
  ['an id that is no text', { outcome: 'accepted', providerMessageId: 7 }, null],
  ['an id that cannot be stored', { outcome: 'accepted', providerMessageId: 'a\0' }, null],
  ['an id of a thousand characters', { outcome: 'accepted', providerMessageId: 'x'.repeat(1_000) }, null],
  ['more than was asked for', { outcome: 'accepted', providerMessageId: 'm', more: 1n }, 'm'],
  ['its answer at once, and not later', () => ({ outcome: 'accepted', providerMessageId: 'n' }), 'n'],
])('an adapter that accepts with %s has accepted', async (_, act, providerMessageId) => {
  pager.next(act)
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'SUCCEEDED', attempts: [{ outcome: 'SUCCEEDED', providerMessageId }] })
})

test.each<[string, unknown]>([
  ['a text', '60000'],
  ['a negative', -5],
  ['no number', Number.NaN],
  ['endless', Number.POSITIVE_INFINITY],
  ['nothing', null],
])('an adapter that asks for a wait that is %s is tried again all the same', async (_, retryAfterMs) => {
  pager.next({ outcome: 'temporary', retryAfterMs, reason: 7 })
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'FAILED', attempts: [{ errorClass: 'temporary', reason: null }] })
  const wait = new Date(delivery.nextAttemptAt).getTime() - clock.now().getTime()
  expect(wait).toBeLessThanOrEqual(6 * 3_600_000)
})

test('a call that is given up is told so by its signal', async () => {
  let aborted: boolean | undefined
  pager.next(
    (_: unknown, signal: AbortSignal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted = signal.aborted
          resolve({ outcome: 'accepted' })
        })
      }),
  )
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  expect(aborted).toBe(true)
  expect((await deliveryOf(carillon, { eventId: event.id })).status).toBe('FAILED')
})

test('one that hangs holds up none of the others of its batch', async () => {
  pager.next(() => new Promise(() => {}))
  const recipients = Array.from({ length: 20 }, (_, index) => ({ id: `batch-${index}` }))
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients })
  const hung = carillon.app.telemetry.once('adapter.misbehaved')
  let sentBefore = 0
  const stop = carillon.app.telemetry.on('delivery.settled', ({ status }) => {
    if (status === 'succeeded') sentBefore += 1
  })
  const draining = carillon.drainJobs()
  await hung
  expect(sentBefore).toBe(19)
  stop()
  await draining
  const { rows } = await carillon.sql.query(
    `select v.status, count(*)::int from delivery v join event e on e.id = v.event_id where e.idempotency_key = $1 group by 1 order by 1`,
    [event.idempotencyKey],
  )
  expect(rows).toEqual([
    { status: 'failed', count: 1 },
    { status: 'succeeded', count: 19 },
  ])
})

test.each(Object.keys(RENDERS))(
  'a render that %s at the sending is a failed try, and the adapter is not called',
  async (render) => {
    const before = pager.calls.length
    const { event } = await trigger(carillon, { notificationKey: 'clumsy', payload: { render } })
    await carillon.drainJobs()
    const delivery = await deliveryOf(carillon, { eventId: event.id })
    expect(delivery).toMatchObject({
      status: 'FAILED',
      attempts: [{ outcome: 'FAILED', errorClass: 'render_failed', adapter: 'pager' }],
    })
    expect(delivery.attempts[0].reason).toMatch(/^Notifier "clumsy": render\.pager /)
    expect(delivery.attempts[0].reason).not.toContain('zoe')
    expect(pager.calls.length).toBe(before)
  },
)
