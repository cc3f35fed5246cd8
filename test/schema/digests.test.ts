import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import {
  bucketOf,
  buckets,
  comment,
  comments,
  flush,
  HOURLY,
  ruleInput,
  somebody,
  tryDeleteRule,
  tryUpsertRule,
  upsertRule,
} from '../support/digests.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { refusalOf } from '../support/trigger.ts'

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
/** Another tenant of the same server. */
let neighbour: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [comment], adapters: { email }, digestRules: [HOURLY] }, { clock })
  neighbour = { ...carillon, ...(await carillon.addTenant('neighbour')) }
})
afterAll(() => carillon.close())

const INPUT = ruleInput({ ...HOURLY, key: 'fine' })
const without = (...fields: string[]) =>
  Object.fromEntries(Object.entries(INPUT).filter(([name]) => !fields.includes(name)))
const boundary = { ...without('windowMinutes'), windowKind: 'BOUNDARY', boundaryTime: '09:00' }
const sliding = { ...INPUT, windowKind: 'SLIDING', maxWindowMinutes: 90 }

test.each<[string, Record<string, unknown>, string]>([
  ['a blank key', { ...INPUT, key: ' ' }, 'input.key'],
  ['a key too long', { ...INPUT, key: 'x'.repeat(256) }, 'input.key'],
  ['a key that cannot be stored', { ...INPUT, key: 'a\0' }, 'input.key'],
  ['a version of 0', { ...INPUT, version: 0 }, 'input.version'],
  ['a blank channel', { ...INPUT, channel: '' }, 'input.channel'],
  ['a blank notifier', { ...INPUT, matchNotificationKey: '' }, 'input.matchNotificationKey'],
  ['a blank category', { ...INPUT, matchCategory: '  ' }, 'input.matchCategory'],
  ['no minutes', without('windowMinutes'), 'input.windowMinutes'],
  ['0 minutes', { ...INPUT, windowMinutes: 0 }, 'input.windowMinutes'],
  ['more than a year', { ...INPUT, windowMinutes: 525_601 }, 'input.windowMinutes'],
  ['a limit of a window that has none', { ...INPUT, maxWindowMinutes: 60 }, 'input.maxWindowMinutes'],
  ['a time of a window that has none', { ...INPUT, boundaryTime: '09:00' }, 'input.boundaryTime'],
  ['a zone of a window that has none', { ...INPUT, boundaryTimeZone: 'UTC' }, 'input.boundaryTimeZone'],
  ['a sliding window without a limit', { ...sliding, maxWindowMinutes: null }, 'input.maxWindowMinutes'],
  ['a limit shorter than the window', { ...sliding, maxWindowMinutes: 59 }, 'input.maxWindowMinutes'],
  ['a boundary without a time', { ...boundary, boundaryTime: null }, 'input.boundaryTime'],
  ['a boundary with minutes', { ...boundary, windowMinutes: 60 }, 'input.windowMinutes'],
  ['a time that is none', { ...boundary, boundaryTime: '9am' }, 'input.boundaryTime'],
  ['a zone that is none', { ...boundary, boundaryTimeZone: 'Mars/Olympus' }, 'input.boundaryTimeZone'],
  ['no items', { ...INPUT, maxItems: 0 }, 'input.maxItems'],
  ['too many items', { ...INPUT, maxItems: 10_001 }, 'input.maxItems'],
])('a rule with %s is refused, and the field named', async (_, input, path) => {
  expect(refusalOf(await tryUpsertRule(carillon, input))).toEqual({ code: 'BAD_USER_INPUT', path })
})

const RULES = `query ($key: String, $channel: String) {
  digestRules(key: $key, channel: $channel) { id key version channel }
}`

test('rules are found by key and channel, and by their ids', async () => {
  const second = await upsertRule(carillon, { ...HOURLY, version: 2, maxItems: 10 })
  const paged = await upsertRule(carillon, { ...HOURLY, key: 'paged', channel: 'pager' })
  const idsOf = async (variables: object, on = carillon) =>
    (await on.ok(on.operatorKey, RULES, { ...variables })).digestRules.map(({ id }: GraphQLAnswer['data']) => id)
  expect(await idsOf({ key: HOURLY.key })).toHaveLength(2)
  expect(await idsOf({ channel: 'pager' })).toEqual([paged.id])
  expect(await idsOf({ key: HOURLY.key, channel: 'pager' })).toEqual([])
  expect(await idsOf({})).toHaveLength(3)
  const node = 'query ($id: ID!) { node(id: $id) { ... on DigestRule { key version maxItems } } }'
  expect((await carillon.ok(carillon.operatorKey, node, { id: second.id })).node).toEqual({
    key: HOURLY.key,
    version: 2,
    maxItems: 10,
  })
  expect((await neighbour.ok(neighbour.operatorKey, node, { id: second.id })).node).toBeNull()
  expect(await idsOf({ channel: 'pager' }, neighbour)).toEqual([])
})

const PAGE = `query ($filter: DigestBucketFilter, $first: Int, $after: String, $last: Int, $before: String) {
  digestBuckets(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id groupingValue } } pageInfo { hasNextPage hasPreviousPage endCursor startCursor }
  }
}`

