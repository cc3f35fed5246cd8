import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf } from '../../support/deliveries.ts'
import { bucketOf, buckets, comment, comments, HOURLY, somebody } from '../../support/digests.ts'
import { inboxOf } from '../../support/inbox.ts'
import { invoice } from '../../support/notifiers.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy, subscribe, switchOff } from '../../support/settings.ts'
import { trigger, triggerInput } from '../../support/trigger.ts'

const NOON = '2026-01-15T12:00:00.000Z'
const ONE = '2026-01-15T13:00:00.000Z'

const mail = (text: string) => ({ subject: text, html: '', text })

/** Asks for a digest, and no rule holds it. */
const loose = defineNotifier({
  key: 'loose',
  version: 1,
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => mail('Loose') },
  digest: { email: {} },
})
const alarm = defineNotifier({
  key: 'alarm',
  version: 1,
  category: 'security',
  required: true,
  urgent: true,
  payload: z.object({}),
  channels: ['email'],
  render: { email: () => mail('Alarm') },
  digest: { email: {} },
})
/** Held where its payload says so. */
const moody = defineNotifier({
  key: 'moody',
  version: 1,
  category: 'security',
  payload: z.object({ hold: z.boolean() }),
  channels: ['email'],
  render: { email: () => mail('Moody') },
  digest: { email: { when: ({ payload }) => payload.hold } },
})
const ping = defineNotifier({
  key: 'ping',
  version: 1,
  payload: z.object({ n: z.number() }),
  channels: ['in_app', 'pager'],
  render: { in_app: ({ payload }) => ({ title: `Ping ${payload.n}` }), pager: ({ payload }) => ({ n: payload.n }) },
  digest: { in_app: {}, pager: {} },
})

const hourly = { version: 1, window: { kind: 'fixed', minutes: 60 } } as const

const clock = new TestClock(NOON)
const email = scripted('email')
const pager = scripted('pager')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [comment, loose, alarm, moody, ping, invoice],
      adapters: { email, pager },
      digestRules: [
        HOURLY,
        { ...hourly, key: 'security', channel: 'email', matchCategory: 'security', groupBy: 'category' },
        { ...hourly, key: 'pings', channel: 'in_app', groupBy: 'notification_key' },
        { ...hourly, key: 'pages', channel: 'pager', groupBy: 'notification_key', maxItems: 3 },
      ],
    },
    { clock },
  )
})
afterAll(() => carillon.close())
beforeEach(() => clock.set(NOON))

const sentTo = (adapter: ReturnType<typeof scripted>, id: string): unknown[] =>
  adapter.calls.filter(({ recipient }) => recipient.id === id).map(({ content }) => content)

const send = async (notificationKey: string, recipientId: string, payload: object = {}): Promise<string> => {
  const recipients = [{ id: recipientId, email: `${recipientId}@example.test` }]
  return (await trigger(carillon, { notificationKey, payload, recipients })).event.id
}

const answersOf = ({ explanation }: GraphQLAnswer['data']): Record<string, unknown> =>
  Object.fromEntries(explanation.decisions.map(({ rule, ...answer }: GraphQLAnswer['data']) => [rule, answer]))

test('what asks for a digest that no rule holds is sent at once, and says so', async () => {
  const ada = somebody()
  const eventId = await send('loose', ada)
  await carillon.drainJobs()
  expect(sentTo(email, ada)).toEqual([mail('Loose')])
  const delivery = await deliveryOf(carillon, { eventId })
  expect(delivery.status).toBe('SUCCEEDED')
  expect(answersOf(delivery)['digest']).toMatchObject({ verdict: 'PASS', facts: { no_digest_rule: true } })
  expect(await buckets(carillon, { recipientId: ada })).toEqual([])
})

test('what the notifier does not want to be held is sent at once, whatever the rules', async () => {
  const ada = somebody()
  await send('moody', ada, { hold: true })
  const eventId = await send('moody', ada, { hold: false })
  await carillon.drainJobs()
  expect(sentTo(email, ada)).toEqual([mail('Moody')])
  const delivery = await deliveryOf(carillon, { eventId })
  expect(answersOf(delivery)['digest']).toMatchObject({ verdict: 'PASS', facts: {} })
  expect(await bucketOf(carillon, ada)).toMatchObject({ memberCount: 1 })
})

test('what the recipient cannot get is suppressed, and not held', async () => {
  const [off, nowhere] = [somebody(), somebody()]
  await switchOff(carillon, off, { channel: 'email' })
  await comments(carillon, ['one'], { recipientId: off })
  await trigger(carillon, { notificationKey: 'comment.added', payload: {}, recipients: [{ id: nowhere }] })
  const stands = async (recipientId: string) => {
    const { status, suppressionReason } = await deliveryOf(carillon, { recipientId, channel: 'email' })
    return [status, suppressionReason, await buckets(carillon, { recipientId })]
  }
  expect(await stands(off)).toEqual(['SUPPRESSED', 'channel_disabled', []])
  expect(await stands(nowhere)).toEqual(['SUPPRESSED', 'missing_address', []])
})

test('required and urgent ones are held like others', async () => {
  const ada = somebody()
  await switchOff(carillon, ada, { channel: 'email' })
  await send('alarm', ada)
  await send('alarm', ada)
  await carillon.drainJobs()
  expect(sentTo(email, ada)).toEqual([])
  expect(await bucketOf(carillon, ada)).toMatchObject({ memberCount: 2, groupingValue: 'security' })
  clock.set(ONE)
  await carillon.drainJobs()
  // Nor does what its members pass hold the digest.
  expect(sentTo(email, ada)).toMatchObject([{ subject: '2 notifications' }])
})

