import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OutgoingMessage } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { deliveriesOf, deliveryOf, storyOf } from '../support/deliveries.ts'
import { mention, page, teamNews } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const CANCEL = `mutation ($input: CancelEventInput!) {
  cancelEvent(input: $input) { cancelledCount tooLateCount event { id status } }
}`

const mail = scripted('mail', { retry: { firstDelay: '6h', maxDelay: '6h' } })
const pager = scripted('pager', { retry: { firstDelay: '6h', maxDelay: '6h' } })
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention, page, teamNews], adapters: { email: mail, pager } })
})
afterAll(() => carillon.close())

const cancel = async (eventId: string, reason?: string) =>
  (await carillon.ok(carillon.backendKey, CANCEL, { input: { eventId, reason } })).cancelEvent

const recipients = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ id: `r${index}`, email: `r${index}@example.test` }))

test('what has not been handed over is cancelled and never sent, and what is in an inbox stays', async () => {
  const before = mail.calls.length
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada' },
    recipients: [...recipients(3), { id: 'without address' }],
  })
  const answer = await cancel(event.id, 'posted by mistake')
  expect(answer).toEqual({ cancelledCount: 3, tooLateCount: 4, event: { id: event.id, status: 'CANCELLED' } })
  expect(await carillon.drainJobs()).toBe(0)
  expect(mail.calls.length).toBe(before)

  const statuses = (await deliveriesOf(carillon, { eventId: event.id })).map(
    ({ channel, status }) => `${channel} ${status}`,
  )
  expect(statuses.sort()).toEqual([
    ...Array.from({ length: 3 }, () => 'email CANCELLED'),
    'email SUPPRESSED',
    ...Array.from({ length: 4 }, () => 'in_app SUCCEEDED'),
  ])
  const { inbox } = await carillon.ok(await carillon.tokenFor('r0'), '{ inbox { counts { total } } }')
  expect(inbox.counts.total).toBe(1)

  const cancelled = await deliveryOf(carillon, { eventId: event.id, recipientId: 'r0', channel: 'email' })
  expect(cancelled).toMatchObject({ suppressionReason: 'event_cancelled', waitingFor: null, attempts: [] })
  expect(storyOf(cancelled).at(-1)).toBe('event_cancelled')
  expect(cancelled.explanation.timeline.at(-1).detail).toMatchObject({ words: 'posted by mistake' })
})

test('cancelled again it is the same event, and nothing more', async () => {
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients: recipients(2) })
  expect((await cancel(event.id)).cancelledCount).toBe(2)
  const again = await cancel(event.id)
  expect(again).toEqual({ cancelledCount: 0, tooLateCount: 0, event: { id: event.id, status: 'CANCELLED' } })
  const [{ explanation }] = await deliveriesOf(carillon, { eventId: event.id })
  expect(explanation.timeline.filter(({ event }: { event: string }) => event === 'event_cancelled')).toHaveLength(1)
})

test('what failed for now is cancelled, and not tried again', async () => {
  pager.next({ outcome: 'temporary' })
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  expect((await deliveryOf(carillon, { eventId: event.id })).status).toBe('FAILED')
  expect(await cancel(event.id)).toMatchObject({ cancelledCount: 1, tooLateCount: 0 })
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'CANCELLED', nextAttemptAt: null, suppressionReason: 'event_cancelled' })
  const { rows } = await carillon.sql.query('select count(*)::int from due')
  expect(rows[0].count).toBe(0)
})

test('what a provider has in hand is too late, and its answer counts', async () => {
  let answer: (result: unknown) => void = () => {}
  const inHand = new Promise<void>((called) => {
    pager.next(() => {
      called()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
  })
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  const draining = carillon.drainJobs()
  await inHand
  expect(await cancel(event.id)).toMatchObject({ cancelledCount: 0, tooLateCount: 1, event: { status: 'CANCELLED' } })
  answer({ outcome: 'accepted' })
  await draining
  expect((await deliveryOf(carillon, { eventId: event.id })).status).toBe('SUCCEEDED')
})

test('in a race with the sending, every delivery is either sent or cancelled, and counted as that', async () => {
  const neighbour = await startCarillon(
    { notifiers: [mention, page, teamNews], adapters: { email: mail, pager } },
    { databaseUrl: carillon.databaseUrl },
  )
  try {
    for (let round = 0; round < 10; round++) {
      const { event } = await trigger(carillon, {
        notificationKey: 'pager.call',
        payload: {},
        recipients: recipients(30),
      })
      const [, , { cancelledCount, tooLateCount }] = await Promise.all([
        carillon.drainJobs(),
        neighbour.drainJobs(),
        cancel(event.id),
      ])
      const deliveries = await deliveriesOf(carillon, { eventId: event.id })
      const cancelled = deliveries.filter(({ status }) => status === 'CANCELLED')
      const sent = deliveries.filter(({ status }) => status === 'SUCCEEDED')
      expect([cancelled.length, sent.length]).toEqual([cancelledCount, tooLateCount])
      expect(cancelledCount + tooLateCount).toBe(30)
      const called = new Set(pager.calls.map(({ deliveryId }: OutgoingMessage) => deliveryId))
      expect(cancelled.filter(({ id }) => called.has(id))).toEqual([])
      expect(sent.filter(({ id }) => !called.has(id))).toEqual([])
    }
  } finally {
    await neighbour.close()
  }
})

test('an audience that is still being planned is planned no further', async () => {
  const members = Array.from({ length: 1_500 }, (_, index) => `m${index}`)
  const { event } = await trigger(carillon, { notificationKey: 'team.news', payload: { members }, recipients: null })
  expect(await cancel(event.id)).toMatchObject({ cancelledCount: 0, event: { status: 'CANCELLED' } })
  expect(await carillon.drainJobs()).toBe(0)
  const { rows } = await carillon.sql.query(
    `select (select count(*)::int from notification where notification_key = 'team.news') as notifications,
      (select count(*)::int from event_recipient) as waiting`,
  )
  expect(rows).toEqual([{ notifications: 0, waiting: 0 }])
})

test('an event that does not exist, is of another kind or of another tenant is not found', async () => {
  const other = await carillon.addTenant('other')
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  const refusals = await Promise.all([
    carillon.ask(other.backendKey, CANCEL, { input: { eventId: event.id } }),
    carillon.ask(carillon.backendKey, CANCEL, { input: { eventId: delivery.id } }),
    carillon.ask(carillon.backendKey, CANCEL, { input: { eventId: 'nonsense' } }),
  ])
  for (const answer of refusals) expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.eventId' })
  expect((await deliveryOf(carillon, { eventId: event.id })).status).toBe('PENDING')
})
