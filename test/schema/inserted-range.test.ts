import { afterAll, beforeAll, expect, test } from 'vitest'
import { databaseClock } from '../../server/clock.ts'
import { newId } from '../../server/ids.ts'
import { memory } from '../../server/index.ts'
import { idsInserted } from '../../server/operations/ids-inserted.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { mention } from '../support/notifiers.ts'
import { trigger } from '../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention], adapters: { email: memory() } })
})
afterAll(() => carillon.close())

const QUERY = `query ($filter: OutcomeFilter!, $input: OutcomeHistoryInput!, $deliveries: DeliveryFilter!) {
  outcomes(filter: $filter) { count }
  outcomeHistory(input: $input) { outcomes { count } }
  deliveries(filter: $deliveries) { edges { node { id } } }
}`

/** How many deliveries were planned from one instant until before another: as each of the three that can be asked says it. */
const planned = async (from: Date, to: Date): Promise<number[]> => {
  const filter = { channel: 'email', insertedAfter: from.toISOString(), insertedBefore: to.toISOString() }
  const variables = { filter, input: { ...filter, periodMinutes: 60 }, deliveries: filter }
  const { outcomes, outcomeHistory, deliveries } = await carillon.ok(carillon.operatorKey, QUERY, variables)
  const sum = (counts: readonly { count: number }[]) => counts.reduce((total, { count }) => total + count, 0)
  return [sum(outcomes), sum(outcomeHistory.flatMap((one: { outcomes: [] }) => one.outcomes)), deliveries.edges.length]
}

const HOUR_MS = 3_600_000
const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)

test('by the time of the database an interval is exact to the millisecond, though ids are of a process whose clock is off', async () => {
  const recipients = [{ id: 'ada', email: 'ada@example.test' }]
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' }, recipients })
  for (const off of ['0', '50 minutes', '-100 minutes']) {
    const { rows } = await carillon.sql.query(
      `update delivery set inserted_at = date_trunc('milliseconds', inserted_at + $1::interval) where channel = 'email' returning inserted_at as at`,
      [off],
    )
    const { at } = rows[0]
    expect(await planned(at, later(at, 1))).toEqual([1, 1, 1])
    expect(await planned(later(at, -HOUR_MS), at)).toEqual([0, 0, 0])
    expect(await planned(later(at, 1), later(at, HOUR_MS))).toEqual([0, 0, 0])
  }
})

test('an interval is read by ids, of which those that are hours away are not looked at', async () => {
  const { rows } = await carillon.sql.query(
    `update delivery set inserted_at = now() - interval '3 hours' where channel = 'email' returning inserted_at as at`,
  )
  const { at } = rows[0]
  expect(await planned(later(at, -1_000), later(at, 1_000))).toEqual([0, 0, 0])
})

test.each([
  ['of old', -8_640_000_000_000_000, 0],
  ['of far away', 0, 8_640_000_000_000_000],
])('an interval that begins or ends %s has ids for bounds', (_, after, before) => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-0000-0000-000000000000$/
  const range = idsInserted({ clock: databaseClock }, { after: new Date(after), before: new Date(before) })
  expect(range).toEqual({ from: expect.stringMatching(uuid), before: expect.stringMatching(uuid) })
})

test('an id that is made now lies within an hour of now, and no further', () => {
  const id = newId()
  const now = new Date()
  const { from, before } = idsInserted({ clock: databaseClock }, { after: now, before: now })
  expect([from, id, before].toSorted()).toEqual([from, id, before])
  const off = idsInserted(
    { clock: databaseClock },
    { after: later(now, 2 * HOUR_MS), before: later(now, -2 * HOUR_MS) },
  )
  expect([off.before, id, off.from].toSorted()).toEqual([off.before, id, off.from])
})

test('a clock that is set by hand bounds no ids', () => {
  const now = new Date()
  expect(idsInserted({ clock: { now: () => now } }, { after: now, before: now })).toEqual({ from: null, before: null })
})
