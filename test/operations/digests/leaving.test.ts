import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { bucketOf, comment, comments, HOURLY, somebody } from '../../support/digests.ts'
import { operate, tryOperate } from '../../support/operator.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { refusalOf } from '../../support/trigger.ts'

const clock = new TestClock()
const email = scripted('email', takesEvents)
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [comment], adapters: { email }, digestRules: [HOURLY] }, { clock })
})
afterAll(() => carillon.close())
beforeEach(() => clock.set('2026-01-15T12:00:00.000Z'))

const mailOf = (eventId: string | undefined) => deliveryOf(carillon, { eventId, channel: 'email' })
const textsTo = (id: string): unknown[] =>
  email.calls.filter(({ recipient }) => recipient.id === id).map(({ content }) => (content as { text: string }).text)

/** What a delivery's explanation says of digests. */
const digestOf = async (deliveryId: string) => {
  const query = `query ($id: ID!) { explainDelivery(deliveryId: $id) { digest {
    outcome ruleIdentity digestDeliveryId resolutionReason memberCount members { deliveryId resolution reason } } } }`
  return (await carillon.ok(carillon.operatorKey, query, { id: deliveryId })).explainDelivery.digest
}

const cancel = async (eventId: string | undefined) => {
  const query = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount tooLateCount } }'
  return (await carillon.ok(carillon.backendKey, query, { id: eventId })).cancelEvent
}

const memberIdsOf = ({ members }: GraphQLAnswer['data']): string[] =>
  members.edges.map(({ node }: GraphQLAnswer['data']) => node.deliveryId)

/** Closes everybody's windows, and answers what somebody's digest said. */
const closeWindows = async (id: string): Promise<unknown[]> => {
  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
  return textsTo(id)
}

test('what is held of an event leaves with it, and the digest goes out without it', async () => {
  const ada = somebody()
  const [first, second] = await comments(carillon, ['one', 'two'], { recipientId: ada })
  expect(await cancel(first)).toEqual({ cancelledCount: 1, tooLateCount: 1 })
  const bucket = await bucketOf(carillon, ada)
  expect(bucket.memberCount).toBe(1)
  expect(memberIdsOf(bucket)).toEqual([(await mailOf(second)).id])
  expect(await cancel(first)).toEqual({ cancelledCount: 0, tooLateCount: 1 })
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
  expect(await closeWindows(ada)).toEqual(['two'])
  const left = await mailOf(first)
  expect([left.status, left.suppressionReason]).toEqual(['CANCELLED', 'event_cancelled'])
  expect(await digestOf(left.id)).toMatchObject({
    outcome: 'skipped',
    resolutionReason: 'event_cancelled',
    digestDeliveryId: null,
  })
  // The digest had been sent for the other: it is too late for that one.
  expect(await cancel(second)).toEqual({ cancelledCount: 0, tooLateCount: 2 })
})

test('where all of it has left, the bucket is closed empty, and nothing is sent', async () => {
  const ada = somebody()
  const [only] = await comments(carillon, ['one'], { recipientId: ada })
  await cancel(only)
  expect(await closeWindows(ada)).toEqual([])
  expect(await bucketOf(carillon, ada)).toMatchObject({ state: 'EMPTY', memberCount: 0, digestDelivery: null })
})

test('an operator cancels one that is held, and its place is free', async () => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one', 'two'], { recipientId: ada })
  const { id } = await mailOf(first)
  expect(await operate(carillon, 'cancel', id)).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'cancelled_by_operator',
  })
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
  expect(await closeWindows(ada)).toEqual(['two'])
})

test('an operator lets one go on by itself: it is sent at once, and not once more with the digest', async () => {
  const ada = somebody()
  const [first, second] = await comments(carillon, ['one', 'two'], { recipientId: ada })
  const { id } = await mailOf(first)
  expect(await operate(carillon, 'resume', id)).toMatchObject({ status: 'PENDING', orchestrationState: 'READY' })
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['one'])
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
  expect(await closeWindows(ada)).toEqual(['one', 'two'])
  expect(await digestOf(id)).toMatchObject({
    outcome: 'emitted_immediately',
    resolutionReason: 'operator',
    digestDeliveryId: null,
  })
  const { digestDelivery } = await bucketOf(carillon, ada)
  expect(await digestOf(digestDelivery.id)).toMatchObject({
    outcome: 'emitted_digest',
    memberCount: 2,
    members: [
      { deliveryId: id, resolution: 'emitted_immediately', reason: 'operator' },
      { deliveryId: (await mailOf(second)).id, resolution: 'included', reason: null },
    ],
  })
})