test('buckets come a page at a time, newest first, either way', async () => {
  const ada = somebody()
  for (const thread of ['a', 'b', 'c', 'd', 'e']) await comments(carillon, ['x'], { recipientId: ada, thread })
  const page = async (variables: object) =>
    (await carillon.ok(carillon.operatorKey, PAGE, { filter: { recipientId: ada }, ...variables })).digestBuckets
  const valuesOf = ({ edges }: GraphQLAnswer['data']) =>
    edges.map(({ node }: GraphQLAnswer['data']) => node.groupingValue)
  const first = await page({ first: 2 })
  expect([valuesOf(first), first.pageInfo.hasNextPage]).toEqual([['e', 'd'], true])
  const second = await page({ first: 2, after: first.pageInfo.endCursor })
  const third = await page({ first: 2, after: second.pageInfo.endCursor })
  expect([valuesOf(second), valuesOf(third), third.pageInfo.hasNextPage]).toEqual([['c', 'b'], ['a'], false])
  expect(valuesOf(await page({ last: 2, before: third.pageInfo.startCursor }))).toEqual(['c', 'b'])
  const foreign = await carillon.ask(carillon.operatorKey, PAGE, { first: 2, after: 'nonsense' })
  expect(refusalOf(foreign)).toEqual({ code: 'BAD_USER_INPUT', path: 'after' })
})

test('buckets are found by recipient, rule and state', async () => {
  const [ada, eve] = [somebody(), somebody()]
  await comments(carillon, ['x'], { recipientId: ada })
  await comments(carillon, ['x'], { recipientId: eve })
  await flush(carillon, (await bucketOf(carillon, eve)).id)
  const peopleOf = async (filter: object) =>
    (await buckets(carillon, filter)).map(({ recipientId }: GraphQLAnswer['data']) => recipientId)
  expect(await peopleOf({ recipientId: ada, state: 'OPEN' })).toEqual([ada])
  expect(await peopleOf({ recipientId: eve, state: 'OPEN' })).toEqual([])
  expect(await peopleOf({ state: 'EMITTED' })).toEqual([eve])
  expect(await peopleOf({ recipientId: eve, ruleKey: HOURLY.key })).toEqual([eve])
  expect(await peopleOf({ recipientId: eve, ruleKey: 'another' })).toEqual([])
})

test("a bucket's members come a page at a time, in the order in which they were planned", async () => {
  const ada = somebody()
  const events = await comments(carillon, ['1', '2', '3', '4', '5'], { recipientId: ada })
  const query = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on DigestBucket {
    memberCount members(first: $first, after: $after, last: $last, before: $before) {
      edges { node { deliveryId notificationKey resolution reason } } pageInfo { hasNextPage endCursor }
    } } } }`
  const { id } = await bucketOf(carillon, ada)
  const page = async (variables: object) => (await carillon.ok(carillon.operatorKey, query, { id, ...variables })).node
  const seen: unknown[] = []
  let after: string | null = null
  for (let pages = 0; pages < 3; pages++) {
    const { members } = await page({ first: 2, after })
    seen.push(...members.edges.map(({ node }: GraphQLAnswer['data']) => node))
    after = members.pageInfo.endCursor
    expect(members.pageInfo.hasNextPage).toBe(pages < 2)
  }
  const held = 'query ($id: ID!) { deliveries(filter: { eventId: $id, channel: "email" }) { edges { node { id } } } }'
  const ids = await Promise.all(
    events.map(async (eventId) => {
      const { deliveries } = await carillon.ok(carillon.operatorKey, held, { id: eventId })
      return deliveries.edges[0].node.id
    }),
  )
  expect(seen).toEqual(
    ids.map((deliveryId) => ({ deliveryId, notificationKey: 'comment.added', resolution: null, reason: null })),
  )
  const { memberCount, members } = await page({ last: 2 })
  expect([memberCount, members.edges.map(({ node }: GraphQLAnswer['data']) => node.deliveryId)]).toEqual([
    5,
    ids.slice(-2),
  ])
})

test('nobody sees, closes or deletes what is of another tenant', async () => {
  const ada = somebody()
  await comments(carillon, ['x'], { recipientId: ada })
  const { id } = await bucketOf(carillon, ada)
  expect(await buckets(neighbour, { recipientId: ada })).toEqual([])
  expect(await buckets(neighbour)).toEqual([])
  const node = 'query ($id: ID!) { node(id: $id) { id } }'
  expect((await neighbour.ok(neighbour.operatorKey, node, { id })).node).toBeNull()
  await expect(flush(neighbour, id)).rejects.toThrow('There is no such digest bucket')
  const own = { key: 'own', version: 1 }
  await upsertRule(carillon, { ...HOURLY, ...own })
  expect(refusalOf(await tryDeleteRule(neighbour, own)).code).toBe('NOT_FOUND')
  // The same name is another rule there.
  await upsertRule(neighbour, { ...HOURLY, ...own, maxItems: 3 })
  expect((await bucketOf(carillon, ada)).state).toBe('OPEN')
})

test.each<[string, string, string, string]>([
  ['an id of nothing', 'nonsense', 'why not', 'NOT_FOUND input.bucketId'],
  ['an id of something else', 'RGVsaXZlcnk6MDFhMjAyNmI', 'why not', 'NOT_FOUND input.bucketId'],
  ['too many words', 'nonsense', 'x'.repeat(5_000), 'BAD_USER_INPUT input.reason'],
])('a bucket cannot be closed with %s', async (_, bucketId, reason, expected) => {
  const query = 'mutation ($input: FlushDigestBucketInput!) { flushDigestBucket(input: $input) { bucket { id } } }'
  const { code, path } = refusalOf(await carillon.ask(carillon.operatorKey, query, { input: { bucketId, reason } }))
  expect(`${code} ${path}`).toBe(expected)
})
