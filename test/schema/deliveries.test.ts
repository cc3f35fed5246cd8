import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf } from '../support/deliveries.ts'
import { invoice, mention } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'

const clock = new TestClock()
const mail = scripted('mail', { retry: { attempts: 120, firstDelay: '1s', maxDelay: '1s' } })
let carillon: TestCarillon
let eventId: string
let notificationId: string
/** Named as "recipient channel", in the order in which they were planned. */
const names = new Map<string, string>()

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention, invoice], adapters: { email: mail } }, { clock })
  const ada = { id: 'ada', email: 'ada@example.test' }
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Zoe' },
    correlationId: 'cause',
    recipients: [ada, { id: 'bob' }],
  })
  eventId = event.id
  mail.next({ outcome: 'permanent' })
  await carillon.drainJobs()
  clock.advance(60_000)
  await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 1 }, recipients: [ada] })
  for (const { id, channel, notification } of await deliveriesOf(carillon, {})) {
    const name = `${notification.recipientId} ${channel}`
    names.set(id, [...names.values()].includes(name) ? `${name} again` : name)
  }
  const query = 'query ($id: ID!) { event(id: $id) { notifications { edges { node { id recipientId } } } } }'
  const { event: found } = await carillon.ok(carillon.operatorKey, query, { id: eventId })
  const nodes = found.notifications.edges.map(({ node }: GraphQLAnswer['data']) => node)
  notificationId = nodes.find(({ recipientId }: { recipientId: string }) => recipientId === 'bob').id
})
afterAll(() => carillon.close())

const ALL = ['ada email', 'ada in_app', 'bob email', 'bob in_app', 'ada email again']

test.each<[string, () => object, string[]]>([
  ['nothing', () => ({}), ALL],
  ['a recipient', () => ({ recipientId: 'bob' }), ['bob email', 'bob in_app']],
  ['an event', () => ({ eventId }), ALL.slice(0, 4)],
  ['a notification', () => ({ notificationId }), ['bob email', 'bob in_app']],
  ['a notifier', () => ({ notificationKey: 'invoice.sent' }), ['ada email again']],
  ['a channel', () => ({ channel: 'in_app' }), ['ada in_app', 'bob in_app']],
  ['a status', () => ({ status: ['CANCELLED'] }), ['ada email']],
  ['two statuses', () => ({ status: ['SUPPRESSED', 'PENDING'] }), ['bob email', 'ada email again']],
  ['an orchestration state', () => ({ orchestrationState: ['READY'] }), ALL],
  ['one that none is in', () => ({ orchestrationState: ['DEFERRED'] }), []],
  ['a reason', () => ({ suppressionReason: 'missing_address' }), ['bob email']],
  ['a correlation id', () => ({ correlationId: 'cause' }), ALL.slice(0, 4)],
  ['an instant to begin with', () => ({ insertedAfter: '2026-01-15T12:01:00Z' }), ['ada email again']],
  ['an instant to end before', () => ({ insertedBefore: '2026-01-15T12:01:00Z' }), ALL.slice(0, 4)],
  ['all at once', () => ({ recipientId: 'ada', eventId, channel: 'email', status: ['CANCELLED'] }), ['ada email']],
  ['what hangs', () => ({ awaitsOperator: true }), []],
  ['what does not hang', () => ({ awaitsOperator: false }), ALL],
  ['null alone', () => ({ recipientId: null, eventId: null, channel: null, status: null }), ALL],
  ['an event that does not exist', () => ({ eventId: 'nonsense' }), []],
  ['an empty event id', () => ({ eventId: '' }), []],
  ['an empty notification id', () => ({ notificationId: '' }), []],
  ["an event's id for a notification's", () => ({ notificationId: eventId }), []],
  [
    'empty texts',
    () => ({ recipientId: '', channel: '', notificationKey: '', suppressionReason: '', correlationId: '' }),
    [],
  ],
])('a filter by %s finds what fits', async (_, filter, expected) => {
  const found = await deliveriesOf(carillon, filter() as Record<string, unknown>)
  expect(found.map(({ id }) => names.get(id))).toEqual(expected)
})

test('a delivery is found by its id, with its notification and event', async () => {
  const [id] = [...names].find(([, name]) => name === 'ada email') ?? []
  const query = `query ($id: ID!) { delivery(id: $id) { id channel status suppressionReason renderKey renderVersion insertedAt updatedAt notification { recipientId event { correlationId } } } }`
  const { delivery } = await carillon.ok(carillon.operatorKey, query, { id })
  expect(delivery).toEqual({
    id,
    channel: 'email',
    status: 'CANCELLED',
    suppressionReason: 'permanent_failure',
    renderKey: 'comment.mentioned.email',
    renderVersion: 2,
    insertedAt: '2026-01-15T12:00:00.000Z',
    updatedAt: '2026-01-15T12:00:00.000Z',
    notification: { recipientId: 'ada', event: { correlationId: 'cause' } },
  })
})

test('of many attempts the newest hundred are shown, in order', async () => {
  mail.next(...Array.from({ length: 105 }, () => ({ outcome: 'temporary' })))
  for (let turn = 0; turn < 105; turn++) {
    await carillon.drainJobs()
    // A provider that goes on failing is left alone for up to two minutes.
    clock.advance(turn < 9 ? 1_000 : 120_000)
  }
  const [delivery] = await deliveriesOf(carillon, { notificationKey: 'invoice.sent' })
  const numbers = delivery.attempts.map(({ attemptNumber }: { attemptNumber: number }) => attemptNumber)
  const made = numbers.at(-1)
  expect(made).toBeGreaterThanOrEqual(105)
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => made - 99 + index))
})
