import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, storyOf } from '../support/deliveries.ts'
import { buckets, comment, flush, HOURLY } from '../support/digests.ts'
import { inboxOf } from '../support/inbox.ts'
import { mention } from '../support/notifiers.ts'
import { tryOperate } from '../support/operator.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, subscribe, switchOff } from '../support/settings.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
beforeAll(async () => {
  const config = { notifiers: [mention, comment], adapters: { email }, digestRules: [HOURLY] }
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())

const ERASE =
  'mutation ($id: ID!) { eraseRecipient(input: { recipientId: $id }) { recipientId erasedNotificationCount } }'
const erase = async (id: string) => (await carillon.ok(carillon.backendKey, ERASE, { id })).eraseRecipient

/** What nobody may find any more, wherever it was given. */
const CANARY = 'canary-of-ada'

const mentionTo = (recipientId: string, others: readonly object[] = []) =>
  trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: `${CANARY} author`, text: `${CANARY} text` },
    recipients: [
      {
        id: recipientId,
        email: `${CANARY}@example.test`,
        displayName: CANARY,
        addresses: [{ channel: 'pager', address: `${CANARY}-pager` }],
      },
      ...others,
    ],
  })

const EXPORT = 'query ($id: ID!) { exportRecipient(recipientId: $id) }'
const exported = async (id: string) => (await carillon.ok(carillon.operatorKey, EXPORT, { id })).exportRecipient

