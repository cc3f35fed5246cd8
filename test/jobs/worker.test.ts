import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import type { Claim } from '../../server/db/sql/claim-due.ts'
import type { Lane, Shift, Source } from '../../server/jobs/sources.ts'
import { createWorker, type Worker } from '../../server/jobs/worker.ts'
import { createTelemetry, type Moments, type Telemetry } from '../../server/telemetry.ts'
import { TestClock } from '../support/clock.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 30_000

let testDatabase: TestDatabase
let db: Database
beforeAll(async () => {
  testDatabase = await createTestDatabase()
  db = openDatabase({ url: testDatabase.url, connections: 2 })
})
afterAll(async () => {
  await db.close()
  await testDatabase.drop()
})

let clock: TestClock
let telemetry: Telemetry
let looks: Moments['queue.looked_at'][]
let failures: Error[]
let aborted: number
beforeEach(async () => {
  await db.system.query('delete from due')
  clock = new TestClock()
  telemetry = createTelemetry()
  looks = []
  failures = []
  aborted = 0
  telemetry.on('queue.looked_at', (moment) => void looks.push(moment))
  telemetry.on('worker.failed', ({ error }) => void failures.push(error))
})

/** Work that the tests end by hand. */
interface Batch {
  readonly claims: readonly Claim[]
  readonly shift: Shift
  end(error?: Error): void
}

/** All that were begun: whatever a test leaves open is ended after it. */
const open: Batch[] = []

const sourceOf = (kind: string, lanes: readonly Lane[]) => {
  const batches: Batch[] = []
  const source: Source = {
    kind,
    lanes: () => lanes,
    limiterOf: (claim) => lanes.find(({ lane }) => lane === claim.lane)?.limitedBy ?? claim.lane,
    run: (claims, shift) =>
      new Promise((resolve, reject) => {
        const batch: Batch = { claims, shift, end: (error) => (error ? reject(error) : resolve()) }
        batches.push(batch)
        open.push(batch)
      }),
  }
  const begun = (): readonly Claim[] => batches.flatMap(({ claims }) => claims)
  return { source, batches, begun }
}
const laneOf = (lane: string, capacity: number, limitedBy = lane): Lane => ({ lane, limitedBy, capacity })

let stop: Worker['stop'] = async () => {}
afterEach(async () => {
  vi.useRealTimers()
  const stopped = stop({ graceMs: 0 })
  for (const batch of open.splice(0)) batch.end()
  await stopped
})
/** One that polls only when it is told to. */
const workerOf = (...sources: readonly Source[]): Worker => {
  const abort = (): void => {
    aborted += 1
  }
  const worker = createWorker({ db, clock, telemetry, sources, leaseMs: LEASE_MS, pollEveryMs: 3_600_000, abort })
  stop = worker.stop
  return worker
}

/** Puts in work, the first of it due first; answers its ids. */
const put = async (kind: string, lane: string, count: number, dueInMs = 0): Promise<readonly string[]> => {
  const ids = Array.from({ length: count }, () => randomUUID())
  await db.system.query(
    `insert into due (tenant_id, kind, subject_id, lane, due_at)
     select 'acme', $1, id, $2, $3::timestamptz + i * interval '1 millisecond' from unnest($4::uuid[]) with ordinality as l (id, i)`,
    [kind, lane, new Date(clock.now().getTime() + dueInMs - 1_000), ids],
  )
  return ids
}
const settle = async (claims: readonly Claim[]): Promise<void> => {
  const ids = claims.map(({ subject_id: id }) => id)
  await db.system.query('delete from due where subject_id = any ($1::uuid[])', [ids])
}
const leases = async (): Promise<ReadonlyMap<string, Date | null>> => {
  const { rows } = await db.system.query<{ subject_id: string; lease_until: Date | null }>('select * from due')
  return new Map(rows.map((row) => [row.subject_id, row.lease_until]))
}
const idsOf = (claims: readonly Claim[]): string[] => claims.map(({ subject_id: id }) => id).toSorted()

test('what is drained is all that is due now, what comes of it too, each by the source of its kind, and nothing else', async () => {
  const lane = laneOf('email', 2)
  const done: string[] = []
  const claimed: Moments['work.claimed'][] = []
  telemetry.on('work.claimed', (moment) => void claimed.push(moment))
  const deliveries: Source = {
    ...sourceOf('delivery', [lane]).source,
    run: async (claims) => {
      await settle(claims)
      if (done.length === 0) await put('webhook', 'webhook', 1)
      done.push(...claims.map(({ kind }) => kind))
    },
  }
  const webhooks: Source = {
    ...sourceOf('webhook', [laneOf('webhook', 10)]).source,
    run: async (claims) => {
      await settle(claims)
      done.push(...claims.map(({ kind }) => kind))
    },
  }
  await put('delivery', 'email', 5)
  const later = await put('delivery', 'email', 1, 60_000)
  const worker = workerOf(deliveries, webhooks)
  expect(await worker.drain()).toBe(6)
  expect(done.toSorted()).toEqual([...Array(5).fill('delivery'), 'webhook'])
  expect(claimed.filter(({ kind }) => kind === 'delivery').map(({ count }) => count)).toEqual([2, 2, 1])
  expect(looks.reduce((sum, look) => sum + look.claimed, 0)).toBe(6)
  for (const { durationMs } of looks) {
    expect(durationMs).toBeGreaterThan(0)
    expect(durationMs).toBeLessThan(60_000)
  }
  expect([...(await leases()).keys()]).toEqual(later)
  expect(await worker.drain()).toBe(0)
})

