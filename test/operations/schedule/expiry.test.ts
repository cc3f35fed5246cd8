import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { dieInMidCall, LEASE_MS } from '../../support/dead-worker.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../../support/deliveries.ts'
import { inboxOf } from '../../support/inbox.ts'
import { dueAt } from '../../support/operator.ts'
import { setPolicy } from '../../support/settings.ts'
import { countRows, refusalOf, triggerInput, trigger as triggerOn, tryTrigger } from '../../support/trigger.ts'
import {
  answers,
  CALL,
  callsTo,
  carillon,
  clock,
  close,
  configOf,
  eventOf,
  HOUR,
  inHand,
  inMs,
  MINUTE,
  open,
  someone,
  trigger,
  untilNoon,
} from './service.ts'

beforeAll(open)
afterAll(close)
afterEach(untilNoon)

test.each([
  ['in the past', {}, -1],
  ['now', {}, 0],
  ['before sendAt', { sendAt: HOUR }, HOUR - 1],
  ['at sendAt', { sendAt: HOUR }, HOUR],
])('an expiry that is %s is refused, and nothing is written', async (_, { sendAt }: { sendAt?: number }, ms) => {
  const before = await countRows(carillon)
  const input = { ...CALL, expiresAt: inMs(ms), ...(sendAt && { sendAt: inMs(sendAt) }) }
  expect(refusalOf(await tryTrigger(carillon, input))).toEqual({ code: 'BAD_USER_INPUT', path: 'input.expiresAt' })
  expect(await countRows(carillon)).toEqual(before)
  const mutation =
    'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { trigger { deduplicated } error { code } } } }'
  const triggers = [triggerInput(input), triggerInput({ ...CALL, expiresAt: inMs(2 * HOUR) })]
  const { triggerBatch } = await carillon.ok(carillon.backendKey, mutation, { input: { triggers } })
  expect(triggerBatch.results).toEqual([
    { trigger: null, error: { code: 'BAD_USER_INPUT' } },
    { trigger: { deduplicated: false }, error: null },
  ])
})

test('a repeat that comes when all has expired is still answered with the first', async () => {
  const input = triggerInput({ ...CALL, expiresAt: inMs(HOUR), sendAt: inMs(MINUTE) })
  const first = await triggerOn(carillon, input)
  clock.advance(2 * HOUR)
  const again = await triggerOn(carillon, input)
  expect([again.deduplicated, again.event.id]).toEqual([true, first.event.id])
  await carillon.drainJobs()
  expect(await triggerOn(carillon, input)).toMatchObject({ deduplicated: true, event: { status: 'PLANNED' } })
})

test('the same key with another schedule or other topics is a conflict, and topics in another order are the same', async () => {
  const input = triggerInput({ ...CALL, sendAt: inMs(HOUR), expiresAt: inMs(2 * HOUR), topics: ['a', 'b'] })
  const { event } = await triggerOn(carillon, input)
  const changes = [
    { sendAt: inMs(HOUR + 1) },
    { sendAt: null },
    { expiresAt: inMs(2 * HOUR + 1) },
    { expiresAt: null },
    { topics: ['a'] },
    { topics: ['a', 'c'] },
    { topics: null },
  ]
  for (const change of changes) {
    const { errors } = await tryTrigger(carillon, { ...input, ...change })
    expect(errors.map(({ extensions }) => extensions)).toEqual([{ code: 'IDEMPOTENCY_CONFLICT', eventId: event.id }])
  }
  const same = { ...input, topics: ['b', ' a', 'b'], sendAt: String(input['sendAt']).replace('Z', '+00:00') }
  expect(await triggerOn(carillon, same)).toMatchObject({ deduplicated: true, event: { id: event.id } })
})

