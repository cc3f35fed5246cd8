import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { mention, page } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const mail = scripted('mail')
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '10m', maxDelay: '10m' } })
const clock = new TestClock('2026-01-15T12:00:00.000Z')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention, page], adapters: { email: mail, pager } }, { clock })
})
afterAll(() => carillon.close())

const call = async (...acts: unknown[]): Promise<string> => {
  clock.set('2026-01-15T12:00:00.000Z')
  pager.next(...acts)
  return (await trigger(carillon, { notificationKey: 'pager.call', payload: {}, correlationId: 'incident-1' })).event.id
}

const summaryOf = async (eventId: string, channel = 'pager'): Promise<string> =>
  (await deliveryOf(carillon, { eventId, channel })).explanation.summary

test('what waits says that it is due', async () => {
  const eventId = await call()
  expect(await summaryOf(eventId)).toBe('Waiting to be sent: it is due, and a worker will take it next.')
  await carillon.drainJobs()
})

test('what a provider has says since when', async () => {
  let answer: (result: unknown) => void = () => {}
  const inHand = new Promise<void>((called) => {
    pager.next(() => {
      called()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
  })
  const eventId = await call()
  const draining = carillon.drainJobs()
  await inHand
  const delivery = await deliveryOf(carillon, { eventId })
  expect([delivery.status, delivery.waitingFor]).toEqual(['DISPATCHED', 'provider'])
  expect(delivery.explanation.summary).toBe(
    'Being handed to the provider since 2026-01-15 12:00:00 UTC; its answer has not been recorded yet.',
  )
  answer({ outcome: 'accepted' })
  await draining
  expect(await summaryOf(eventId)).toBe('Sent at 2026-01-15 12:00:00 UTC by pager, on try 1.')
})

test('what failed says when the next try is, and when tries are used up, that they are', async () => {
  const busy = { outcome: 'temporary', reason: 'line busy', retryAfterMs: 600_000 }
  const eventId = await call(busy, busy)
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Failed for now after one try; the next one is due at 2026-01-15 12:10:00 UTC. The provider\'s words: "line busy".',
  )
  clock.set('2026-01-15T12:10:00.000Z')
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Not sent: cancelled at 2026-01-15 12:10:00 UTC. The provider could not take it, and all tries were used up. The provider\'s words: "line busy".',
  )
})

test('what a provider refused says that, and in which words', async () => {
  const eventId = await call({ outcome: 'permanent', reason: 'barred' })
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Not sent: cancelled at 2026-01-15 12:00:00 UTC. The provider refused it for good. The provider\'s words: "barred".',
  )
})

test('what was cancelled with its event says so', async () => {
  const eventId = await call()
  const query = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  await carillon.ok(carillon.backendKey, query, { id: eventId })
  expect(await summaryOf(eventId)).toBe(
    'Not sent: cancelled at 2026-01-15 12:00:00 UTC. The event was cancelled before this was handed to a provider.',
  )
})

test('what the recipient cannot get says why, with the rule, its facts and the instant', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const inbox = await inboxOf(carillon, 'ada')
  const off =
    'mutation { setPreferences(input: { preferences: [{ category: "comments", channel: "in_app", enabled: false }] }) { preferences { recipientId } } }'
  await carillon.ok(inbox.token, off)
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Bob' },
    recipients: [{ id: 'ada' }],
  })
  expect(await summaryOf(event.id, 'in_app')).toBe(
    'Not sent: decided at 2026-01-15 12:00:00 UTC. The recipient switched this category of notifications off.',
  )
  expect(await summaryOf(event.id, 'email')).toBe(
    'Not sent: decided at 2026-01-15 12:00:00 UTC. The recipient has no address for this channel.',
  )
  const { explanation } = await deliveryOf(carillon, { eventId: event.id, channel: 'in_app' })
  const decided = { checkpoint: 'PLANNING', at: '2026-01-15T12:00:00.000Z' }
  expect(explanation.decisions).toEqual([
    { ...decided, rule: 'notification_preference', verdict: 'PASS', reason: null, facts: {} },
    {
      ...decided,
      rule: 'category_preference',
      verdict: 'SUPPRESS',
      reason: 'category_disabled',
      facts: { preference: 'category_channel', enabled: false },
    },
    { ...decided, rule: 'address', verdict: 'PASS', reason: null, facts: { needed: false } },
  ])
  expect(explanation.timeline.at(-1)).toEqual({
    at: '2026-01-15T12:00:00.000Z',
    event: 'suppressed',
    detail: { reason: 'category_disabled', rule: 'category_preference', checkpoint: 'planning' },
  })
})

