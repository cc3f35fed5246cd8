import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { buildRoutes } from '../../server/adapters/routing.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import {
  type Adapter,
  type CarillonConfig,
  type DeliverResult,
  defineConfig,
  defineNotifier,
} from '../../server/index.ts'
import { beginClaims } from '../../server/operations/dispatch/begin.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { mention, page, teamNews } from '../support/notifiers.ts'
import { dueAt, operate } from '../support/operator.ts'
import { NIGHT, setPolicy, subscribe, switchOff } from '../support/settings.ts'
import { countRows, refusalOf, triggerInput, trigger as triggerOn, tryTrigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const LEASE_MS = 30_000

/** What the providers do with a message to somebody; they accept it where nothing is said here. */
const answers = new Map<string, object | (() => Promise<unknown>)>()
const calls: string[] = []
const provider = (name: string): Adapter => ({
  name,
  retry: { firstDelay: '1m', maxDelay: '1m' },
  async deliver({ recipient: { id } }) {
    calls.push(id)
    const answer = answers.get(id) ?? { outcome: 'accepted' }
    return (await (typeof answer === 'function' ? answer() : answer)) as DeliverResult
  },
})

const bulletin = (version: number) =>
  defineNotifier({
    key: 'bulletin',
    version,
    payload: z.object({}),
    channels: version === 1 ? ['in_app'] : ['in_app', 'pager'],
    render: {
      in_app: ({ recipient }) => ({ title: `v${version} for ${recipient.displayName}` }),
      pager: () => ({}),
    },
  })
const configOf = (version: number): CarillonConfig =>
  defineConfig({
    notifiers: [mention, page, teamNews, bulletin(version)],
    adapters: { email: provider('mail'), pager: provider('pager') },
  })

const clock = new TestClock('2026-03-01T12:00:00.000Z')
let carillon: TestCarillon
/** A server on the same database with newer code. */
let newer: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(configOf(1), { clock })
  newer = await startCarillon(configOf(2), { clock, databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await newer.close()
  await carillon.close()
})
// It is noon whenever a test begins, and what one leaves to be sent is no other's.
afterEach(async () => {
  answers.clear()
  const tomorrow = new Date(clock.now().getTime() + 24 * HOUR).toISOString().slice(0, 10)
  clock.set(`${tomorrow}T12:00:00.000Z`)
  await carillon.drainJobs()
})

const inMs = (ms: number): string => new Date(clock.now().getTime() + ms).toISOString()
const CALL = { notificationKey: 'pager.call', payload: {} }
const trigger = async (input: object): Promise<{ id: string; status: string; recipientCount: number }> =>
  (await triggerOn(carillon, { ...CALL, ...input })).event
const someone = (): string => randomUUID()
const callsTo = (id: string): number => calls.filter((to) => to === id).length

const eventOf = async (id: string) => {
  const query = `query ($id: ID!) { event(id: $id) { status sendAt expiresAt recipientCount plannedRecipientCount failedRecipientCount
    notifications { edges { node { recipientId } } } deliveries { edges { node { channel } } } } }`
  const { notifications, deliveries, ...event } = (await carillon.ok(carillon.backendKey, query, { id })).event
  return { ...event, notifications: notifications.edges.length, deliveries: deliveries.edges.length }
}
const cancel = async (eventId: string) =>
  (
    await carillon.ok(
      carillon.backendKey,
      'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount tooLateCount event { status } } }',
      { id: eventId },
    )
  ).cancelEvent
const leftOf = async () => {
  const { rows } = await carillon.sql.query(
    'select (select count(*)::int from due) as due, (select count(*)::int from event_recipient) as audience',
  )
  return rows[0]
}
const NOTHING_LEFT = { due: 0, audience: 0 }

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

/** An answer that a provider gives when the test says so. */
const inHand = (id: string) => {
  let answer: (result: unknown) => void = () => {}
  const called = new Promise<void>((resolve) => {
    answers.set(id, () => {
      resolve()
      return new Promise((given) => {
        answer = given
      })
    })
  })
  return { called, answer: (result: unknown) => answer(result) }
}

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
  const { app } = carillon
  const { rows } = await app.db.system.query<Claim>(
    claimDue(new Map([['pager', 1]]), { now: clock.now(), leaseMs: LEASE_MS }),
  )
  await beginClaims({ ...app, routes: buildRoutes(configOf(1)), leaseMs: LEASE_MS }, rows)
  clock.advance(LEASE_MS)
  await carillon.drainJobs()
  const expired = await deliveryOf(carillon, { eventId: event.id })
  expect(expired).toMatchObject({ suppressionReason: 'expired', attempts: [{ outcome: 'UNKNOWN' }] })
  expect(callsTo(id)).toBe(0)
})

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
