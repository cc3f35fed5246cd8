import { afterEach, beforeEach, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { buckets, comment, comments, flush, HOURLY } from '../../support/digests.ts'
import { scripted } from '../../support/scripted-adapter.ts'

let clock: TestClock
let email: ReturnType<typeof scripted>
let carillon: TestCarillon
beforeEach(async () => {
  clock = new TestClock()
  email = scripted('email')
  carillon = await startCarillon({ notifiers: [comment], adapters: { email }, digestRules: [HOURLY] }, { clock })
})
afterEach(() => carillon.close())

test('what a rule holds goes out as one when its window is over, and each side names the other', async () => {
  const [first] = await comments(carillon, ['one', 'two', 'three'])
  expect(email.calls).toEqual([])
  const held = await deliveryOf(carillon, { eventId: first, recipientId: 'ada', channel: 'email' })
  expect(held).toMatchObject({ status: 'PENDING', orchestrationState: 'DIGEST_HELD', waitingFor: 'digest' })
  expect(held.explanation.summary).toMatch(
    /^Held for a digest by the rule comments-hourly:v1, which closes at 13:00 UTC\.$/,
  )
  expect(await carillon.drainJobs()).toBe(0)

  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
  expect(email.calls.map(({ content }) => content)).toEqual([
    { subject: '3 comments', html: '', text: 'one\ntwo\nthree' },
  ])
  const [bucket] = await buckets(carillon)
  expect(bucket).toMatchObject({
    state: 'EMITTED',
    memberCount: 3,
    groupingValue: 'plans',
    windowStartsAt: '2026-01-15T12:00:00.000Z',
    windowEndsAt: '2026-01-15T13:00:00.000Z',
    digestDelivery: { status: 'SUCCEEDED', notification: { event: { idempotencyKey: `digest-bucket:${bucket.id}` } } },
  })
  const sent = await deliveryOf(carillon, { eventId: first, recipientId: 'ada', channel: 'email' })
  expect(sent).toMatchObject({ status: 'DIGESTED' })
  expect(sent.explanation.summary).toBe(
    'Sent as part of a digest by the rule comments-hourly:v1, which closed at 2026-01-15 13:00:00 UTC.',
  )
  expect(storyOf(sent)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'digest_held',
    'digested',
  ])
})

test('a bucket is flushed once, however often it is asked for', async () => {
  await comments(carillon, ['one'])
  const [bucket] = await buckets(carillon)
  await Promise.all([flush(carillon, bucket.id), flush(carillon, bucket.id), flush(carillon, bucket.id)])
  await carillon.drainJobs()
  expect(email.calls).toHaveLength(1)
})
