import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { deliveriesOf, deliveryOf, standsOf } from '../../support/deliveries.ts'
import { operate } from '../../support/operator.ts'
import { NIGHT, setPolicy, subscribe, switchOff } from '../../support/settings.ts'
import { until } from '../../support/until.ts'
import {
  answers,
  callsTo,
  cancel,
  carillon,
  clock,
  close,
  eventOf,
  HOUR,
  inHand,
  inMs,
  leftOf,
  MINUTE,
  NOTHING_LEFT,
  newer,
  open,
  someone,
  trigger,
  untilNoon,
} from './service.ts'

beforeAll(open)
afterAll(close)
afterEach(untilNoon)

test('a scheduled event that is cancelled is never planned', async () => {
  const id = someone()
  await subscribe(carillon, 'cancelled', [id])
  const event = await trigger({ sendAt: inMs(HOUR), recipients: [{ id }], topics: ['cancelled'] })
  const stopped = { cancelledCount: 0, tooLateCount: 0, event: { status: 'CANCELLED' } }
  expect(await cancel(event.id)).toEqual(stopped)
  expect(await cancel(event.id)).toEqual(stopped)
  expect(await leftOf()).toEqual(NOTHING_LEFT)
  clock.advance(HOUR)
  expect(await carillon.drainJobs()).toBe(0)
  expect(await eventOf(event.id)).toMatchObject({ status: 'CANCELLED', notifications: 0, deliveries: 0 })
})

test('cancelling counts exactly what it stops, and what is too late', async () => {
  const who = {
    sent: someone(),
    failed: someone(),
    held: someone(),
    resumed: someone(),
    off: someone(),
    stopped: someone(),
    inHand: someone(),
    refused: someone(),
  }
  for (const id of [who.held, who.resumed, who.stopped]) {
    await setPolicy(carillon, id, { quietHours: [{ start: '11:00', end: '18:00' }] })
  }
  await switchOff(carillon, who.off, { channel: 'email' })
  answers.set(who.failed, { outcome: 'temporary' })
  answers.set(who.refused, { outcome: 'permanent' })
  const hand = inHand(who.inHand)
  const event = await trigger({
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada' },
    recipients: Object.values(who).map((id) => ({ id, email: `${id}@example.test` })),
  })
  const mailTo = (id: string) => deliveryOf(carillon, { eventId: event.id, recipientId: id, channel: 'email' })
  const draining = carillon.drainJobs()
  await hand.called
  await until('the others have been sent, or not', async () => {
    const stands = await standsOf(carillon, { eventId: event.id, channel: 'email' })
    return ['email SUCCEEDED', 'email FAILED', 'email permanent_failure'].every((stand) => stands.includes(stand))
  })
  await operate(carillon, 'resume', (await mailTo(who.resumed)).id)
  await operate(carillon, 'cancel', (await mailTo(who.stopped)).id)
  // Eight in the inbox, one sent and one in hand; held, resumed and failed for now are stopped.
  expect(await cancel(event.id)).toEqual({ cancelledCount: 3, tooLateCount: 10, event: { status: 'CANCELLED' } })
  hand.answer({ outcome: 'temporary' })
  await draining
  clock.advance(12 * HOUR)
  await carillon.drainJobs()
  const reasons = Object.fromEntries(
    await Promise.all(
      Object.entries(who).map(async ([name, id]) => {
        const { status, suppressionReason } = await mailTo(id)
        return [name, suppressionReason ?? status] as const
      }),
    ),
  )
  expect(reasons).toEqual({
    sent: 'SUCCEEDED',
    failed: 'event_cancelled',
    held: 'event_cancelled',
    resumed: 'event_cancelled',
    off: 'channel_disabled',
    stopped: 'cancelled_by_operator',
    // It had been handed over; that it failed then is no reason to send it once more.
    inHand: 'event_cancelled',
    refused: 'permanent_failure',
  })
  expect(Object.values(who).map(callsTo)).toEqual([1, 1, 0, 0, 0, 0, 1, 1])
})

/** Cancels an event while two servers are at it; every delivery must be counted as what became of it. */
const cancelInARace = async (event: { readonly id: string }, ids: readonly string[]) => {
  const [{ cancelledCount, tooLateCount }] = await Promise.all([
    cancel(event.id),
    carillon.drainJobs(),
    newer.drainJobs(),
  ])
  clock.advance(HOUR)
  await carillon.drainJobs()
  const deliveries = await deliveriesOf(carillon, { eventId: event.id })
  const is = (status: string) =>
    deliveries
      .filter((delivery) => delivery.status === status)
      .map(({ notification }) => notification.recipientId)
      .sort()
  expect([is('CANCELLED').length, is('SUCCEEDED').length]).toEqual([cancelledCount, tooLateCount])
  expect(cancelledCount + tooLateCount).toBe(deliveries.length)
  expect(is('SUCCEEDED')).toEqual(ids.filter((id) => callsTo(id) === 1).sort())
  expect(is('CANCELLED').map(callsTo)).toEqual(is('CANCELLED').map(() => 0))
  expect(await leftOf()).toEqual(NOTHING_LEFT)
  return deliveries.length
}

test('cancelling races the workers at the instant of a schedule: it is counted what was sent and what was not', async () => {
  for (let round = 0; round < 6; round++) {
    const ids = Array.from({ length: 25 }, someone)
    const sendAt = inMs(MINUTE)
    const event = await trigger({ sendAt, recipients: ids.map((id) => ({ id })) })
    clock.set(sendAt)
    expect([0, 25]).toContain(await cancelInARace(event, ids))
  }
})

test('cancelling races the workers at the end of quiet hours', async () => {
  const ids = Array.from({ length: 25 }, someone)
  for (const id of ids) await setPolicy(carillon, id, { quietHours: [NIGHT] })
  for (let round = 0; round < 4; round++) {
    clock.set(inMs(24 * HOUR).replace(/T.*/, 'T23:00:00.000Z'))
    const event = await trigger({ recipients: ids.map((id) => ({ id })) })
    clock.set(inMs(24 * HOUR).replace(/T.*/, 'T08:00:00.000Z'))
    const before = new Map(ids.map((id) => [id, callsTo(id)]))
    const [{ cancelledCount, tooLateCount }] = await Promise.all([
      cancel(event.id),
      carillon.drainJobs(),
      newer.drainJobs(),
    ])
    expect(cancelledCount + tooLateCount).toBe(25)
    expect(ids.filter((id) => callsTo(id) > (before.get(id) ?? 0))).toHaveLength(tooLateCount)
    const stands = await standsOf(carillon, { eventId: event.id })
    expect(stands.filter((stand) => stand === 'pager event_cancelled')).toHaveLength(cancelledCount)
  }
})

test('a large audience that is cancelled while its schedule is carried out is planned no further', async () => {
  const ids = Array.from({ length: 1_200 }, (_, index) => `later-${index}`)
  await subscribe(carillon, 'later', ids.slice(0, 1_000))
  await subscribe(carillon, 'later', ids.slice(1_000))
  const sendAt = inMs(HOUR)
  const event = await trigger({ notificationKey: 'bulletin', recipients: null, topics: ['later'], sendAt })
  clock.set(sendAt)
  const [{ tooLateCount }] = await Promise.all([cancel(event.id), carillon.drainJobs()])
  const { status, plannedRecipientCount } = await eventOf(event.id)
  // Bulletins go to the inbox: what was planned has arrived.
  expect([status, plannedRecipientCount]).toEqual(['CANCELLED', tooLateCount])
  expect(await carillon.drainJobs()).toBe(0)
  expect(await leftOf()).toEqual(NOTHING_LEFT)
})
