import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { memory } from '../../server/index.ts'
import { createApiKey } from '../../server/operations/credentials.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { inboxOf, type TestInbox } from '../support/inbox.ts'
import { mention } from '../support/notifiers.ts'
import { refusalOf, trigger } from '../support/trigger.ts'
import { invoiceOverdue, runOf, signal } from '../support/workflows.ts'

/** In everything that our tenant has; a neighbour must never read it. */
const MARK = 'only-ours'

let carillon: TestCarillon
let ada: TestInbox
let neighbour: { readonly backendKey: string; readonly operatorKey: string; readonly token: string }
let ids: Record<'Event' | 'Notification' | 'Delivery' | 'DeliveryAttempt' | 'Topic' | 'WorkflowRun' | 'Signal', string>

beforeAll(async () => {
  carillon = await startCarillon({
    notifiers: [mention, invoiceOverdue],
    adapters: { email: memory(), books: memory({ name: 'books' }) },
  })
  ada = await inboxOf(carillon, 'ada')
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    idempotencyKey: MARK,
    correlationId: MARK,
    actorId: MARK,
    payload: { author: MARK, text: MARK },
    recipients: [{ id: 'ada', displayName: MARK, email: `${MARK}@example.test`, data: { MARK } }, { id: 'bob' }],
  })
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId: event.id, channel: 'email', recipientId: 'ada' })
  const { delivery } = await carillon.ok(
    carillon.operatorKey,
    'query ($id: ID!) { delivery(id: $id) { notification { id } attempts { id } } }',
    { id },
  )
  const subscribe = `mutation { subscribeToTopic(input: { topicKey: "${MARK}", recipientIds: ["ada"] }) { topic { id } } }`
  const { subscribeToTopic } = await carillon.ok(carillon.backendKey, subscribe)
  const zone = 'mutation { setPolicySettings(input: { timeZone: "Asia/Tokyo" }) { __typename } }'
  await carillon.ok(ada.token, zone)
  ids = {
    Event: event.id,
    Notification: delivery.notification.id,
    Delivery: id,
    DeliveryAttempt: delivery.attempts[0].id,
    Topic: subscribeToTopic.topic.id,
    WorkflowRun: '',
    Signal: '',
  }
  await trigger(carillon, {
    notificationKey: 'invoice.overdue',
    payload: { invoiceId: MARK, amount: 1 },
    recipients: [{ id: 'carl' }],
  })
  ids = {
    ...ids,
    WorkflowRun: (await runOf(carillon)).id,
    Signal: (await signal(carillon, { name: MARK, recipientId: 'carl' })).signal.id,
  }
  const keys = await carillon.addTenant('neighbour')
  const query = 'mutation { createRecipientToken(input: { recipientId: "ada" }) { token } }'
  const { createRecipientToken } = await carillon.ok(keys.backendKey, query)
  neighbour = { ...keys, token: createRecipientToken.token }
})
afterAll(() => carillon.close())

const EVERYTHING = `query ($event: ID!, $notification: ID!, $delivery: ID!, $attempt: ID!, $recipient: ID!, $topic: ID!, $run: ID!, $signal: ID!) {
  a: node(id: $event) { id } b: node(id: $notification) { id } c: node(id: $delivery) { id }
  d: node(id: $attempt) { id } e: node(id: $recipient) { id } f: node(id: $topic) { id }
  g: node(id: $run) { id } h: node(id: $signal) { id }
  workflowRun(id: $run) { id }
  workflowRuns { edges { node { id } } }
  event(id: $event) { id }
  eventByIdempotencyKey(idempotencyKey: "${MARK}") { id }
  delivery(id: $delivery) { id }
  explainDelivery(deliveryId: $delivery) { summary }
  explainRecipient(recipientId: "ada", notificationKey: "comment.mentioned") { finding summary explanations { eventId } }
  own: explainRecipient(recipientId: "${MARK}", notificationKey: "comment.mentioned") { finding explanations { eventId } }
  outcomes { notificationKey channel outcome count }
  events { edges { node { id } } }
  deliveries { edges { node { id } } }
  byEvent: deliveries(filter: { eventId: $event }) { edges { node { id } } }
  byNotification: deliveries(filter: { notificationId: $notification }) { edges { node { id } } }
  recipient(recipientId: "ada") { displayName }
  recipients { edges { node { displayName } } }
  inbox(recipientId: "ada") { counts { total } notifications { edges { node { id } } } }
  preferences(recipientId: "ada") { preferences { channel } policy { timeZone } }
  topic(key: "${MARK}") { subscribers { edges { node { displayName } } } }
  byTopic: recipients(filter: { topicKey: "${MARK}" }) { edges { node { topics { key } } } }
}`

