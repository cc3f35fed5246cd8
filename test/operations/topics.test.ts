import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { randomOfRun } from '../support/random.ts'
import { refusalOf } from '../support/trigger.ts'

const TOPIC = 'topic { id key subscriberCount subscribers(first: 100) { edges { node { recipientId } } } }'
const SUBSCRIBE = `mutation ($input: TopicSubscriptionInput!) { change: subscribeToTopic(input: $input) { ${TOPIC} } }`
const UNSUBSCRIBE = `mutation ($input: TopicSubscriptionInput!) { change: unsubscribeFromTopic(input: $input) { ${TOPIC} } }`

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

interface Subscribed {
  readonly id: string
  readonly key: string
  readonly subscriberCount: number
  readonly ids: readonly string[]
}

const change = async (query: string, topicKey: string, recipientIds: readonly string[]): Promise<Subscribed> => {
  const { topic } = (await carillon.ok(carillon.backendKey, query, { input: { topicKey, recipientIds } })).change
  const { subscribers, ...rest } = topic
  return {
    ...rest,
    ids: subscribers.edges.map(({ node }: { node: { recipientId: string } }) => node.recipientId),
  }
}
const subscribe = (topicKey: string, ...ids: readonly string[]) => change(SUBSCRIBE, topicKey, ids)
const unsubscribe = (topicKey: string, ...ids: readonly string[]) => change(UNSUBSCRIBE, topicKey, ids)

/** What the database holds of a topic: its own count, and its rows. */
const storedOf = async (key: string) => {
  const { rows } = await carillon.sql.query<{ count: number; actual: number }>(
    `select t.subscriber_count as count, (select count(*)::int from topic_subscription s where s.topic_id = t.id) as actual
    from topic t where t.key = $1`,
    [key],
  )
  return rows
}

test('subscribing makes the topic, and the recipients that are new', async () => {
  const made = await subscribe(' releases ', 'zoe', ' ada ')
  expect(made).toMatchObject({ key: 'releases', subscriberCount: 2, ids: ['ada', 'zoe'] })
  const { recipient } = await carillon.ok(
    carillon.backendKey,
    '{ recipient(recipientId: "ada") { type displayName addresses { id } } }',
  )
  expect(recipient).toEqual({ type: 'user', displayName: null, addresses: [] })
  expect(await subscribe('releases', 'bob')).toMatchObject({ id: made.id, subscriberCount: 3 })
})

test('details of a recipient that is known stay as they are', async () => {
  const upsert =
    'mutation { upsertRecipients(input: { recipients: [{ id: "known", displayName: "K" }] }) { __typename } }'
  await carillon.ok(carillon.backendKey, upsert)
  await subscribe('known', 'known')
  const { recipient } = await carillon.ok(carillon.backendKey, '{ recipient(recipientId: "known") { displayName } }')
  expect(recipient.displayName).toBe('K')
})

test('subscribing twice, in one call or in two, changes nothing', async () => {
  const first = await subscribe('twice', 'ada', ' ada', 'bob')
  expect(first).toMatchObject({ subscriberCount: 2, ids: ['ada', 'bob'] })
  const { rows: before } = await carillon.sql.query('select recipient_id, inserted_at from topic_subscription')
  expect(await subscribe('twice', 'bob', 'ada')).toEqual(first)
  const { rows: after } = await carillon.sql.query('select recipient_id, inserted_at from topic_subscription')
  expect(after).toEqual(before)
})

test('unsubscribing ends what there is, and passes over what there is not', async () => {
  await subscribe('leave', 'ada', 'bob', 'cid')
  const left = { subscriberCount: 1, ids: ['cid'] }
  expect(await unsubscribe('leave', 'bob', ' ada ', 'ada', 'nobody')).toMatchObject(left)
  expect(await unsubscribe(' leave ', 'bob', 'ada')).toMatchObject(left)
  expect(await unsubscribe('leave', 'cid')).toMatchObject({ subscriberCount: 0, ids: [] })
  expect((await carillon.sql.query("select 1 from recipient where recipient_id = 'nobody'")).rows).toEqual([])
})

test('a topic that nobody ever subscribed to cannot be left', async () => {
  const input = { topicKey: 'unknown', recipientIds: ['ada'] }
  const answer = await carillon.ask(carillon.backendKey, UNSUBSCRIBE, { input })
  expect(refusalOf(answer)).toEqual({ code: 'NOT_FOUND', path: 'input.topicKey' })
  expect(await storedOf('unknown')).toEqual([])
})

test('a thousand recipients are one call, and one more is one too many', async () => {
  const ids = Array.from({ length: 1_001 }, (_, index) => `many-${index}`)
  expect(await subscribe('many', ...ids.slice(1))).toMatchObject({ subscriberCount: 1_000 })
  for (const query of [SUBSCRIBE, UNSUBSCRIBE]) {
    const answer = await carillon.ask(carillon.backendKey, query, { input: { topicKey: 'many', recipientIds: ids } })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipientIds' })
  }
  expect(await unsubscribe('many', ...ids.slice(1))).toMatchObject({ subscriberCount: 0 })
})

test.each([
  ['a blank topic', { topicKey: ' ' }, 'topicKey'],
  ['a topic too long', { topicKey: 'x'.repeat(256) }, 'topicKey'],
  ['a topic that cannot be stored', { topicKey: 'a\0' }, 'topicKey'],
  ['a blank recipient', { recipientIds: ['ada', ' '] }, 'recipientIds.1'],
  ['a recipient too long', { recipientIds: ['x'.repeat(256)] }, 'recipientIds.0'],
  ['a recipient that cannot be stored', { recipientIds: ['ada', '\uD800'] }, 'recipientIds.1'],
])('%s refuses the whole', async (_, given, path) => {
  const input = { topicKey: 'refused', recipientIds: ['ada'], ...given }
  for (const query of [SUBSCRIBE, UNSUBSCRIBE]) {
    const answer = await carillon.ask(carillon.backendKey, query, { input })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: `input.${path}` })
  }
  expect(await storedOf('refused')).toEqual([])
})

test('eight who come and go at once are counted exactly', async () => {
  const random = randomOfRun('subscribers')
  const everyone = Array.from({ length: 60 }, (_, index) => `crowd-${index}`)
  for (let round = 0; round < 5; round++) {
    // New topics and new recipients in the first round, so that making them meets as well; two topics, in both orders.
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const topics = index % 2 === 0 ? ['crowd', 'throng'] : ['throng', 'crowd']
        for (const topic of topics) {
          const field = round > 0 && index % 4 > 1 ? 'unsubscribeFromTopic' : 'subscribeToTopic'
          const query = `mutation ($input: TopicSubscriptionInput!) { ${field}(input: $input) { __typename } }`
          await carillon.ok(carillon.backendKey, query, {
            input: { topicKey: topic, recipientIds: random.sample(everyone, 30) },
          })
        }
      }),
    )
    for (const topic of ['crowd', 'throng']) {
      const [row, ...others] = await storedOf(topic)
      expect(others).toEqual([])
      expect(row?.count).toBe(row?.actual)
    }
  }
})