test('a timeline tells the whole story, from the event to what the recipient did', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const inbox = await inboxOf(carillon, 'bob')
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada' },
    recipients: [{ id: 'bob', email: 'bob@example.test' }],
  })
  clock.set('2026-01-15T12:00:05.000Z')
  mail.next({ outcome: 'temporary', retryAfterMs: 900_000 })
  await carillon.drainJobs()
  clock.set('2026-01-15T12:01:00.000Z')
  await inbox.mark('markRead', { filter: {} })
  clock.set('2026-01-15T12:02:00.000Z')
  await inbox.mark('archive', { filter: {} })
  clock.set('2026-01-15T12:20:00.000Z')
  await carillon.drainJobs()
  const { explanation } = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  type Entry = { readonly at: string; readonly event: string; readonly detail: object }
  expect(explanation.timeline.map(({ at, event, detail }: Entry) => [at.slice(14, 19), event, detail])).toEqual([
    ['00:00', 'event_created', { notificationKey: 'comment.mentioned' }],
    ['00:00', 'notification_created', { recipientId: 'bob' }],
    ['00:00', 'delivery_planned', { channel: 'email' }],
    ['00:05', 'claimed', { checkpoint: 'perform' }],
    ['00:05', 'attempt_recorded', { attemptNumber: 1, adapter: 'mail', outcome: 'failed', errorClass: 'temporary' }],
    ['00:05', 'retry_scheduled', { reason: 'temporary', nextAttemptAt: '2026-01-15T12:15:05.000Z' }],
    ['01:00', 'notification_seen', {}],
    ['01:00', 'notification_read', {}],
    ['02:00', 'notification_archived', {}],
    ['20:00', 'claimed', { checkpoint: 'perform' }],
    ['20:00', 'attempt_recorded', { attemptNumber: 2, adapter: 'mail', outcome: 'succeeded' }],
  ])
})

const EXPLAIN = `query ($id: ID!, $first: Int) {
  explainDelivery(deliveryId: $id) {
    deliveryId notificationId eventId stepKey orchestrationState waitingFor correlationId notificationKey recipientId channel
    renderKey renderVersion status planningReason planningContext nextEligibleAt suppressionReason
    lastAttempt { attemptNumber outcome } summary timeline(first: $first) { event }
  }
}`

test('an explanation names everything that the delivery belongs to', async () => {
  const eventId = await call()
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId })
  const { explainDelivery } = await carillon.ok(carillon.operatorKey, EXPLAIN, { id })
  expect(explainDelivery).toMatchObject({
    deliveryId: id,
    eventId,
    correlationId: 'incident-1',
    notificationKey: 'pager.call',
    recipientId: 'ada',
    channel: 'pager',
    renderKey: 'pager.call.pager',
    renderVersion: 1,
    status: 'SUCCEEDED',
    orchestrationState: 'READY',
    lastAttempt: { attemptNumber: 1, outcome: 'SUCCEEDED' },
    stepKey: null,
    waitingFor: null,
    planningReason: null,
    planningContext: null,
    nextEligibleAt: null,
    suppressionReason: null,
  })
  const query =
    'query ($id: ID!) { node(id: $id) { ... on Notification { recipientId deliveries { explanation { deliveryId } } } } }'
  const { node } = await carillon.ok(carillon.operatorKey, query, { id: explainDelivery.notificationId })
  expect(node).toEqual({ recipientId: 'ada', deliveries: [{ explanation: { deliveryId: id } }] })
})

test('of a timeline the oldest and newest entries are kept where fewer are asked for', async () => {
  const eventId = await call()
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId })
  const { explainDelivery } = await carillon.ok(carillon.operatorKey, EXPLAIN, { id, first: 2 })
  expect(explainDelivery.timeline).toEqual([{ event: 'event_created' }, { event: 'attempt_recorded' }])
  for (const first of [0, -1, 1_001]) {
    const answer = await carillon.ask(carillon.operatorKey, EXPLAIN, { id, first })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'first' })
  }
})

test('what does not exist has no explanation', async () => {
  const eventId = await call()
  for (const id of ['nonsense', '', eventId]) {
    expect((await carillon.ok(carillon.operatorKey, EXPLAIN, { id })).explainDelivery).toBeNull()
  }
})

test('an explanation holds no payload, no content and no address', async () => {
  mail.next({ outcome: 'temporary', reason: 'Mailbox secret@example.test full of secret words' })
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'secret author', text: 'secret words' },
    recipients: [{ id: 'zoe', email: 'secret@example.test', displayName: 'secret name' }],
  })
  await carillon.drainJobs()
  const explained: GraphQLAnswer['data'][] = []
  for (const channel of ['in_app', 'email']) explained.push(await deliveryOf(carillon, { eventId: event.id, channel }))
  const text = JSON.stringify(explained.map(({ explanation }) => explanation))
  expect(text).not.toMatch(/secret@|secret author|secret name/)
})