const asked = (given: Record<string, string>) => ({
  event: given['Event'],
  notification: given['Notification'],
  delivery: given['Delivery'],
  attempt: given['DeliveryAttempt'],
  recipient: encodeNodeId('Recipient', 'ada'),
  topic: given['Topic'],
  run: given['WorkflowRun'],
  signal: given['Signal'],
})

test("a tenant is answered about another's rows as about rows that were never there", async () => {
  const never = Object.fromEntries(
    (['Event', 'Notification', 'Delivery', 'DeliveryAttempt', 'Topic', 'WorkflowRun', 'Signal'] as const).map(
      (type) => [type, encodeNodeId(type, randomUUID())],
    ),
  )
  const ours = await carillon.ok(carillon.operatorKey, EVERYTHING, asked(ids))
  expect(Object.entries(ours).filter(([, value]) => value === null)).toEqual([])
  const foreign = await carillon.ok(neighbour.operatorKey, EVERYTHING, asked(ids))
  expect(foreign).toEqual(await carillon.ok(neighbour.operatorKey, EVERYTHING, asked(never)))
  expect(JSON.stringify(foreign)).not.toContain(MARK)
  expect(foreign).toMatchObject({ a: null, event: null, events: { edges: [] }, deliveries: { edges: [] }, topic: null })
  const nothing = { finding: 'no_event', explanations: [] }
  expect(foreign).toMatchObject({ explainRecipient: nothing, own: nothing, outcomes: [] })
  const found = { explainRecipient: { finding: 'per_delivery' }, own: { finding: 'actor_excluded' } }
  expect(ours).toMatchObject({ ...found, outcomes: expect.arrayContaining([expect.objectContaining({ count: 2 })]) })
})

test("a tenant changes nothing of another's", async () => {
  const [item] = await ada.items()
  const query = `mutation ($ids: [ID!]!) {
    markRead(input: { recipientId: "ada", ids: $ids }) { affectedCount counts { total } }
    archive(input: { recipientId: "ada", filter: {} }) { affectedCount }
    signal(input: { recipientId: "carl", name: "invoice.paid" }) { deduplicated }
    setPreferences(input: { recipientId: "ada", preferences: [{ channel: "in_app", enabled: false }] }) { preferences { recipientId } }
    setPolicySettings(input: { recipientId: "ada", timeZone: "Asia/Tokyo", quietHours: [{ start: "22:00", end: "08:00" }] }) { __typename }
    subscribeToTopic(input: { topicKey: "${MARK}", recipientIds: ["ada", "bob"] }) { __typename }
    unsubscribeFromTopic(input: { topicKey: "${MARK}", recipientIds: ["ada"] }) { __typename }
  }`
  const { markRead, archive } = await carillon.ok(neighbour.operatorKey, query, { ids: [item?.id] })
  expect([markRead, archive]).toEqual([{ affectedCount: 0, counts: { total: 0 } }, { affectedCount: 0 }])
  const cancel = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  expect(refusalOf(await carillon.ask(neighbour.backendKey, cancel, { id: ids.Event })).code).toBe('NOT_FOUND')
  expect(await ada.items()).toMatchObject([{ readAt: null, archivedAt: null }])
  const whole = '{ recipient(recipientId: "ada") { addresses { id address } } }'
  const ours = (await carillon.ok(carillon.backendKey, whole)).recipient.addresses
  const register = `mutation { registerAddress(input: { recipientId: "ada", channel: "email", address: "${MARK}@example.test" }) { recipient { email } } }`
  expect((await carillon.ok(neighbour.backendKey, register)).registerAddress.recipient.email).toBeNull()
  const byId = (name: string) => `mutation ($addressId: ID!) {
    ${name}(input: { recipientId: "ada", addressId: $addressId }) { recipient { addresses { id } } } }`
  const theirs = (await carillon.ok(neighbour.backendKey, whole)).recipient.addresses
  expect([theirs, ours]).toMatchObject([[{ address: `${MARK}@example.test` }], [{ address: `${MARK}@example.test` }]])
  const { id: addressId } = ours[0]
  const answer = await carillon.ask(neighbour.operatorKey, byId('registerAddress'), { addressId })
  expect(refusalOf(answer).code).toBe('NOT_FOUND')
  const removed = await carillon.ok(neighbour.operatorKey, byId('removeAddress'), { addressId })
  expect(removed.removeAddress.recipient.addresses).toMatchObject([{ id: theirs[0].id }])
  expect((await carillon.ok(carillon.backendKey, whole)).recipient.addresses).toEqual(ours)
  const { preferences } = await carillon.ok(
    ada.token,
    '{ preferences { preferences { channel } policy { timeZone quietHours { start } } } }',
  )
  expect(preferences).toEqual({ preferences: [], policy: { timeZone: 'Asia/Tokyo', quietHours: [] } })
  const subscribers = `{ topic(key: "${MARK}") { subscriberCount subscribers { edges { node { recipientId } } } } }`
  const { topic } = await carillon.ok(carillon.backendKey, subscribers)
  expect(topic).toEqual({ subscriberCount: 1, subscribers: { edges: [{ node: { recipientId: 'ada' } }] } })
})