test.each([
  ['to be sent', async () => {}],
  [
    'for the morning',
    async (id: string) => {
      await setPolicy(carillon, id, { quietHours: [{ start: '11:00', end: '18:00' }] })
    },
  ],
  [
    'for another try',
    async (id: string) => {
      answers.set(id, { outcome: 'temporary', retryAfterMs: 3 * HOUR })
    },
  ],
])('what waits %s when its event expires is cancelled at that instant, and never sent', async (what, prepare) => {
  const id = someone()
  await prepare(id)
  const expiresAt = inMs(HOUR)
  const event = await trigger({ recipients: [{ id }], expiresAt })
  if (what !== 'to be sent') await carillon.drainJobs()
  const before = callsTo(id)
  const waiting = await deliveryOf(carillon, { eventId: event.id })
  if (what !== 'to be sent') {
    expect(await dueAt(carillon, waiting.id)).toBe(expiresAt)
    clock.advance(HOUR - 1)
    expect(await carillon.drainJobs()).toBe(0)
  }
  clock.set(expiresAt)
  answers.clear()
  expect(await carillon.drainJobs()).toBe(1)
  const expired = await deliveryOf(carillon, { eventId: event.id })
  expect(expired).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'expired',
    waitingFor: null,
    nextAttemptAt: null,
  })
  expect(expired.explanation.timeline.at(-1)).toMatchObject({
    event: 'expired',
    at: expiresAt,
    detail: { reason: 'expired', checkpoint: 'perform' },
  })
  expect(storyOf(expired)).not.toContain('cancelled')
  clock.advance(12 * HOUR)
  await carillon.drainJobs()
  expect(callsTo(id)).toBe(before)
})

test('a moment before it expires it is still sent', async () => {
  const id = someone()
  const event = await trigger({ recipients: [{ id }], expiresAt: inMs(HOUR) })
  clock.advance(HOUR - 1)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId: event.id })).toEqual(['pager SUCCEEDED'])
})

test('what was planned too late expires at once, for the inbox as well', async () => {
  const id = someone()
  const event = await trigger({
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada' },
    recipients: [{ id, email: 'late@example.test' }],
    sendAt: inMs(MINUTE),
    expiresAt: inMs(HOUR),
  })
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(await eventOf(event.id)).toMatchObject({ status: 'PLANNED', plannedRecipientCount: 1, deliveries: 2 })
  expect((await standsOf(carillon, { eventId: event.id })).sort()).toEqual(['email expired', 'in_app expired'])
  expect((await (await inboxOf(carillon, id)).stand()).counts).toEqual({ total: 0, unread: 0, unseen: 0 })
  expect(callsTo(id)).toBe(0)
  const [delivery] = await deliveriesOf(carillon, { eventId: event.id })
  expect(delivery.explanation.decisions[0]).toMatchObject({ rule: 'expiry', verdict: 'CANCEL', reason: 'expired' })
})

test('what a provider has in hand when its event expires is left to it, and not tried again', async () => {
  const [taken, refused] = [someone(), someone()]
  const hands = [inHand(taken), inHand(refused)]
  const event = await trigger({ recipients: [{ id: taken }, { id: refused }], expiresAt: inMs(10_000) })
  const draining = carillon.drainJobs()
  await Promise.all(hands.map(({ called }) => called))
  clock.advance(10_000)
  hands[0]?.answer({ outcome: 'accepted' })
  hands[1]?.answer({ outcome: 'temporary' })
  await draining
  clock.advance(MINUTE)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId: event.id, recipientId: taken })).toEqual(['pager SUCCEEDED'])
  expect(await standsOf(carillon, { eventId: event.id, recipientId: refused })).toEqual(['pager expired'])
  expect(callsTo(refused)).toBe(1)
})

test('a call whose worker died is not repeated once its event has expired', async () => {
  const id = someone()
  const event = await trigger({ recipients: [{ id }], expiresAt: inMs(LEASE_MS) })
  expect(await dieInMidCall(carillon, configOf(1), 'pager')).toBe(1)
  clock.advance(LEASE_MS)
  await carillon.drainJobs()
  const expired = await deliveryOf(carillon, { eventId: event.id })
  expect(expired).toMatchObject({ suppressionReason: 'expired', attempts: [{ outcome: 'UNKNOWN' }] })
  expect(callsTo(id)).toBe(0)
})
