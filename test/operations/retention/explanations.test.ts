import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { mention } from '../../support/notifiers.ts'
import { tryOperate } from '../../support/operator.ts'
import { DAY_MS, outcomesOf, pruneWhole } from '../../support/retention.ts'
import { refusalOf, trigger } from '../../support/trigger.ts'

const clock = new TestClock('2026-01-15T23:30:00.000Z')
let carillon: TestCarillon
beforeAll(async () => {
  const retention = { events: '90d', inbox: { all: '30d' } } as const
  carillon = await startCarillon({ notifiers: [mention], adapters: { email: memory() }, retention }, { clock })
})
afterAll(() => carillon.close())

const mentionTo = async (...ids: readonly string[]): Promise<string> => {
  const recipients = ids.map((id) => ({ id, email: `${id}@example.test` }))
  const payload = { author: 'Bob' }
  const { event } = await trigger(carillon, { notificationKey: 'comment.mentioned', payload, recipients })
  await carillon.drainJobs()
  return event.id
}

const EXPLAIN = `query ($id: ID!, $since: DateTime) {
  explainRecipient(recipientId: $id, notificationKey: "comment.mentioned", since: $since) { finding summary explanations { deliveryId } }
}`
const explain = async (id: string, since?: string) =>
  (await carillon.ok(carillon.operatorKey, EXPLAIN, { id, since })).explainRecipient

test('an explanation outlives the item in the inbox, and says when that went', async () => {
  const eventId = await mentionTo('ada')
  clock.advance(31 * DAY_MS)
  await carillon.app.prune()
  const told = await deliveryOf(carillon, { eventId, channel: 'in_app' })
  expect(storyOf(told).at(-1)).toBe('notification_pruned')
  expect(told.explanation.summary).toMatch(/ It was taken out of the inbox for its age at 2026-02-15 23:30:00 UTC\.$/)
  const mailed = await deliveryOf(carillon, { eventId, channel: 'email' })
  expect(mailed.explanation.summary).not.toMatch(/inbox/)
})

test('of what was pruned nothing is there, and it is said that it was', async () => {
  const { id } = await deliveryOf(carillon, { recipientId: 'ada', channel: 'email' })
  expect(await explain('ada')).toMatchObject({ finding: 'per_delivery' })
  clock.advance(90 * DAY_MS)
  await pruneWhole(carillon, clock)
  const GONE =
    'query ($id: ID!) { explainDelivery(deliveryId: $id) { summary } delivery(id: $id) { id } node(id: $id) { id } }'
  expect(await carillon.ok(carillon.operatorKey, GONE, { id })).toEqual({
    explainDelivery: null,
    delivery: null,
    node: null,
  })
  for (const action of ['retry', 'cancel', 'resume'] as const)
    expect(refusalOf(await tryOperate(carillon, action, id)).code).toBe('NOT_FOUND')

  const pruned =
    'Events of it up to 2026-01-15 23:30:00 UTC have been pruned for their age, and whom those were for is not kept.'
  expect(await explain('ada')).toEqual({
    finding: 'no_event',
    summary: `No event of "comment.mentioned" is kept. ${pruned}`,
    explanations: [],
  })
  expect((await explain('ada', '2026-01-16T00:00:00.000Z')).summary).toMatch(
    /^There is no event of "comment.mentioned" since /,
  )
  await mentionTo('bob')
  expect((await explain('ada')).summary).toMatch(
    /^This recipient is not among those of the event of .* for is not kept\.$/,
  )
  expect(await explain('bob')).toMatchObject({
    finding: 'per_delivery',
    summary: expect.stringMatching(/ Events of it up to .* have been pruned/),
  })
  expect((await explain('bob', clock.now().toISOString())).summary).not.toMatch(/pruned/)
})

test('outcomes count what was pruned by its day: intervals that follow each other count everything once', async () => {
  clock.set('2026-08-01T10:00:00.000Z')
  await mentionTo('carl', 'dora')
  clock.set('2026-08-02T10:00:00.000Z')
  await mentionTo('carl')
  const filter = { insertedAfter: '2026-08-01T00:00:00.000Z', insertedBefore: '2026-08-03T00:00:00.000Z' }
  const before = await outcomesOf(carillon, filter)
  expect(before).toEqual(['comment.mentioned email SENT 3', 'comment.mentioned in_app SENT 3'])
  clock.advance(150 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await outcomesOf(carillon, filter)).toEqual(before)
  expect(await outcomesOf(carillon, { ...filter, channel: 'email' })).toEqual([before[0]])
  expect(await outcomesOf(carillon, { ...filter, notificationKey: 'another' })).toEqual([])
  // The first of August begins before noon of it.
  const noon = '2026-08-01T12:00:00.000Z'
  expect(await outcomesOf(carillon, { ...filter, insertedBefore: noon, channel: 'email' })).toEqual([
    'comment.mentioned email SENT 2',
  ])
  expect(await outcomesOf(carillon, { ...filter, insertedAfter: noon, channel: 'email' })).toEqual([
    'comment.mentioned email SENT 1',
  ])
})