test('a recipient of the same name in another tenant sees an inbox of its own', async () => {
  const query = '{ viewer { tenantId } inbox { cursor counts { total } notifications { edges { node { id } } } } }'
  const theirs = await carillon.ok(neighbour.token, query)
  expect(theirs).toMatchObject({ viewer: { tenantId: 'neighbour' }, inbox: { counts: { total: 0 } } })
  const { cursor } = await ada.stand()
  const mark = 'mutation ($upTo: InboxCursor!) { markRead(input: { filter: {}, upTo: $upTo }) { affectedCount } }'
  const answer = await carillon.ask(neighbour.token, mark, { upTo: cursor })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.upTo' })
})

test('a recipient sees the content of its own notifications and nothing behind them', async () => {
  const query = `query ($id: ID!, $event: ID!, $delivery: ID!, $attempt: ID!, $bob: ID!) {
    own: node(id: $id) { ... on Notification { content { title } event { id } deliveries { id } } }
    event: node(id: $event) { id } delivery: node(id: $delivery) { id } attempt: node(id: $attempt) { id }
    bob: node(id: $bob) { id }
    inbox { notifications { edges { node { event { payload } deliveries { attempts { address } } } } } }
  }`
  const variables = { id: ids.Notification, event: ids.Event, delivery: ids.Delivery, attempt: ids.DeliveryAttempt }
  const answer = await carillon.ok(ada.token, query, { ...variables, bob: encodeNodeId('Recipient', 'bob') })
  expect(answer).toEqual({
    own: { content: { title: `${MARK} mentioned you` }, event: null, deliveries: [] },
    event: null,
    delivery: null,
    attempt: null,
    bob: null,
    inbox: { notifications: { edges: [{ node: { event: null, deliveries: [] } }] } },
  })
  const bob = await carillon.tokenFor('bob')
  const foreign: GraphQLAnswer['data'] = await carillon.ok(bob, 'query ($id: ID!) { node(id: $id) { id } }', variables)
  expect(foreign.node).toBeNull()
})

test('a recipient sees its own addresses whole, an operator masked', async () => {
  const query = `query ($id: ID!) { node(id: $id) { ... on Recipient { email addresses { channel address } } } }`
  const id = encodeNodeId('Recipient', 'ada')
  const whole = { email: `${MARK}@example.test`, addresses: [{ channel: 'email', address: `${MARK}@example.test` }] }
  const masked = { email: 'o…@example.test', addresses: [{ channel: 'email', address: 'o…@example.test' }] }
  expect((await carillon.ok(ada.token, query, { id })).node).toEqual(whole)
  expect((await carillon.ok(carillon.backendKey, query, { id })).node).toEqual(whole)
  const support = await createApiKey(carillon.app.db, { tenantId: 'acme', scopes: ['OPERATE'], label: 'support' })
  expect((await carillon.ok(support, query, { id })).node).toEqual(masked)
})
