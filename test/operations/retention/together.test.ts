import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { inboxOf } from '../../support/inbox.ts'
import { greeting, mention } from '../../support/notifiers.ts'
import { DAY_MS, historyRows, outcomesOf } from '../../support/retention.ts'
import { trigger } from '../../support/trigger.ts'

const clock = new TestClock()
const config = {
  notifiers: [mention, greeting],
  adapters: { email: memory() },
  retention: { events: '30d', inbox: { all: '10d' } },
} as const
let here: TestCarillon
let there: TestCarillon
beforeAll(async () => {
  here = await startCarillon(config, { clock })
  there = await startCarillon(config, { clock, databaseUrl: here.databaseUrl })
})
afterAll(async () => {
  await there.close()
  await here.close()
})

const sendMany = async (count: number): Promise<void> => {
  const recipients = Array.from({ length: 20 }, (_, index) => ({ id: `r${index}`, email: `r${index}@example.test` }))
  const payload = { author: 'Bob' }
  for (let index = 0; index < count; index++) {
    await trigger(here, { notificationKey: 'comment.mentioned', payload, recipients })
  }
}

test('two processes that prune at once, beside triggers and marks of the same recipients, count everything once and wait for nobody', async () => {
  await sendMany(20)
  await here.drainJobs()
  clock.advance(31 * DAY_MS)
  const failures: Error[] = []
  here.app.telemetry.on('request.failed', ({ error }) => void failures.push(error))
  const token = await here.tokenFor('r1')
  const marks = async (): Promise<void> => {
    for (let index = 0; index < 20; index++)
      await here.ok(token, 'mutation { markRead(input: { filter: {} }) { affectedCount } }')
  }
  const removed = await Promise.all([here.app.prune(), there.app.prune(), sendMany(10), marks()])
  await Promise.all([here.app.prune(), there.app.prune()])
  clock.advance(2 * DAY_MS)
  await here.drainJobs()
  const counted = await outcomesOf(here)
  let events = 0
  while (events < 20) {
    const [one, other] = await Promise.all([here.app.prune(), there.app.prune(), sendMany(1)])
    events += one.events + other.events
  }
  expect(events).toBe(20)
  expect(removed).toHaveLength(4)
  const { rows } = await here.sql.query('select sum(count)::int as events from daily_events')
  expect(rows).toEqual([{ events: 20 }])
  await here.drainJobs()
  const total = (outcomes: readonly string[]) => outcomes.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  const { delivery = 0 } = await historyRows(here)
  expect(total(await outcomesOf(here))).toBe(20 * 20 * 2 + delivery)
  expect(total(counted)).toBeLessThanOrEqual(20 * 20 * 2 + delivery)
  expect(failures).toEqual([])
})

test('a pruning that is told to stop ends after the batch under way, and the next one goes on from there', async () => {
  await here.drainJobs()
  clock.advance(31 * DAY_MS)
  await here.app.prune()
  clock.advance(2 * DAY_MS)
  const stopping = new AbortController()
  const stop = here.app.telemetry.on('history.batch_pruned', () => stopping.abort())
  const { notifications } = await here.app.prune({ signal: stopping.signal })
  stop()
  const before = await historyRows(here)
  expect(before['notification']).toBeGreaterThan(0)
  expect(notifications).toBeGreaterThan(0)
  await here.app.prune()
  expect(await historyRows(here)).toEqual({})
})

test('inboxes are gone through once a day, by whichever process it is, and a walk that another one kept from ending is not lost', async () => {
  const inbox = await inboxOf(here, 'daily')
  const hourly = async (process: TestCarillon) => (await process.app.prune({ inboxesDaily: true })).items
  await inbox.arrive('one')
  clock.advance(11 * DAY_MS)
  const busy = await here.sql.connect()
  await busy.query('select pg_advisory_lock(24517, 1)')
  expect(await hourly(here)).toBe(0)
  await busy.query('select pg_advisory_unlock(24517, 1)')
  busy.release()
  expect(await hourly(there)).toBe(1)

  await inbox.arrive('two')
  clock.advance(11 * DAY_MS)
  expect(await hourly(here)).toBe(1)
  await inbox.arrive('three')
  await here.sql.query(
    `update notification set arrived_at = arrived_at - interval '11 days' where arrival_version is not null`,
  )
  clock.advance(DAY_MS / 2)
  expect(await Promise.all([hourly(here), hourly(there)])).toEqual([0, 0])
  clock.advance(DAY_MS / 2)
  expect(await hourly(there)).toBe(1)
})