test('what is held is asked for neither caps nor quiet hours, and takes up no room under a cap', async () => {
  const ada = somebody()
  await setPolicy(carillon, ada, {
    caps: [{ limit: 1, windowMinutes: 600, channel: 'email' }],
    quietHours: [{ start: '11:00', end: '12:30', channels: ['sms'] }],
  })
  const [eventId] = await comments(carillon, ['one', 'two', 'three'], { recipientId: ada })
  const held = await deliveryOf(carillon, { eventId, channel: 'email' })
  expect(held).toMatchObject({ status: 'PENDING', orchestrationState: 'DIGEST_HELD' })
  expect(Object.keys(answersOf(held))).toEqual([
    'expiry',
    'notification_preference',
    'category_preference',
    'address',
    'digest',
    'fallback',
  ])
  await send('invoice.sent', ada, { number: 7 })
  await carillon.drainJobs()
  expect(sentTo(email, ada)).toMatchObject([{ subject: 'Invoice 7' }])
})

test('what is held says by which rule, until when, and waits for its digest', async () => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one'], { recipientId: ada })
  const held = await deliveryOf(carillon, { eventId, channel: 'email' })
  expect(held).toMatchObject({ waitingFor: 'digest', nextEligibleAt: null, nextAttemptAt: null })
  expect(answersOf(held)['digest']).toEqual({
    checkpoint: 'PLANNING',
    at: NOON,
    verdict: 'DIGEST',
    reason: 'digest_rule',
    facts: { ruleIdentity: 'comments-hourly:v1', groupBy: 'digest_key', windowStartsAt: NOON, windowEndsAt: ONE },
  })
})

test('each recipient of a topic has a bucket of its own', async () => {
  const everybody = [somebody(), somebody(), somebody()]
  const topic = `topic-of-${everybody[0]}`
  await subscribe(carillon, topic, everybody)
  for (const n of [1, 2]) {
    await trigger(carillon, { notificationKey: 'ping', payload: { n }, topics: [topic], recipients: [] })
    await carillon.drainJobs()
  }
  for (const recipientId of everybody) {
    const found = await buckets(carillon, { recipientId })
    expect(found.map(({ channel, memberCount }: GraphQLAnswer['data']) => [channel, memberCount]).sort()).toEqual([
      ['in_app', 2],
      ['pager', 2],
    ])
  }
})

test('several of one batch share a bucket, and fill one after the other', async () => {
  const ada = somebody()
  const triggers = Array.from({ length: 7 }, (_, n) =>
    triggerInput({ notificationKey: 'ping', payload: { n }, recipients: [{ id: ada }] }),
  )
  const batch = 'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { __typename } } }'
  await carillon.ok(carillon.backendKey, batch, { input: { triggers } })
  const standsOf = async () => {
    const found = await buckets(carillon, { recipientId: ada })
    return found
      .filter(({ channel }: GraphQLAnswer['data']) => channel === 'pager')
      .map(({ memberCount, state }: GraphQLAnswer['data']) => [memberCount, state])
  }
  expect((await standsOf()).sort()).toEqual([
    [1, 'OPEN'],
    [3, 'OPEN'],
    [3, 'OPEN'],
  ])
  // Those that are full are due at once.
  await carillon.drainJobs()
  expect((await standsOf()).sort()).toEqual([
    [1, 'OPEN'],
    [3, 'EMITTED'],
    [3, 'EMITTED'],
  ])
  expect(sentTo(pager, ada)).toEqual([
    { count: 3, items: [{ n: 0 }, { n: 1 }, { n: 2 }] },
    { count: 3, items: [{ n: 3 }, { n: 4 }, { n: 5 }] },
  ])
})

test('however many are triggered at once, one bucket holds them all', async () => {
  const ada = somebody()
  await Promise.all(Array.from({ length: 20 }, () => comments(carillon, ['one'], { recipientId: ada })))
  const bucket = await bucketOf(carillon, ada)
  expect(bucket.memberCount).toBe(20)
  const held = await deliveriesOf(carillon, { recipientId: ada, channel: 'email' })
  const members = bucket.members.edges.map(({ node }: GraphQLAnswer['data']) => node.deliveryId)
  expect([...members].sort()).toEqual(held.map(({ id }) => id).sort())
})

test('a repeat of an event is held no second time', async () => {
  const ada = somebody()
  for (const _ of [1, 2]) await comments(carillon, ['one'], { recipientId: ada, idempotencyKey: `once-for-${ada}` })
  expect(await bucketOf(carillon, ada)).toMatchObject({ memberCount: 1 })
})

test('a scheduled event is held from its instant on', async () => {
  const ada = somebody()
  await comments(carillon, ['one'], { recipientId: ada, sendAt: '2026-01-15T14:30:00.000Z' })
  expect(await buckets(carillon, { recipientId: ada })).toEqual([])
  clock.set('2026-01-15T14:30:00.000Z')
  await carillon.drainJobs()
  expect(await bucketOf(carillon, ada)).toMatchObject({
    windowStartsAt: '2026-01-15T14:00:00.000Z',
    windowEndsAt: '2026-01-15T15:00:00.000Z',
  })
})

test('an inbox gets what was held for it as one item, when the window is over', async () => {
  const ada = somebody()
  const inbox = await inboxOf(carillon, ada)
  for (const n of [1, 2]) await send('ping', ada, { n })
  expect(await inbox.items()).toEqual([])
  clock.set(ONE)
  await carillon.drainJobs()
  expect((await inbox.items()).map(({ title }) => title)).toEqual(['2 notifications'])
  expect((await inbox.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  expect(sentTo(pager, ada)).toEqual([{ count: 2, items: [{ n: 1 }, { n: 2 }] }])
})