/** Every table's rows as text, with the tables in which a text stands. */
const tablesWith = async (text: string): Promise<readonly string[]> => {
  const { rows } = await carillon.sql.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> '_prisma_migrations'`,
  )
  const found: string[] = []
  for (const { name } of rows) {
    const { rows: hits } = await carillon.sql.query(`select 1 from "${name}" t where t::text like $1 limit 1`, [
      `%${text}%`,
    ])
    if (hits.length > 0) found.push(name)
  }
  return found
}

test('nothing that was told about an erased recipient is left in any table, and its explanations still answer', async () => {
  await switchOff(carillon, 'ada', { channel: 'push' })
  await setPolicy(carillon, 'ada', { caps: [{ limit: 5, windowMinutes: 60 }] })
  await subscribe(carillon, 'releases', ['ada', 'bob'])
  email.next({ outcome: 'temporary', reason: `${CANARY}@example.test is busy` })
  const { event } = await mentionTo('ada')
  await carillon.drainJobs()
  clock.advance(20 * 60_000)
  await carillon.drainJobs()
  const [whole] = (await exported('ada')).notifications
  expect(whole.deliveries.map(({ channel }: { channel: string }) => channel).sort()).toEqual(['email', 'in_app'])
  expect(whole).toMatchObject({
    payload: { author: `${CANARY} author` },
    content: { title: `${CANARY} author mentioned you` },
  })
  expect((await tablesWith(CANARY)).length).toBeGreaterThan(2)

  expect(await erase('ada')).toEqual({ recipientId: 'ada', erasedNotificationCount: 1 })
  expect(await tablesWith(CANARY)).toEqual([])
  const sent = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  expect(sent).toMatchObject({ status: 'SUCCEEDED' })
  expect(
    sent.attempts.map(({ outcome, address, reason }: Record<string, unknown>) => [outcome, address, reason]),
  ).toEqual([
    ['FAILED', null, null],
    ['SUCCEEDED', null, null],
  ])
  expect(sent.explanation.summary).toMatch(
    /^Sent at .* on try 2\. The recipient's data was erased at 2026-01-15 12:20:00 UTC\.$/,
  )
  expect(storyOf(sent).at(-1)).toBe('recipient_erased')
  expect(await exported('ada')).toMatchObject({
    recipient: null,
    addresses: [],
    preferences: [],
    policySettings: null,
    topics: [],
    notifications: [{ deliveries: [{}, {}] }],
  })
  const { topic } = await carillon.ok(carillon.operatorKey, '{ topic(key: "releases") { subscriberCount } }')
  expect(topic.subscriberCount).toBe(1)
  expect(await erase('ada')).toEqual({ recipientId: 'ada', erasedNotificationCount: 0 })
})

test('what waits is cancelled, leaves its digest, and cannot be brought back', async () => {
  await setPolicy(carillon, 'carl', { quietHours: [{ ...NIGHT, start: '00:00', end: '23:00' }] })
  const { event } = await mentionTo('carl')
  await trigger(carillon, {
    notificationKey: 'comment.added',
    payload: { text: 'hi' },
    recipients: [{ id: 'carl', email: 'carl@example.test' }],
  })
  await erase('carl')
  const deferred = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  expect(deferred).toMatchObject({ status: 'CANCELLED', suppressionReason: 'recipient_erased' })
  expect(deferred.explanation.summary).toMatch(
    /^Not sent: the recipient's data was erased at 2026-01-15 12:20:00 UTC\.$/,
  )
  expect(refusalOf(await tryOperate(carillon, 'retry', deferred.id)).code).toBe('INVALID_STATE')
  const [held] = await deliveriesOf(carillon, {
    recipientId: 'carl',
    notificationKey: 'comment.added',
    channel: 'email',
  })
  expect(held).toMatchObject({ status: 'CANCELLED', suppressionReason: 'recipient_erased' })
  expect(await buckets(carillon, { recipientId: 'carl' })).toMatchObject([{ state: 'OPEN', memberCount: 0 }])
  clock.set('2026-01-15T13:00:00.000Z')
  const before = email.calls.length
  await carillon.drainJobs()
  expect(email.calls).toHaveLength(before)
  expect(await buckets(carillon, { recipientId: 'carl' })).toMatchObject([{ state: 'EMPTY' }])
})

test('what an operator said when closing a digest goes too', async () => {
  await trigger(carillon, {
    notificationKey: 'comment.added',
    payload: { text: 'hi' },
    recipients: [{ id: 'kate', email: 'kate@example.test' }],
  })
  const [bucket] = await buckets(carillon, { recipientId: 'kate' })
  await flush(carillon, bucket.id, 'asked for by kate-canary')
  expect(await tablesWith('kate-canary')).toEqual(['digest_bucket'])
  await erase('kate')
  expect(await tablesWith('kate-canary')).toEqual([])
})

test('its inbox is empty, whoever watches it is told to reload, and what comes later arrives as for anybody new', async () => {
  const dora = await inboxOf(carillon, 'dora')
  await mentionTo('dora')
  const hub = carillon.app.hub.subscribe({ tenantId: carillon.tenantId, recipientId: 'dora' }, 0)
  expect((await hub.next()).value).toMatchObject({ resync: false, changed: [{}] })
  await erase('dora')
  const update = (await hub.next()).value
  expect(update).toMatchObject({ resync: true, changed: [], counts: { total: 0, unread: 0, unseen: 0 } })
  expect(await dora.items()).toEqual([])
  await mentionTo('dora')
  expect((await hub.next()).value).toMatchObject({ resync: false, counts: { total: 1 } })
  await hub.return?.()
  expect(await dora.items()).toHaveLength(1)
})

test('what others were sent too keeps its payload, and they keep their own', async () => {
  const { event } = await mentionTo('erin', [{ id: 'frank', email: 'frank@example.test' }])
  const frank = await inboxOf(carillon, 'frank')
  await erase('erin')
  const found = await carillon.ok(carillon.operatorKey, 'query ($id: ID!) { event(id: $id) { payload } }', {
    id: event.id,
  })
  expect(found.event.payload).toMatchObject({ author: `${CANARY} author` })
  expect(await frank.items()).toHaveLength(1)
  expect((await exported('erin')).notifications[0]).not.toHaveProperty('payload')
})

test('what is scheduled for nobody else is ended with its payload, and what is for others too goes on without it', async () => {
  const sendAt = new Date(clock.now().getTime() + 3_600_000).toISOString()
  const scheduled = (recipients: readonly object[]) =>
    trigger(carillon, {
      notificationKey: 'comment.mentioned',
      payload: { author: `${CANARY} of gina`, text: 'later' },
      recipients,
      sendAt,
    })
  const alone = (await scheduled([{ id: 'gina' }])).event
  const shared = (await scheduled([{ id: 'gina' }, { id: 'hugo' }])).event
  await erase('gina')
  const ask = async (id: string) =>
    (
      await carillon.ok(carillon.operatorKey, 'query ($id: ID!) { event(id: $id) { status payload recipientCount } }', {
        id,
      })
    ).event
  expect(await ask(alone.id)).toEqual({ status: 'CANCELLED', payload: {}, recipientCount: 0 })
  expect(await ask(shared.id)).toMatchObject({ status: 'SCHEDULED', recipientCount: 1 })
  clock.set(sendAt)
  await carillon.drainJobs()
  expect(await ask(shared.id)).toMatchObject({ status: 'PLANNED', recipientCount: 1 })
  expect(await (await inboxOf(carillon, 'gina')).items()).toEqual([])
  expect(await (await inboxOf(carillon, 'hugo')).items()).toHaveLength(1)
})

test('what an operator had cancelled is not tried again once its recipient is erased', async () => {
  await setPolicy(carillon, 'ivan', { quietHours: [{ start: '00:00', end: '23:59', channels: ['in_app'] }] })
  const { event } = await mentionTo('ivan', [{ id: 'jane' }])
  const item = await deliveryOf(carillon, { eventId: event.id, recipientId: 'ivan', channel: 'in_app' })
  expect((await tryOperate(carillon, 'cancel', item.id)).errors).toEqual([])
  await erase('ivan')
  const { errors } = await tryOperate(carillon, 'retry', item.id)
  expect(errors.map(({ message }) => message)).toEqual([
    'Cannot retry this delivery: it is for a recipient whose data has been erased',
  ])
})

test('one that nobody knows is erased and exported as what it is: nothing', async () => {
  expect(await erase('nobody')).toEqual({ recipientId: 'nobody', erasedNotificationCount: 0 })
  expect(await exported('nobody')).toMatchObject({ recipientId: 'nobody', recipient: null, notifications: [] })
  expect(refusalOf(await carillon.ask(carillon.backendKey, ERASE, { id: ' ' }))).toEqual({
    code: 'BAD_USER_INPUT',
    path: 'input.recipientId',
  })
})
