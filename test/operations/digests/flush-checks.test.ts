import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf } from '../../support/deliveries.ts'
import { bucketOf, buckets, comment, comments, flush, HOURLY, somebody } from '../../support/digests.ts'
import { inboxOf } from '../../support/inbox.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy, switchOff } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'

/* What is asked when a bucket closes: of each member, and then of the digest. */

const UNREAD = { ...HOURLY, key: 'unread-hourly', excludeRead: true }

const clock = new TestClock()
const email = scripted('email', { retry: { attempts: 3, firstDelay: '60s', maxDelay: '60s' } })
let carillon: TestCarillon
let unread: TestCarillon
beforeAll(async () => {
  const config = { notifiers: [comment], adapters: { email } }
  carillon = await startCarillon({ ...config, digestRules: [HOURLY] }, { clock })
  unread = await startCarillon({ ...config, digestRules: [UNREAD] }, { clock })
})
afterAll(async () => {
  await carillon.close()
  await unread.close()
})
beforeEach(() => clock.set('2026-01-15T12:00:00.000Z'))

const textsTo = (id: string): unknown[] =>
  email.calls.filter(({ recipient }) => recipient.id === id).map(({ content }) => (content as { text: string }).text)

const closeWindows = async (on = carillon): Promise<void> => {
  clock.set('2026-01-15T13:00:00.000Z')
  await on.drainJobs()
}

const membersOf = ({ members }: GraphQLAnswer['data']) =>
  members.edges.map(({ node: { resolution, reason } }: GraphQLAnswer['data']) => [resolution, reason])

const standOf = ({ status, suppressionReason }: GraphQLAnswer['data']) => [status, suppressionReason]

/** The delivery of somebody's one digest, with what explains it. */
const digestOf = async (recipientId: string, on = carillon) => {
  const { digestDelivery } = await bucketOf(on, recipientId)
  const all = await deliveriesOf(on, { recipientId, channel: 'email' })
  return all.find(({ id }) => id === digestDelivery.id)
}

test.each([
  ['the notifier', { notificationKey: 'comment.added' }, 'channel_disabled'],
  ['the notifier on e-mail', { notificationKey: 'comment.added', channel: 'email' }, 'channel_disabled'],
  ['the category', { category: 'comments' }, 'category_disabled'],
  ['all e-mail', { channel: 'email' }, 'channel_disabled'],
])('who switches %s off meanwhile gets no digest', async (_, preference, reason) => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one', 'two'], { recipientId: ada })
  await switchOff(carillon, ada, preference)
  await closeWindows()
  expect(textsTo(ada)).toEqual([])
  const bucket = await bucketOf(carillon, ada)
  expect(bucket).toMatchObject({ state: 'EMPTY', memberCount: 2, digestDelivery: null })
  expect(membersOf(bucket)).toEqual([
    ['skipped', reason],
    ['skipped', reason],
  ])
  expect(standOf(await deliveryOf(carillon, { eventId, channel: 'email' }))).toEqual(['SUPPRESSED', reason])
})

test('what expires at the very end of its window is left out, and the digest expires with what it holds', async () => {
  const ada = somebody()
  const ends = '2026-01-15T13:00:00.000Z'
  const [gone] = await comments(carillon, ['gone'], { recipientId: ada, expiresAt: ends })
  await comments(carillon, ['soon'], { recipientId: ada, expiresAt: '2026-01-15T13:00:30.000Z' })
  email.next({ outcome: 'temporary' })
  await closeWindows()
  expect(textsTo(ada)).toEqual(['soon'])
  expect(standOf(await deliveryOf(carillon, { eventId: gone, channel: 'email' }))).toEqual(['CANCELLED', 'expired'])
  // Its next try would be after all that it holds has expired.
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['soon'])
  expect(standOf(await digestOf(ada))).toEqual(['CANCELLED', 'expired'])
})

test('what was read or archived is left out where the rule says so', async () => {
  const ada = somebody()
  const events = await comments(unread, ['read', 'archived', 'seen', 'fresh'], { recipientId: ada })
  const inbox = await inboxOf(unread, ada)
  const idOf = async (title: string) => (await inbox.items()).find((item) => item.title === title)?.id
  await inbox.mark('markSeen', { ids: [await idOf('seen')] })
  await inbox.mark('markRead', { ids: [await idOf('read')] })
  await inbox.mark('archive', { ids: [await idOf('archived')] })
  await closeWindows(unread)
  expect(textsTo(ada)).toEqual(['seen\nfresh'])
  expect(membersOf(await bucketOf(unread, ada))).toEqual([
    ['skipped', 'already_read'],
    ['skipped', 'already_read'],
    ['included', null],
    ['included', null],
  ])
  const left = await deliveryOf(unread, { eventId: events[0], channel: 'email' })
  expect(standOf(left)).toEqual(['SUPPRESSED', 'already_read'])
})

