import { afterAll, beforeAll, expect, expectTypeOf, test } from 'vitest'
import { type CarillonClient, createClient, type DeliveryStatus, type Verdict } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { pushSubscription } from '../support/push-subscription.ts'
import { config, countUp } from './service.ts'

let carillon: TestCarillon
let backend: CarillonClient
let operator: CarillonClient
const clientOf = (token: string): CarillonClient => createClient({ url: carillon.graphqlUrl, token })
const inboxOf = async (recipientId: string): Promise<CarillonClient> => clientOf(await carillon.tokenFor(recipientId))

beforeAll(async () => {
  carillon = await startCarillon(config)
  backend = clientOf(carillon.backendKey)
  operator = clientOf(carillon.operatorKey)
})
afterAll(() => carillon.close())

test('trigger answers the event that it made, and the same one when it is repeated', async () => {
  const input = {
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'once',
    payload: { author: 'Ada' },
    recipients: [{ id: 'bob', email: 'bob@example.test' }],
  }
  const { event, deduplicated } = await backend.trigger(input)
  expect(deduplicated).toBe(false)
  expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 1, notificationVersion: 3, idempotencyKey: 'once' })
  expect(await backend.trigger(input)).toEqual({ event, deduplicated: true })
  expect(await backend.event({ id: event.id })).toEqual({ ...event, payload: { author: 'Ada' } })
  expect(await backend.eventByIdempotencyKey({ idempotencyKey: 'once' })).toMatchObject({ id: event.id })
  expect(await backend.eventByIdempotencyKey({ idempotencyKey: 'never' })).toBeNull()
  expect((await operator.events({ filter: { recipientId: 'bob' } })).edges.map(({ node }) => node)).toEqual([event])
})

test('triggerBatch answers for each trigger by itself', async () => {
  const { results } = await backend.triggerBatch({
    triggers: [
      { notificationKey: 'count.reached', idempotencyKey: 'b1', payload: { count: 1 }, recipients: [{ id: 'eve' }] },
      { notificationKey: 'count.reached', idempotencyKey: 'b2', payload: { count: '1' }, recipients: [{ id: 'eve' }] },
    ],
  })
  expect(results[0]).toMatchObject({ error: null, trigger: { deduplicated: false } })
  expect(results[1]).toMatchObject({ trigger: null, error: { code: 'INVALID_PAYLOAD' } })
})

test('signal answers what was recorded, and the same again when it is repeated', async () => {
  const input = { name: 'invoice.paid', recipientId: 'bob', idempotencyKey: 'paid-once' }
  const { signal, deduplicated } = await backend.signal(input)
  expect([signal.name, signal.recipientId, deduplicated]).toEqual(['invoice.paid', 'bob', false])
  expect(await backend.signal(input)).toEqual({ signal, deduplicated: true })
})

test('a delivery is found, explained whole, and cancelled with its event', async () => {
  const { event } = await backend.trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'explained',
    correlationId: 'thread 7',
    payload: { author: 'Ada' },
    recipients: [{ id: 'dan', email: 'dan@example.test' }],
  })
  const { edges, pageInfo } = await operator.deliveries({ filter: { eventId: event.id, channel: ['email'][0] } })
  expect(pageInfo.hasNextPage).toBe(false)
  const deliveryId = edges[0]?.node.id as string
  expect(edges).toHaveLength(1)
  expect(edges[0]?.node).toMatchObject({ status: 'PENDING', waitingFor: 'due', notification: { recipientId: 'dan' } })

  expect(await backend.cancelEvent({ eventId: event.id })).toMatchObject({ cancelledCount: 1, tooLateCount: 1 })

  const explanation = await operator.explainDelivery({ deliveryId })
  expectTypeOf(explanation).not.toBeAny()
  if (!explanation) throw new Error('there is no explanation')
  expectTypeOf(explanation.status).toEqualTypeOf<DeliveryStatus>()
  expectTypeOf(explanation.decisions).items.toHaveProperty('verdict').toEqualTypeOf<Verdict>()
  expectTypeOf(explanation.decisions).items.toHaveProperty('facts').toEqualTypeOf<unknown>()
  expect(explanation).toMatchObject({
    eventId: event.id,
    recipientId: 'dan',
    correlationId: 'thread 7',
    status: 'CANCELLED',
    suppressionReason: 'event_cancelled',
    lastAttempt: null,
  })
  expect(explanation.summary).not.toBe('')
  expect(explanation.decisions.map(({ rule }) => rule)).toContain('notification_preference')
  expect(explanation.timeline.map((entry) => entry.event)).toContain('delivery_planned')
  const short = await operator.explainDelivery({ deliveryId, timelineFirst: 2 })
  expect(short?.timeline).toHaveLength(2)
  expect(await operator.delivery({ id: deliveryId })).toMatchObject({ id: deliveryId, attempts: [] })
})