test('one that was cancelled while it was held, and is tried again, goes out by itself', async () => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one'], { recipientId: ada })
  const { id } = await mailOf(first)
  await operate(carillon, 'cancel', id)
  expect(await operate(carillon, 'retry', id)).toMatchObject({ status: 'PENDING', orchestrationState: 'READY' })
  expect(await closeWindows(ada)).toEqual(['one'])
  expect(await bucketOf(carillon, ada)).toMatchObject({ state: 'EMPTY' })
})

test('what expires while it is held is cancelled at that instant, and leaves', async () => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one'], { recipientId: ada, expiresAt: '2026-01-15T12:30:00.000Z' })
  await comments(carillon, ['two'], { recipientId: ada })
  clock.set('2026-01-15T12:30:00.000Z')
  await carillon.drainJobs()
  const expired = await mailOf(first)
  expect([expired.status, expired.suppressionReason]).toEqual(['CANCELLED', 'expired'])
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
  expect(await closeWindows(ada)).toEqual(['two'])
  expect(await digestOf(expired.id)).toMatchObject({ outcome: 'skipped', resolutionReason: 'expired' })
})

test('one whose provider says that it bounced is cancelled, and leaves', async () => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one', 'two'], { recipientId: ada })
  const { id } = await mailOf(first)
  expect(await report(carillon, 'email', [{ deliveryId: id, status: 'bounced', providerEventId: id }])).toBe(204)
  await carillon.drainJobs()
  const reported = await mailOf(first)
  expect([reported.status, reported.suppressionReason]).toEqual(['CANCELLED', 'bounced'])
  expect(await digestOf(id)).toMatchObject({ outcome: 'skipped', resolutionReason: 'bounced' })
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
})

test.each(['delivered', 'failed', 'complained'])('a report that it was %s leaves it where it is', async (status) => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one'], { recipientId: ada })
  const { id } = await mailOf(first)
  await report(carillon, 'email', [{ deliveryId: id, status, providerEventId: id }])
  await carillon.drainJobs()
  expect(await mailOf(first)).toMatchObject({ status: 'PENDING', orchestrationState: 'DIGEST_HELD' })
  expect((await bucketOf(carillon, ada)).memberCount).toBe(1)
})

test('what has gone into a digest can be neither cancelled, resumed nor tried again', async () => {
  const ada = somebody()
  const [first] = await comments(carillon, ['one'], { recipientId: ada })
  await closeWindows(ada)
  const { id, status } = await mailOf(first)
  expect(status).toBe('DIGESTED')
  for (const action of ['cancel', 'resume', 'retry'] as const) {
    expect(refusalOf(await tryOperate(carillon, action, id)).code).toBe('INVALID_STATE')
  }
  await report(carillon, 'email', [{ deliveryId: id, status: 'bounced', providerEventId: `late-${id}` }])
  await carillon.drainJobs()
  expect((await mailOf(first)).status).toBe('DIGESTED')
})

test('whoever leaves makes room: a bucket that takes three is full when three are held', async () => {
  const rule = { ...HOURLY, key: 'threes', maxItems: 3 }
  const own = await startCarillon({ notifiers: [comment], adapters: { email }, digestRules: [rule] }, { clock })
  const ada = somebody()
  const [first] = await comments(own, ['one', 'two'], { recipientId: ada })
  const { id } = await deliveryOf(own, { eventId: first, channel: 'email' })
  await operate(own, 'cancel', id)
  await comments(own, ['three'], { recipientId: ada })
  await own.drainJobs()
  expect(await bucketOf(own, ada)).toMatchObject({ state: 'OPEN', memberCount: 2 })
  await comments(own, ['four'], { recipientId: ada })
  await own.drainJobs()
  expect(textsTo(ada)).toEqual(['two\nthree\nfour'])
  await own.close()
})