test('what was read is in it where the rule does not leave it out', async () => {
  const ada = somebody()
  await comments(carillon, ['read', 'fresh'], { recipientId: ada })
  const inbox = await inboxOf(carillon, ada)
  await inbox.mark('markRead', { filter: {} })
  await closeWindows()
  expect(textsTo(ada)).toEqual(['read\nfresh'])
})

test('where all was read nothing is sent', async () => {
  const ada = somebody()
  await comments(unread, ['one', 'two'], { recipientId: ada })
  const inbox = await inboxOf(unread, ada)
  await inbox.mark('markRead', { filter: {} })
  await closeWindows(unread)
  expect(textsTo(ada)).toEqual([])
  expect((await bucketOf(unread, ada)).state).toBe('EMPTY')
})

test('a digest is asked for caps as one, which its members do not fill', async () => {
  const ada = somebody()
  await setPolicy(carillon, ada, { caps: [{ limit: 1, windowMinutes: 600, category: 'comments', channel: 'email' }] })
  await comments(carillon, ['one', 'two'], { recipientId: ada, thread: 'plans' })
  await comments(carillon, ['three', 'four'], { recipientId: ada, thread: 'budget' })
  await closeWindows()
  expect(textsTo(ada)).toEqual(['one\ntwo'])
  const [first, second] = await buckets(carillon, { recipientId: ada })
  expect([first.state, second.state]).toEqual(['EMITTED', 'EMITTED'])
  const all = await deliveriesOf(carillon, { recipientId: ada, channel: 'email' })
  const capped = all.find(({ id }) => id === second.digestDelivery.id)
  expect(standOf(capped)).toEqual(['SUPPRESSED', 'delivery_cap_reached'])
  expect(membersOf(second)).toEqual([
    ['included', null],
    ['included', null],
  ])
})

test('a digest waits for the end of quiet hours, and goes out then', async () => {
  const ada = somebody()
  await setPolicy(carillon, ada, { quietHours: [{ start: '12:30', end: '14:00' }], timeZone: 'UTC' })
  await comments(carillon, ['one'], { recipientId: ada })
  await closeWindows()
  expect(textsTo(ada)).toEqual([])
  expect(await digestOf(ada)).toMatchObject({ status: 'PENDING', nextEligibleAt: '2026-01-15T14:00:00.000Z' })
  clock.set('2026-01-15T14:00:00.000Z')
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['one'])
})

test('where the address has gone meanwhile the digest is suppressed, and not each of its members', async () => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one'], { recipientId: ada })
  await carillon.sql.query('update recipient set email_bounced_at = now() where recipient_id = $1', [ada])
  await closeWindows()
  expect(standOf(await digestOf(ada))).toEqual(['SUPPRESSED', 'address_bounced'])
  expect((await deliveryOf(carillon, { eventId, channel: 'email' })).status).toBe('DIGESTED')
})

test('preferences know a digest by its rule', async () => {
  const ada = somebody()
  await switchOff(carillon, ada, { notificationKey: HOURLY.key, channel: 'email' })
  await comments(carillon, ['one'], { recipientId: ada })
  await closeWindows()
  expect(textsTo(ada)).toEqual([])
  expect(standOf(await digestOf(ada))).toEqual(['SUPPRESSED', 'channel_disabled'])
})

test('a bucket closed by hand is asked the same, at once', async () => {
  const ada = somebody()
  await comments(carillon, ['one'], { recipientId: ada })
  await switchOff(carillon, ada, { category: 'comments' })
  const { id } = await bucketOf(carillon, ada)
  expect(await flush(carillon, id)).toBe('EMPTY')
  expect(await bucketOf(carillon, ada)).toMatchObject({ state: 'EMPTY', emittedAt: '2026-01-15T12:00:00.000Z' })
  // Its due row is gone with it.
  await closeWindows()
  expect(textsTo(ada)).toEqual([])
})

test('a digest that cannot be sent now is tried again, with what it holds', async () => {
  const ada = somebody()
  await comments(carillon, ['one', 'two'], { recipientId: ada })
  email.next({ outcome: 'temporary' })
  await closeWindows()
  clock.set('2026-01-15T13:05:00.000Z')
  await carillon.drainJobs()
  expect(textsTo(ada)).toEqual(['one\ntwo', 'one\ntwo'])
  expect((await digestOf(ada)).status).toBe('SUCCEEDED')
  const [a, b] = email.calls.filter(({ recipient }) => recipient.id === ada)
  expect(b?.idempotencyKey).toBe(a?.idempotencyKey)
})

test('a key that digests have cannot be taken by an event', async () => {
  const ada = somebody()
  await comments(carillon, ['one'], { recipientId: ada })
  const { id } = await bucketOf(carillon, ada)
  const taken = trigger(carillon, {
    notificationKey: 'comment.added',
    payload: {},
    idempotencyKey: `digest-bucket:${id}`,
  })
  await expect(taken).rejects.toThrow('digest-bucket:')
})
