import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeNodeId } from '../../server/core/node-id.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { refusalOf } from '../support/trigger.ts'

const SUBSCRIBE = `mutation ($topicKey: String!, $recipientIds: [ID!]!) {
  subscribeToTopic(input: { topicKey: $topicKey, recipientIds: $recipientIds }) { topic { id } }
}`
const PAGE = `query ($key: String!, $first: Int, $after: String, $last: Int, $before: String) {
  topic(key: $key) { subscriberCount subscribers(first: $first, after: $after, last: $last, before: $before) {
    edges { node { recipientId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  } }
}`
const LIST = `query ($filter: RecipientFilter, $first: Int, $after: String) {
  recipients(filter: $filter, first: $first, after: $after) {
    edges { node { recipientId topics { key } } } pageInfo { hasNextPage endCursor }
  }
}`

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] }, { clock })
})
afterAll(() => carillon.close())

const subscribe = async (topicKey: string, ...recipientIds: readonly string[]): Promise<string> =>
  (await carillon.ok(carillon.backendKey, SUBSCRIBE, { topicKey, recipientIds })).subscribeToTopic.topic.id

const idsOf = (connection: GraphQLAnswer['data']): readonly string[] =>
  connection.edges.map(({ node }: GraphQLAnswer['data']) => node.recipientId)

test('a topic is found by its key and by its id, and one that never was is not', async () => {
  const id = await subscribe('found', 'ada')
  const query =
    'query ($id: ID!) { topic(key: "found") { id key subscriberCount } node(id: $id) { ... on Topic { key } } }'
  for (const key of [carillon.backendKey, carillon.operatorKey]) {
    const { topic, node } = await carillon.ok(key, query, { id })
    expect([topic, node]).toEqual([{ id, key: 'found', subscriberCount: 1 }, { key: 'found' }])
  }
  const { topic } = await carillon.ok(carillon.backendKey, '{ topic(key: "never") { id } }')
  expect(topic).toBeNull()
})

test('subscribers are listed in order of their ids, a page at a time, both ways', async () => {
  await subscribe('paged', 's-3', 's-1', 's-5', 's-2', 's-4')
  await subscribe('other', 's-0', 's-1', 's-6')
  const page = async (args: object) => {
    const { subscribers } = (await carillon.ok(carillon.backendKey, PAGE, { key: 'paged', ...args })).topic
    return { ids: idsOf(subscribers), ...subscribers.pageInfo }
  }
  const first = await page({ first: 2 })
  expect(first).toMatchObject({ ids: ['s-1', 's-2'], hasNextPage: true, hasPreviousPage: false })
  const rest = await page({ first: 3, after: first.endCursor })
  expect(rest).toMatchObject({ ids: ['s-3', 's-4', 's-5'], hasNextPage: false, hasPreviousPage: true })
  const last = await page({ last: 2 })
  expect(last).toMatchObject({ ids: ['s-4', 's-5'], hasNextPage: false, hasPreviousPage: true })
  expect((await page({ last: 2, before: last.startCursor })).ids).toEqual(['s-2', 's-3'])
  const answer = await carillon.ask(carillon.backendKey, PAGE, { key: 'paged', first: 101 })
  expect(refusalOf(answer).code).toBe('BAD_USER_INPUT')
})

test('what hangs on subscribers comes with them', async () => {
  await subscribe('deep', 'deep-1', 'deep-2')
  await carillon.ok(
    carillon.backendKey,
    `mutation { upsertRecipients(input: { recipients: [
      { id: "deep-1", displayName: "One", email: "one@example.test", addresses: [{ channel: "push", address: "p" }] }
    ] }) { __typename } }`,
  )
  const query = `{ topic(key: "deep") { subscribers { edges { node {
    id displayName addresses { channel } topics { key subscribers(first: 1) { edges { node { recipientId } } } }
  } } } } }`
  const topics = [{ key: 'deep', subscribers: { edges: [{ node: { recipientId: 'deep-1' } }] } }]
  const { topic } = await carillon.ok(carillon.backendKey, query)
  expect(topic.subscribers.edges).toEqual([
    {
      node: {
        id: encodeNodeId('Recipient', 'deep-1'),
        displayName: 'One',
        addresses: [{ channel: 'email' }, { channel: 'push' }],
        topics,
      },
    },
    { node: { id: encodeNodeId('Recipient', 'deep-2'), displayName: null, addresses: [], topics } },
  ])
})

test('recipients are filtered by topic, and by the beginning of their ids with it', async () => {
  await subscribe('filtered', 'f-a1', 'f-a2', 'f-a3', 'f-b1')
  await subscribe('elsewhere', 'f-a4')
  const list = async (filter: object, args: object = {}) =>
    (await carillon.ok(carillon.operatorKey, LIST, { filter, ...args })).recipients
  const topicKey = 'filtered'
  expect(idsOf(await list({ topicKey }))).toEqual(['f-a1', 'f-a2', 'f-a3', 'f-b1'])
  expect(idsOf(await list({ topicKey, recipientId: 'f-a' }))).toEqual(['f-a1', 'f-a2', 'f-a3'])
  expect(idsOf(await list({ recipientId: 'f-a' }))).toEqual(['f-a1', 'f-a2', 'f-a3', 'f-a4'])
  expect(idsOf(await list({ topicKey, recipientId: 'f_' }))).toEqual([])
  expect(idsOf(await list({ topicKey: 'never' }))).toEqual([])
  const first = await list({ topicKey }, { first: 3 })
  expect(first.pageInfo.hasNextPage).toBe(true)
  const second = await list({ topicKey }, { first: 3, after: first.pageInfo.endCursor })
  expect([idsOf(second), second.pageInfo.hasNextPage]).toEqual([['f-b1'], false])
})

test("a recipient's topics are its newest 100 subscriptions, the newest first", async () => {
  const keys = Array.from({ length: 102 }, (_, index) => `t-${index}`)
  for (const key of keys) {
    clock.advance(1_000)
    await subscribe(key, 'fan', 'fan-too')
  }
  await carillon.ok(
    carillon.backendKey,
    'mutation { unsubscribeFromTopic(input: { topicKey: "t-101", recipientIds: ["fan-too"] }) { __typename } }',
  )
  const newest = keys.toReversed()
  const { recipients } = await carillon.ok(carillon.backendKey, LIST, { filter: { recipientId: 'fan' } })
  const topics = recipients.edges.map(({ node }: GraphQLAnswer['data']) =>
    node.topics.map(({ key }: GraphQLAnswer['data']) => key),
  )
  expect(topics).toEqual([newest.slice(0, 100), newest.slice(1, 101)])
})

test('a recipient sees no topics, and nobody through them', async () => {
  const id = await subscribe('secret', 'eve', 'fay')
  const token = await carillon.tokenFor('eve')
  const query = `query ($own: ID!, $id: ID!) {
    own: node(id: $own) { ... on Recipient { recipientId topics { key subscribers { edges { node { recipientId } } } } } }
    node(id: $id) { id }
  }`
  const answer = await carillon.ok(token, query, { own: encodeNodeId('Recipient', 'eve'), id })
  expect(answer).toEqual({ own: { recipientId: 'eve', topics: [] }, node: null })
})