test('what is claimed is held for a lease, from the clock’s now', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 2)])
  const [id] = await put('delivery', 'email', 1)
  workerOf(source).start()
  await until('it is begun', () => batches[0])
  expect(await leases()).toEqual(new Map([[id, new Date(clock.now().getTime() + LEASE_MS)]]))
  batches[0]?.end()
})

test('no more is under way in a lane than it has places, and each that is finished makes room for one', async () => {
  const { source, batches, begun } = sourceOf('delivery', [laneOf('email', 3)])
  const ids = await put('delivery', 'email', 6)
  const worker = workerOf(source)
  worker.start()
  const first = await until('three are begun', () => batches[0])
  expect(idsOf(first.claims)).toEqual(ids.slice(0, 3).toSorted())
  const [one, two] = first.claims as [Claim, Claim]
  await settle([one])
  first.shift.finished(one)
  await until('one more is begun', () => begun().length === 4)
  // It was finished already: nobody's place is free.
  first.shift.finished(one)
  await settle([two])
  first.shift.finished(two)
  await until('and one more', () => begun().length === 5)
  const stopping = worker.stop()
  await until('it claims no more', () => first.shift.draining)
  for (const batch of batches) batch.end()
  await stopping
  expect(begun()).toHaveLength(5)
})

test('work that has ended makes room for what waits, whether it said so of each or not', async () => {
  const { source, batches, begun } = sourceOf('delivery', [laneOf('email', 1)])
  await put('delivery', 'email', 2)
  workerOf(source).start()
  const first = await until('one is begun', () => batches[0])
  await settle(first.claims)
  first.end()
  await until('the other is begun', () => begun().length === 2)
})

test('lanes without a free place are not asked for', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1), laneOf('sms', 0)])
  await put('delivery', 'sms', 1)
  const worker = workerOf(source)
  expect(await worker.drain()).toBe(0)
  await put('delivery', 'email', 1)
  const drained = worker.drain()
  const batch = await until('it is begun', () => batches[0])
  expect(batch.claims.map(({ lane }) => lane)).toEqual(['email'])
  const before = looks.length
  // Not one lane is free: the queue is not even looked at.
  const other = worker.drain()
  await settle(batch.claims)
  batch.end()
  expect([await drained, await other]).toEqual([1, 0])
  expect(looks.length).toBeGreaterThanOrEqual(before)
  expect(await workerOf(sourceOf('delivery', [laneOf('email', 0)]).source).drain()).toBe(0)
})

test('with no free place the queue is not looked at', async () => {
  await put('delivery', 'email', 1)
  expect(await workerOf(sourceOf('delivery', [laneOf('email', 0)]).source).drain()).toBe(0)
  expect(await workerOf().drain()).toBe(0)
  expect(looks).toEqual([])
})

test('lanes of one limit have its places together, and what was claimed beyond them is given back', async () => {
  const { source, batches, begun } = sourceOf('delivery', [
    laneOf('email', 2, 'provider'),
    laneOf('sms', 2, 'provider'),
  ])
  await put('delivery', 'email', 2)
  await put('delivery', 'sms', 2)
  workerOf(source).start()
  await until('some are begun', () => begun().length > 0)
  await until('the others are given back', async () => {
    const held = [...(await leases()).values()].filter((until) => until !== null)
    return held.length === 2
  })
  expect(begun()).toHaveLength(2)
  const began = [...batches]
  await settle(begun())
  for (const batch of began) batch.end()
  await until('the others are begun', () => begun().length === 4)
  expect(new Set(idsOf(begun())).size).toBe(4)
  for (const batch of batches) batch.end()
})

test('work that fails is left to its lease, is told of, and makes room', async () => {
  const { source, batches, begun } = sourceOf('delivery', [laneOf('email', 1)])
  const [id] = await put('delivery', 'email', 2)
  workerOf(source).start()
  const batch = await until('it is begun', () => batches[0])
  batch.end(new Error('the work failed'))
  await until('the next is begun', () => begun().length === 2)
  expect(failures.map(({ message }) => message)).toEqual(['the work failed'])
  expect((await leases()).get(id as string)).toEqual(new Date(clock.now().getTime() + LEASE_MS))
  batches[1]?.end()
})

