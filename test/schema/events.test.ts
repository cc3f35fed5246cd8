import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { greeting, page, teamNews } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'

const clock = new TestClock()
let carillon: TestCarillon
const ids: string[] = []
beforeAll(async () => {
  carillon = await startCarillon(
    { notifiers: [greeting, page, teamNews], adapters: { pager: scripted('pager') } },
    { clock },
  )
  const given = [
    { correlationId: 'cause', recipients: [{ id: 'ada' }, { id: 'bob' }] },
    { recipients: [{ id: 'bob' }], actorId: 'ada', idempotencyKey: 'known' },
    { notificationKey: 'pager.call', payload: {}, correlationId: 'cause' },
    {
      notificationKey: 'team.news',
      payload: { members: Array.from({ length: 1_001 }, (_, i) => `m${i}`) },
      recipients: null,
    },
    { notificationKey: 'pager.call', payload: {}, recipients: [] },
  ]
  for (const [index, input] of given.entries()) {
    clock.set(`2026-01-15T12:0${index}:00.000Z`)
    ids.push((await trigger(carillon, input)).event.id)
  }
  const cancel = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  await carillon.ok(carillon.backendKey, cancel, { id: ids[4] })
})
afterAll(() => carillon.close())

const EVENTS = `query ($filter: EventFilter, $first: Int, $after: String, $last: Int, $before: String) {
  events(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id status } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

/** Which of the events above fit, by their place. */
const found = async (filter: object): Promise<number[]> => {
  const { events } = await carillon.ok(carillon.operatorKey, EVENTS, { filter })
  return events.edges.map(({ node }: GraphQLAnswer['data']) => ids.indexOf(node.id))
}

test.each<[object, number[]]>([
  [{}, [4, 3, 2, 1, 0]],
  [{ notificationKey: 'pager.call' }, [4, 2]],
  [{ notificationKey: '' }, []],
  [{ correlationId: 'cause' }, [2, 0]],
  [{ correlationId: '' }, []],
  [{ recipientId: 'bob' }, [1, 0]],
  [{ recipientId: '' }, []],
  [{ status: ['CANCELLED'] }, [4]],
  [{ status: ['PLANNING', 'CANCELLED'] }, [4, 3]],
  [{ status: [] }, []],
  [{ status: null, correlationId: null }, [4, 3, 2, 1, 0]],
  [{ insertedAfter: '2026-01-15T12:01:00.000Z' }, [4, 3, 2, 1]],
  [{ insertedBefore: '2026-01-15T12:01:00.000Z' }, [0]],
  [{ insertedAfter: '2026-01-15T12:01:00Z', insertedBefore: '2026-01-15T14:03:00+02:00' }, [2, 1]],
  [{ correlationId: 'cause', notificationKey: 'greeting', recipientId: 'ada' }, [0]],
])('events that fit %j are found, newest first', async (filter, places) => {
  expect(await found(filter)).toEqual(places)
})

test('events come a page at a time, both ways', async () => {
  const page = async (args: object) => {
    const { events } = await carillon.ok(carillon.operatorKey, EVENTS, { ...args })
    const places = events.edges.map(({ node }: GraphQLAnswer['data']) => ids.indexOf(node.id))
    return { places, ...events.pageInfo }
  }
  const first = await page({ first: 2 })
  expect(first).toMatchObject({ places: [4, 3], hasNextPage: true, hasPreviousPage: false })
  const second = await page({ first: 2, after: first.endCursor })
  expect(second).toMatchObject({ places: [2, 1], hasNextPage: true, hasPreviousPage: true })
  expect(await page({ first: 2, after: second.endCursor })).toMatchObject({ places: [0], hasNextPage: false })
  const last = await page({ last: 2 })
  expect(last).toMatchObject({ places: [1, 0], hasNextPage: false, hasPreviousPage: true })
  expect((await page({ last: 2, before: last.startCursor })).places).toEqual([3, 2])
})

test('an event is found by its id and by its idempotency key, and tells all of itself', async () => {
  const fields = `id notificationKey notificationVersion idempotencyKey correlationId actorId payload status insertedAt
    isDigest recipientCount plannedRecipientCount failedRecipientCount`
  const query = `query ($id: ID!) { event(id: $id) { ${fields} } byKey: eventByIdempotencyKey(idempotencyKey: "known") { ${fields} } }`
  const { event, byKey } = await carillon.ok(carillon.backendKey, query, { id: ids[1] })
  expect(event).toEqual({
    id: ids[1],
    notificationKey: 'greeting',
    notificationVersion: 1,
    idempotencyKey: 'known',
    correlationId: null,
    actorId: 'ada',
    payload: { text: 'hello' },
    status: 'PLANNED',
    insertedAt: '2026-01-15T12:01:00.000Z',
    isDigest: false,
    recipientCount: 1,
    plannedRecipientCount: 1,
    failedRecipientCount: 0,
  })
  expect(byKey).toEqual(event)
})

test('what does not exist is null, whatever the id looks like', async () => {
  const query = 'query ($id: ID!) { event(id: $id) { id } delivery(id: $id) { id } node(id: $id) { id } }'
  const { notifications } = (
    await carillon.ok(
      carillon.operatorKey,
      'query ($id: ID!) { event(id: $id) { notifications { edges { node { id } } } } }',
      { id: ids[0] },
    )
  ).event
  const nothing = { event: null, delivery: null }
  for (const id of [
    '',
    'nonsense',
    randomUUID(),
    'x'.repeat(10_000),
    "' or 1=1",
    Buffer.from(`Event:${randomUUID()}`).toString('base64url'),
  ]) {
    expect(await carillon.ok(carillon.operatorKey, query, { id })).toEqual({ ...nothing, node: null })
  }
  const { id } = notifications.edges[0].node
  expect(await carillon.ok(carillon.operatorKey, query, { id })).toEqual({ ...nothing, node: { id } })
})

test("an event's notifications and deliveries come with it, and with whose they are", async () => {
  const query = `query ($id: ID!) {
    event(id: $id) {
      notifications(first: 1) { edges { node { recipientId event { id } deliveries { channel } } } pageInfo { hasNextPage endCursor } }
      deliveries { edges { node { channel status notification { recipientId } } } }
    }
  }`
  const { event } = await carillon.ok(carillon.operatorKey, query, { id: ids[0] })
  const [{ node }] = event.notifications.edges
  expect(node).toMatchObject({ event: { id: ids[0] }, deliveries: [{ channel: 'in_app' }] })
  expect(event.notifications.pageInfo.hasNextPage).toBe(true)
  const whose = event.deliveries.edges.map(({ node }: GraphQLAnswer['data']) => node.notification.recipientId)
  expect(whose.toSorted()).toEqual(['ada', 'bob'])
})