test('an inbox is read page by page, marked, put away and brought back', async () => {
  await countUp(backend, { recipientId: 'ida', to: 5 })
  const ida = await inboxOf('ida')
  const first = await ida.inbox({ first: 2 })
  expect(first.counts).toEqual({ total: 5, unread: 5, unseen: 5 })
  expect(first.notifications.edges.map(({ node }) => node.content?.title)).toEqual(['4', '3'])
  expect(first.notifications.edges[0]?.node).toMatchObject({
    recipientId: 'ida',
    notificationKey: 'count.reached',
    category: 'counts',
    content: { body: null, data: { count: 4 }, primaryAction: { label: 'Open', url: 'https://example.test/4' } },
    readAt: null,
  })
  const after = first.notifications.pageInfo.endCursor
  const rest = await ida.inbox({ after })
  expect(rest.notifications.edges.map(({ node }) => node.content?.title)).toEqual(['2', '1', '0'])

  const ids = first.notifications.edges.map(({ node }) => node.id)
  const read = await ida.markRead({ ids })
  expect(read).toMatchObject({ affectedCount: 2, counts: { total: 5, unread: 3, unseen: 3 } })
  expect(read.notifications.every(({ readAt, seenAt }) => readAt !== null && seenAt !== null)).toBe(true)
  expect((await ida.markRead({ ids })).affectedCount).toBe(0)
  expect((await ida.markUnread({ ids: ids.slice(0, 1) })).counts.unread).toBe(4)
  expect((await ida.markSeen({ filter: {} })).counts.unseen).toBe(0)
  expect((await ida.archive({ filter: { read: true } })).counts.total).toBe(4)
  const unread = await ida.inbox({ filter: { read: false } })
  expect(unread.notifications.edges).toHaveLength(4)
  expect((await ida.unarchive({ filter: {} })).counts).toEqual({ total: 5, unread: 4, unseen: 0 })
  expect((await operator.inbox({ recipientId: 'ida' })).counts.unread).toBe(4)
})

test('recipients are kept and found, and their preferences set', async () => {
  const { recipients } = await backend.upsertRecipients({
    recipients: [
      { id: 'zoe', displayName: 'Zoe', email: 'zoe@example.test', data: { team: 7 }, timeZone: 'Asia/Tokyo' },
    ],
  })
  expect(recipients).toMatchObject([{ recipientId: 'zoe', displayName: 'Zoe', data: { team: 7 } }])
  expect(await backend.recipient({ recipientId: 'zoe' })).toEqual(recipients[0])
  expect(await backend.recipient({ recipientId: 'nobody' })).toBeNull()
  const found = await backend.recipients({ filter: { recipientId: 'zo' } })
  expect(found.edges.map(({ node }) => node)).toEqual(recipients)

  const zoe = await inboxOf('zoe')
  const { preferences } = await zoe.setPreferences({ preferences: [{ category: 'comments', enabled: false }] })
  expect(preferences.preferences).toMatchObject([{ category: 'comments', channel: null, enabled: false }])
  expect(await zoe.preferences()).toEqual(preferences)
  expect(await backend.preferences({ recipientId: 'zoe' })).toEqual(preferences)
  const off = preferences.effective.filter(({ enabled }) => !enabled)
  expect(off.every(({ decidedBy }) => decidedBy?.category === 'comments')).toBe(true)
  expect(new Set(off.map(({ notificationKey }) => notificationKey))).toEqual(new Set(['comment.mentioned']))
})

test('a front end registers its device and takes it away again', async () => {
  const kim = await inboxOf('kim')
  const device = { channel: 'push', address: pushSubscription('laptop') }
  const { recipient } = await kim.registerAddress(device)
  expect(recipient).toMatchObject({ recipientId: 'kim', addresses: [{ ...device, bouncedAt: null }] })
  expect((await kim.registerAddress(device)).recipient).toEqual(recipient)
  expect(await backend.recipient({ recipientId: 'kim' })).toEqual(recipient)
  const [registered] = recipient.addresses
  const removed = await operator.removeAddress({ recipientId: 'kim', addressId: registered?.id })
  expect(removed.recipient.addresses).toEqual([])
  expect((await kim.removeAddress(device)).recipient.addresses).toEqual([])
  await expect(kim.registerAddress({ ...device, recipientId: 'somebody-else' })).rejects.toMatchObject({
    code: 'FORBIDDEN',
  })
})

test('viewer tells whose credential it is', async () => {
  expect(await backend.viewer()).toEqual({ tenantId: 'acme', scopes: ['TRIGGER'], recipientId: null })
  const ann = await inboxOf('ann')
  expect(await ann.viewer()).toEqual({ tenantId: 'acme', scopes: ['RECIPIENT'], recipientId: 'ann' })
})

test('a document of one’s own is sent as it is', async () => {
  const data = await backend.request('query ($key: String!) { eventByIdempotencyKey(idempotencyKey: $key) { id } }', {
    key: 'never',
  })
  expectTypeOf(data).toEqualTypeOf<unknown>()
  expect(data).toEqual({ eventByIdempotencyKey: null })
})