test('who stops claims no more, says so to what is under way, and waits for it', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1)])
  await put('delivery', 'email', 2)
  const worker = workerOf(source)
  worker.start()
  const batch = await until('it is begun', () => batches[0])
  expect(batch.shift.draining).toBe(false)
  let stopped = false
  const stopping = worker.stop().then(() => {
    stopped = true
  })
  await until('it is told', () => batch.shift.draining)
  // A second word changes nothing.
  const again = worker.stop({ graceMs: 0 })
  batch.shift.finished(batch.claims[0] as Claim)
  worker.wake()
  await db.system.query('select 1')
  expect([stopped, batches.length]).toEqual([false, 1])
  batch.end()
  await Promise.all([stopping, again])
  expect([stopped, batches.length, aborted, batch.shift.draining]).toEqual([true, 1, 0, false])
})

test('when the grace is over what is under way is ended, and waited for', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1)])
  await put('delivery', 'email', 1)
  const worker = workerOf(source)
  worker.start()
  const batch = await until('it is begun', () => batches[0])
  let stopped = false
  const stopping = worker.stop({ graceMs: 1 }).then(() => {
    stopped = true
  })
  await until('it is ended', () => aborted === 1)
  expect(stopped).toBe(false)
  batch.end()
  await stopping
  expect(aborted).toBe(1)
})

test('what has been done within the grace is not ended, and leaves no timer', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1)])
  await put('delivery', 'email', 1)
  const worker = workerOf(source)
  worker.start()
  const batch = await until('it is begun', () => batches[0])
  batch.end()
  await until('it is done', () => looks.length > 1)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  await worker.stop()
  expect([vi.getTimerCount(), aborted]).toEqual([0, 0])
})

test('what comes of a claim that was under way when the worker stopped is given back, and not begun', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1)])
  const [id] = await put('delivery', 'email', 1)
  const other = await db.system.connect()
  await other.query('begin; lock table due in access exclusive mode')
  const worker = workerOf(source)
  worker.start()
  await until('it is claiming', async () => {
    const { rows } = await db.tenant.query(`select from pg_locks where not granted and relation = 'due'::regclass`)
    return rows.length > 0
  })
  const stopping = worker.stop()
  await other.query('commit')
  other.release()
  await stopping
  expect([looks.map(({ claimed }) => claimed), batches.length]).toEqual([[1], 0])
  expect(await leases()).toEqual(new Map([[id, null]]))
})

test('it looks at the queue when it is started, when it is woken and now and then, and not once it has stopped', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const worker = workerOf(sourceOf('delivery', [laneOf('email', 1)]).source)
  worker.wake()
  expect(vi.getTimerCount()).toBe(0)
  worker.start()
  worker.start()
  await until('it has looked', () => looks.length === 1)
  worker.wake()
  await until('it has looked again', () => looks.length === 2)
  vi.advanceTimersByTime(3_600_000)
  await until('it has looked by itself', () => looks.length === 3)
  expect(vi.getTimerCount()).toBe(1)
  await worker.stop()
  worker.wake()
  expect(vi.getTimerCount()).toBe(0)
  // A round of its own is waited for: none was under way.
  await worker.drain()
  expect(looks).toHaveLength(4)

  worker.start()
  await until('it works again', () => looks.length === 5)
  await worker.stop()
  expect(vi.getTimerCount()).toBe(0)
})

test('by itself it polls each second', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const { source } = sourceOf('delivery', [laneOf('email', 1)])
  const worker = createWorker({ db, clock, telemetry, sources: [source], leaseMs: LEASE_MS, abort: () => {} })
  stop = worker.stop
  worker.start()
  await until('it has looked', () => looks.length === 1)
  vi.advanceTimersByTime(999)
  vi.advanceTimersByTime(1)
  await until('it has looked again', () => looks.length === 2)
})

test('whoever wakes it while it looks makes it look once more, and no more often', async () => {
  const worker = workerOf(sourceOf('delivery', [laneOf('email', 1)]).source)
  const other = await db.system.connect()
  await other.query('begin; lock table due in access exclusive mode')
  worker.start()
  await until('it is claiming', async () => {
    const { rows } = await db.tenant.query(`select from pg_locks where not granted and relation = 'due'::regclass`)
    return rows.length > 0
  })
  for (let time = 0; time < 5; time++) worker.wake()
  await other.query('commit')
  other.release()
  await until('it has looked twice', () => looks.length === 2)
  await worker.stop()
  expect(looks).toHaveLength(2)
})

test('a database that is away fails who drains, and a running worker goes on when it is back', async () => {
  const { source, batches } = sourceOf('delivery', [laneOf('email', 1)])
  await put('delivery', 'email', 1)
  const worker = workerOf(source)
  db.letThrough(false)
  try {
    await expect(worker.drain()).rejects.toThrow('The database does not answer')
    worker.start()
    await until('it is told of', () => failures.length === 2)
    for (const { message } of failures) expect(message).toBe('The database does not answer')
  } finally {
    db.letThrough(true)
  }
  worker.wake()
  await until('it goes on', () => batches.length === 1)
  batches[0]?.end()
})
