import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { mention, page } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'

const MORNING = '2026-01-15T09:00:00.000Z'
const LATER = '2026-01-15T10:10:00.000Z'
const NOON = '2026-01-15T12:00:00.000Z'

const HISTORY = `query ($input: OutcomeHistoryInput!) {
  outcomeHistory(input: $input) { startsAt outcomes { outcome count } }
}`
const QUEUE = '{ queue { lane dueCount oldestDueAt underWayCount laterCount retryingCount nextDueAt } }'

const clock = new TestClock(MORNING)
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '1m', maxDelay: '1m' } })
let carillon: TestCarillon
const queues: Record<string, unknown> = {}

const queue = async () => (await carillon.ok(carillon.operatorKey, QUEUE)).queue

/** The periods in short: "09:00 SENT 2". */
const history = async (input: object): Promise<string[]> => {
  const { outcomeHistory } = await carillon.ok(carillon.operatorKey, HISTORY, { input })
  return outcomeHistory.map(
    ({ startsAt, outcomes }: { startsAt: string; outcomes: { outcome: string; count: number }[] }) =>
      [startsAt.slice(11, 16), ...outcomes.map(({ outcome, count }) => `${outcome} ${count}`)].join(' '),
  )
}

beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention, page], adapters: { email: memory(), pager } }, { clock })
  queues['empty'] = await queue()
  const recipients = [{ id: 'ada', email: 'ada@example.test' }, { id: 'bob' }]
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Zoe' }, recipients })
  clock.advance(90_000)
  queues['behind'] = await queue()
  await carillon.drainJobs()
  clock.set(LATER)
  pager.next({ outcome: 'temporary' })
  await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.drainJobs()
  queues['retrying'] = await queue()
  clock.set(NOON)
})
afterAll(() => carillon.close())

test('periods follow each other without a gap, each with what became of what was planned in it', async () => {
  const input = { insertedAfter: MORNING, periodMinutes: 60 }
  expect(await history(input)).toEqual(['09:00 SENT 3 SUPPRESSED 1', '10:00 FAILED 1', '11:00'])
  expect(await history({ ...input, insertedBefore: '2026-01-15T10:30:00Z', periodMinutes: 20 })).toEqual([
    '09:00 SENT 3 SUPPRESSED 1',
    '09:20',
    '09:40',
    '10:00 FAILED 1',
    '10:20',
  ])
  expect(await history({ ...input, insertedBefore: MORNING })).toEqual([])
})

test('one notification and one channel are counted alone where asked for', async () => {
  const input = { insertedAfter: MORNING, periodMinutes: 1_440 }
  expect(await history({ ...input, channel: 'email' })).toEqual(['09:00 SENT 1 SUPPRESSED 1'])
  expect(await history({ ...input, notificationKey: 'pager.call' })).toEqual(['09:00 FAILED 1'])
})

test.each<[object, string]>([
  [{ insertedAfter: '2025-12-01T00:00:00Z', periodMinutes: 1_440 }, 'longer than 31 days'],
  [{ insertedAfter: '2026-01-16T00:00:00Z', periodMinutes: 60 }, 'earlier than insertedAfter'],
  [{ insertedAfter: MORNING, periodMinutes: 0 }, 'periodMinutes is 1 to 1440'],
  [{ insertedAfter: '2026-01-10T00:00:00Z', periodMinutes: 1 }, 'more than 750 periods'],
])('what would read too much is refused: %j', async (input, message) => {
  const { errors } = await carillon.ask(carillon.operatorKey, HISTORY, { input })
  expect(errors.map(({ extensions }) => extensions['code'])).toEqual(['BAD_USER_INPUT'])
  expect(errors[0]?.message).toContain(message)
})

test('the queue says what is late and since when, and what waits for its time', async () => {
  expect(queues['empty']).toEqual([])
  const nothing = { dueCount: 0, oldestDueAt: null, underWayCount: 0, laterCount: 0, retryingCount: 0, nextDueAt: null }
  expect(queues['behind']).toEqual([{ ...nothing, lane: 'email', dueCount: 1, oldestDueAt: MORNING }])
  const { nextDueAt, ...others } = (queues['retrying'] as { nextDueAt: string }[])[0] ?? {}
  expect(others).toEqual({
    lane: 'pager',
    dueCount: 0,
    oldestDueAt: null,
    underWayCount: 0,
    laterCount: 1,
    retryingCount: 1,
  })
  expect(Date.parse(nextDueAt ?? '')).toBeGreaterThan(Date.parse(LATER))
})

test('of a long queue each lane is counted up to 10,000, and none is left out', async () => {
  const { operatorKey } = await carillon.addTenant('long')
  const { operatorKey: other } = await carillon.addTenant('short')
  await carillon.sql.query(`insert into due (tenant_id, kind, subject_id, lane, due_at)
    select 'long', 'delivery', gen_random_uuid(), case when n > 10002 then 'pager' else 'email' end, '${MORNING}'::timestamptz
    from generate_series(1, 10005) n union all select 'short', 'delivery', gen_random_uuid(), 'email', '${LATER}'::timestamptz`)
  const counts = async (key: string) => {
    const { queue } = await carillon.ok(key, QUEUE)
    return queue.map(({ lane, dueCount }: { lane: string; dueCount: number }) => `${lane} ${dueCount}`)
  }
  try {
    expect(await counts(operatorKey)).toEqual(['email 10000', 'pager 3'])
    expect(await counts(other)).toEqual(['email 1'])
  } finally {
    await carillon.sql.query(`delete from due where tenant_id in ('long', 'short')`)
  }
})

test("another tenant's deliveries and queue are its own", async () => {
  const { operatorKey } = await carillon.addTenant('neighbour')
  const { outcomeHistory } = await carillon.ok(operatorKey, HISTORY, {
    input: { insertedAfter: MORNING, periodMinutes: 1_440 },
  })
  expect(outcomeHistory).toEqual([{ startsAt: MORNING, outcomes: [] }])
  expect((await carillon.ok(operatorKey, QUEUE)).queue).toEqual([])
})

test('of what was pruned the day alone is known, and it counts in the period in which that begins', async () => {
  await carillon.sql.query(`insert into daily_outcome (tenant_id, day, notification_key, channel, status, reason, count)
    values ('acme', '2026-01-14', 'comment.mentioned', 'email', 'succeeded', '', 7),
      ('acme', '2026-01-14', 'pager.call', 'pager', 'cancelled', 'retries_exhausted', 2)`)
  const input = { insertedAfter: '2026-01-14T00:00:00Z', insertedBefore: '2026-01-15T00:00:00Z', periodMinutes: 720 }
  expect(await history(input)).toEqual(['00:00 EXHAUSTED 2 SENT 7', '12:00'])
  expect(await history({ ...input, channel: 'email' })).toEqual(['00:00 SENT 7', '12:00'])
})
