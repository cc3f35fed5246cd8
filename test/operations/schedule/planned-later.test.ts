import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startCarillon } from '../../support/carillon.ts'
import { deliveriesOf, standsOf } from '../../support/deliveries.ts'
import { inboxOf } from '../../support/inbox.ts'
import { page } from '../../support/notifiers.ts'
import { subscribe, switchOff } from '../../support/settings.ts'
import {
  callsTo,
  carillon,
  clock,
  close,
  eventOf,
  HOUR,
  inMs,
  MINUTE,
  newer,
  open,
  provider,
  someone,
  trigger,
  untilNoon,
} from './service.ts'

beforeAll(open)
afterAll(close)
afterEach(untilNoon)

test('a trigger for later is kept, and nothing of it is planned before its instant', async () => {
  const [ada, bob] = [someone(), someone()]
  const sendAt = inMs(HOUR)
  const event = await trigger({ sendAt, recipients: [{ id: ada }, { id: bob }] })
  expect(event).toMatchObject({ status: 'SCHEDULED', recipientCount: 2, plannedRecipientCount: 0 })
  clock.advance(HOUR - 1)
  expect(await carillon.drainJobs()).toBe(0)
  expect(await eventOf(event.id)).toEqual({
    status: 'SCHEDULED',
    sendAt,
    expiresAt: null,
    recipientCount: 2,
    plannedRecipientCount: 0,
    failedRecipientCount: 0,
    notifications: 0,
    deliveries: 0,
  })
  clock.advance(1)
  await carillon.drainJobs()
  expect(await eventOf(event.id)).toMatchObject({
    status: 'PLANNED',
    plannedRecipientCount: 2,
    notifications: 2,
    deliveries: 2,
  })
  expect([callsTo(ada), callsTo(bob)]).toEqual([1, 1])
  const [delivery] = await deliveriesOf(carillon, { eventId: event.id })
  expect(delivery.explanation.timeline.slice(0, 3)).toMatchObject([
    { event: 'event_created', at: new Date(clock.now().getTime() - HOUR).toISOString() },
    { event: 'notification_created', at: sendAt },
    { event: 'delivery_planned', at: sendAt },
  ])
})

test('it is planned then with the code, the topics, the preferences and the details of then', async () => {
  const [stays, leaves, comes] = ['stays', 'leaves', 'comes']
  await subscribe(carillon, 'bulletins', [stays, leaves])
  const sendAt = inMs(HOUR)
  const event = await trigger({
    notificationKey: 'bulletin',
    sendAt,
    recipients: [{ id: 'named', displayName: 'Early' }],
    topics: ['bulletins'],
  })
  // Its topics are not read yet.
  expect(event).toMatchObject({ status: 'SCHEDULED', recipientCount: 1 })
  await subscribe(carillon, 'bulletins', [comes])
  await carillon.ok(
    carillon.backendKey,
    'mutation { unsubscribeFromTopic(input: { topicKey: "bulletins", recipientIds: ["leaves"] }) { __typename } }',
  )
  await switchOff(carillon, stays, { channel: 'pager' })
  await carillon.ok(
    carillon.backendKey,
    'mutation { upsertRecipients(input: { recipients: [{ id: "named", displayName: "Late" }] }) { __typename } }',
  )
  clock.set(sendAt)
  await newer.drainJobs()
  expect(await eventOf(event.id)).toMatchObject({ status: 'PLANNED', recipientCount: 3, plannedRecipientCount: 3 })
  const stand = async (recipientId: string) => (await standsOf(carillon, { eventId: event.id, recipientId })).sort()
  expect(await stand(stays)).toEqual(['in_app SUCCEEDED', 'pager channel_disabled'])
  expect(await stand(comes)).toEqual(['in_app SUCCEEDED', 'pager SUCCEEDED'])
  expect(await stand(leaves)).toEqual([])
  expect((await (await inboxOf(carillon, 'named')).items()).map(({ title }) => title)).toEqual(['v2 for Late'])
})

test('one whose notifier is gone by then is tried for a while, then given up, and others go on', async () => {
  const without = await startCarillon(
    { notifiers: [page], adapters: { pager: provider('pager') } },
    { clock, databaseUrl: carillon.databaseUrl },
  )
  try {
    const [gone, beside] = [someone(), someone()]
    const sendAt = inMs(MINUTE)
    const event = await trigger({ notificationKey: 'bulletin', recipients: [{ id: gone }], sendAt })
    await trigger({ recipients: [{ id: beside }], sendAt })
    clock.set(sendAt)
    await without.drainJobs()
    expect(callsTo(beside)).toBe(1)
    expect((await eventOf(event.id)).status).toBe('PLANNING')
    for (let tries = 2; tries <= 8; tries++) {
      clock.advance(15 * MINUTE)
      await without.drainJobs()
    }
    const { status, plannedRecipientCount, failedRecipientCount } = await eventOf(event.id)
    expect([status, plannedRecipientCount, failedRecipientCount]).toEqual(['PLANNED', 1, 1])
  } finally {
    await without.close()
  }
})

test("the notifier's own recipients are asked for at the trigger", async () => {
  const member = someone()
  const event = await trigger({
    notificationKey: 'team.news',
    payload: { members: [member] },
    recipients: null,
    sendAt: inMs(HOUR),
  })
  expect(event).toMatchObject({ status: 'SCHEDULED', recipientCount: 1 })
})

test('a large audience of later is planned then, all of it', async () => {
  const ids = Array.from({ length: 1_200 }, (_, index) => `later-${index}`)
  await subscribe(carillon, 'later', ids.slice(0, 1_000))
  await subscribe(carillon, 'later', ids.slice(1_000))
  const sendAt = inMs(HOUR)
  const event = await trigger({ notificationKey: 'bulletin', recipients: null, topics: ['later'], sendAt })
  clock.set(sendAt)
  await carillon.drainJobs()
  expect(await eventOf(event.id)).toMatchObject({
    status: 'PLANNED',
    recipientCount: 1_200,
    plannedRecipientCount: 1_200,
  })
})

test('an audience of nobody is planned at its instant as well', async () => {
  const sendAt = inMs(HOUR)
  const event = await trigger({ recipients: null, topics: ['never heard of'], sendAt })
  clock.set(sendAt)
  await carillon.drainJobs()
  expect(await eventOf(event.id)).toMatchObject({ status: 'PLANNED', recipientCount: 0 })
})

test.each([
  ['in the past', -HOUR],
  ['now', 0],
])('an instant that is %s is no reason to wait', async (_, ms) => {
  const id = someone()
  const event = await trigger({ sendAt: inMs(ms), recipients: [{ id }] })
  expect(event).toMatchObject({ status: 'PLANNED', plannedRecipientCount: 1 })
  await carillon.drainJobs()
  expect(callsTo(id)).toBe(1)
})

test('many that are due at one instant are each planned and sent once, on however many servers', async () => {
  const ids = Array.from({ length: 20 }, someone)
  const sendAt = inMs(HOUR)
  const events = await Promise.all(ids.map((id) => trigger({ sendAt, recipients: [{ id }] })))
  clock.set(sendAt)
  await Promise.all([carillon, newer, carillon, newer].map(({ drainJobs }) => drainJobs()))
  expect(ids.map(callsTo)).toEqual(ids.map(() => 1))
  const statuses = await Promise.all(events.map(async ({ id }) => (await eventOf(id)).status))
  expect(new Set(statuses)).toEqual(new Set(['PLANNED']))
})
