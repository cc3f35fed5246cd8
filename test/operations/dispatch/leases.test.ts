import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { APPLICATION_ROLE } from '../../../server/db/client.ts'
import { type Claim, claimDue } from '../../../server/db/sql/claim-due.ts'
import { keepLeases, type Leases } from '../../../server/operations/dispatch/leases.ts'
import { createTelemetry } from '../../../server/telemetry.ts'
import { TestClock } from '../../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../../support/database.ts'
import { until } from '../../support/until.ts'

const LEASE_MS = 30_000
const THIRD = LEASE_MS / 3

let testDatabase: TestDatabase
let owner: pg.Client
let system: pg.Pool
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  owner = new pg.Client({ connectionString: testDatabase.url })
  await owner.connect()
  // One that sets no timers: those that there are, are the leases'.
  system = new pg.Pool({
    connectionString: testDatabase.url,
    options: `-c role=${APPLICATION_ROLE} -c carillon.tenant=*`,
    idleTimeoutMillis: 0,
  })
})
afterAll(async () => {
  await Promise.all([system.end(), owner.end()])
  await testDatabase.drop()
})

/** Whether leases can be renewed. */
const letThrough = async (whether: boolean): Promise<void> => {
  await owner.query(
    whether ? `grant update on due to ${APPLICATION_ROLE}` : `revoke update on due from ${APPLICATION_ROLE}`,
  )
}

let clock: TestClock
let stopping: AbortController
let failures: number
let leases: Leases
beforeEach(async () => {
  await system.query('delete from due')
  clock = new TestClock()
  stopping = new AbortController()
  failures = 0
  const telemetry = createTelemetry()
  telemetry.on('worker.failed', () => {
    failures += 1
  })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  leases = keepLeases({ db: { system }, clock, telemetry }, { leaseMs: LEASE_MS, stopping: stopping.signal })
})
afterEach(async () => {
  await letThrough(true)
  vi.useRealTimers()
})

const claim = async (count: number): Promise<readonly Claim[]> => {
  const ids = Array.from({ length: count }, () => randomUUID())
  await system.query(
    `insert into due (tenant_id, kind, subject_id, lane, due_at) select 'acme', 'delivery', id, 'email', $1 from unnest($2::uuid[]) id`,
    [clock.now(), ids],
  )
  const offers = [{ lane: 'email', tenantId: null, places: count }]
  return (await system.query<Claim>(claimDue(offers, { now: clock.now(), leaseMs: LEASE_MS }))).rows
}
/** How much of its lease each has yet, by the clock, in milliseconds. */
const leftOf = async (claims: readonly Claim[]): Promise<(number | null)[]> => {
  const { rows } = await system.query<{ subject_id: string; lease_until: Date | null }>('select * from due')
  const ends = new Map(rows.map((row) => [row.subject_id, row.lease_until]))
  return claims.map(({ subject_id: id }) => {
    const end = ends.get(id)
    return end ? end.getTime() - clock.now().getTime() : null
  })
}
/** A third of a lease goes by, and what is done then has been done. */
const third = async (): Promise<void> => {
  clock.advance(THIRD)
  vi.advanceTimersByTime(THIRD)
  await until('it has looked', () => vi.getTimerCount() > 0)
}

test('a lease that is held is renewed in each third of it, and one that was let go is not', async () => {
  const [held, other] = (await claim(2)) as [Claim, Claim]
  const [holding, letting] = [leases.hold(held), leases.hold(other)]
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(THIRD - 1)
  expect(vi.getTimerCount()).toBe(1)
  clock.advance(THIRD)
  vi.advanceTimersByTime(1)
  await until('both are renewed', async () => (await leftOf([held, other])).every((left) => left === LEASE_MS))
  await until('it goes on', () => vi.getTimerCount() === 1)
  letting.letGo()
  for (let time = 0; time < 5; time++) await third()
  expect(await leftOf([held, other])).toEqual([LEASE_MS, LEASE_MS - 5 * THIRD])
  expect([holding.signal.aborted, letting.signal.aborted, failures]).toEqual([false, false, 0])
})

test('where nothing is held, nothing is looked at, and what is held later is renewed again', async () => {
  const [first, second] = (await claim(2)) as [Claim, Claim]
  expect(vi.getTimerCount()).toBe(0)
  leases.hold(first).letGo()
  clock.advance(THIRD)
  vi.advanceTimersByTime(THIRD)
  // A query after it would be answered after it.
  await system.query('select 1')
  await until('it rests', () => vi.getTimerCount() === 0)
  expect(await leftOf([first, second])).toEqual([LEASE_MS - THIRD, LEASE_MS - THIRD])
  const held = leases.hold(second)
  expect(vi.getTimerCount()).toBe(1)
  await third()
  expect(await leftOf([second])).toEqual([LEASE_MS])
  held.letGo()
})

test('whose lease has gone to another is told, and the others are not', async () => {
  const [lost, kept] = (await claim(2)) as [Claim, Claim]
  const [losing, keeping] = [leases.hold(lost), leases.hold(kept)]
  await system.query('update due set lease_token = gen_random_uuid() where subject_id = $1', [lost.subject_id])
  await third()
  expect([losing.signal.aborted, keeping.signal.aborted]).toEqual([true, false])
  expect(await leftOf([kept])).toEqual([LEASE_MS])
})

test('who hears nothing of a lease until it is nearly over is told, and no sooner', async () => {
  const [held] = (await claim(1)) as [Claim]
  const { signal } = leases.hold(held)
  await third()
  await letThrough(false)
  await third()
  await third()
  expect([signal.aborted, failures]).toEqual([false, 2])
  await third()
  expect([signal.aborted, failures]).toEqual([true, 3])
})

test('a database that comes back in time costs nobody a lease', async () => {
  const [held] = (await claim(1)) as [Claim]
  const { signal } = leases.hold(held)
  for (let round = 0; round < 3; round++) {
    await letThrough(false)
    await third()
    await letThrough(true)
    await third()
  }
  expect([signal.aborted, failures]).toEqual([false, 3])
  expect(await leftOf([held])).toEqual([LEASE_MS])
})

test('when work stops everyone is told, and who comes later at once', async () => {
  const [one, other, later] = (await claim(3)) as [Claim, Claim, Claim]
  const signals = [leases.hold(one), leases.hold(other)].map(({ signal }) => signal)
  expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  stopping.abort()
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  expect(leases.hold(later).signal.aborted).toBe(true)
})
