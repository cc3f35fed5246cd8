import { afterAll, afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { claimDue } from '../../server/db/sql/claim-due.ts'
import {
  type Adapter,
  type DeliverResult,
  defineConfig,
  defineNotifier,
  type OutgoingMessage,
} from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { createTestDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { until } from '../support/until.ts'

/** An adapter whose calls stay open until the test answers them. */
const openEnded = () => {
  const calls: { readonly message: OutgoingMessage; answer(result: DeliverResult): void }[] = []
  const adapter: Adapter = {
    name: 'open-ended',
    deliver: (message) => new Promise((resolve) => calls.push({ message, answer: resolve })),
  }
  return { adapter, calls }
}

const configOf = (adapter: Adapter, concurrencyPerAdapter = 100) =>
  defineConfig({
    notifiers: [
      defineNotifier({
        key: 'page',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['pager'],
        render: { pager: ({ payload }) => ({ text: `page ${payload.n}` }) },
      }),
      defineNotifier({
        key: 'siren',
        version: 1,
        payload: z.object({ n: z.number() }),
        channels: ['pager', 'siren'],
        render: { pager: ({ payload }) => ({ n: payload.n }), siren: ({ payload }) => ({ n: payload.n }) },
      }),
    ],
    adapters: { pager: adapter, siren: adapter },
    defaults: { leaseFor: '30s', concurrencyPerAdapter },
  })

const database = createTestDatabase()
const open: TestCarillon[] = []
const start = async (adapter: Adapter, options: { clock?: TestClock; concurrency?: number } = {}) => {
  const { clock, concurrency } = options
  const carillon = await startCarillon(configOf(adapter, concurrency), {
    databaseUrl: (await database).url,
    pollEveryMs: 50,
    ...(clock && { clock }),
  })
  open.push(carillon)
  return carillon
}
afterEach(async () => {
  for (const carillon of open.splice(0)) await carillon.close()
})
afterAll(async () => (await database).drop())

let count = 0
const page = async ({ app, tenantId }: TestCarillon, howMany = 1, notificationKey = 'page'): Promise<void> => {
  const pages = Array.from({ length: howMany }, () => {
    count += 1
    const idempotencyKey = `page-${count}`
    return { notificationKey, idempotencyKey, payload: { n: count }, recipients: [{ id: 'ada' }] }
  })
  await Promise.all(pages.map((request) => app.trigger({ tenantId, request, path: ['input'] })))
}

interface AttemptRow {
  readonly id: string
  readonly attempt_number: number
  readonly outcome: string
}
const attemptsOf = async ({ sql }: TestCarillon): Promise<readonly AttemptRow[]> => {
  const { rows } = await sql.query<AttemptRow>(
    `select id, attempt_number, outcome from delivery_attempt
     where delivery_id = (select id from delivery order by id desc limit 1) order by attempt_number`,
  )
  return rows
}
const rowIdOf = (nodeId: string | undefined): string | undefined =>
  Buffer.from(nodeId ?? '', 'base64url')
    .toString()
    .split(':')[1]

test('a result that comes after its lease has gone to another worker is dropped, and the call stands as unknown', async () => {
  const clock = new TestClock()
  const [first, second] = [openEnded(), openEnded()]
  // With its one place taken, the slow one claims nothing more.
  const slow = await start(first.adapter, { clock, concurrency: 1 })
  const quick = await start(second.adapter, { clock })
  await page(slow)
  slow.app.worker.start()
  await until('it is being sent', () => first.calls.length === 1)
  clock.advance(31_000)
  quick.app.worker.start()
  await until('another worker sends it again', () => second.calls.length === 1)

  const late = slow.app.telemetry.once('result.too_late')
  first.calls[0]?.answer({ outcome: 'accepted' })
  await late
  expect((await attemptsOf(slow)).map(({ outcome }) => outcome)).toEqual(['unknown'])
  const settled = quick.app.telemetry.once('delivery.settled')
  second.calls[0]?.answer({ outcome: 'accepted' })
  await settled

  const attempts = await attemptsOf(slow)
  expect(attempts.map(({ attempt_number, outcome }) => [attempt_number, outcome])).toEqual([
    [1, 'unknown'],
    [2, 'succeeded'],
  ])
  // What the provider was told is what is in the books.
  const told = [first.calls[0]?.message, second.calls[0]?.message]
  expect(told.map((message) => rowIdOf(message?.attemptId))).toEqual(attempts.map(({ id }) => id))
  expect(told.map((message) => message?.attemptNumber)).toEqual([1, 2])
  expect(new Set(told.map((message) => message?.idempotencyKey)).size).toBe(1)
  expect(await brokenInvariants(slow.sql)).toEqual([])
})

test('an unknown attempt is the one that the provider saw, also where workers after it died before they began', async () => {
  const clock = new TestClock()
  const [first, second] = [openEnded(), openEnded()]
  // With its one place taken, the slow one claims nothing more.
  const slow = await start(first.adapter, { clock, concurrency: 1 })
  const quick = await start(second.adapter, { clock })
  await page(slow)
  slow.app.worker.start()
  await until('it is being sent', () => first.calls.length === 1)
  for (let death = 1; death <= 3; death += 1) {
    clock.advance(31_000)
    const { rows } = await quick.app.db.system.query(
      claimDue([{ lane: 'pager', tenantId: null, places: 10 }], { now: clock.now(), leaseMs: 30_000 }),
    )
    expect(rows).toHaveLength(1)
  }
  clock.advance(31_000)
  quick.app.worker.start()
  await until('another worker sends it again', () => second.calls.length === 1)
  const [unknown, ...others] = await attemptsOf(slow)
  expect(others).toEqual([])
  expect(unknown).toMatchObject({ outcome: 'unknown', id: rowIdOf(first.calls[0]?.message.attemptId) })
  const settled = quick.app.telemetry.once('delivery.settled')
  second.calls[0]?.answer({ outcome: 'accepted' })
  await settled
  expect(await brokenInvariants(slow.sql)).toEqual([])
  first.calls[0]?.answer({ outcome: 'accepted' })
})

test('a call that hangs keeps its own place, and the others of its batch make room for what comes next', async () => {
  const { adapter, calls } = openEnded()
  const carillon = await start(adapter, { concurrency: 4 })
  await page(carillon, 40)
  carillon.app.worker.start()
  await until('four are being sent', () => calls.length === 4)
  // The first one is never answered. Whatever else is sent is.
  let answered = 1
  await until('all are sent', () => {
    for (; answered < calls.length; answered += 1) calls[answered]?.answer({ outcome: 'accepted' })
    return calls.length === 40
  })
  await until('all but one are settled', async () => {
    const { rows } = await carillon.sql.query('select from due')
    return rows.length === 1
  })
  calls[0]?.answer({ outcome: 'accepted' })
})

test('a result that is being recorded takes no place from what is to be sent next', async () => {
  const { adapter, calls } = openEnded()
  const carillon = await start(adapter, { concurrency: 1 })
  await page(carillon, 2)
  carillon.app.worker.start()
  await until('the first is being sent', () => calls.length === 1)
  const other = await carillon.sql.connect()
  try {
    // Whoever records the first one's result has to wait for this.
    await other.query('begin')
    await other.query("select from delivery where status = 'dispatched' for update")
    calls[0]?.answer({ outcome: 'accepted' })
    await until('the second is being sent', () => calls.length === 2)
    expect((await carillon.sql.query("select from delivery where status = 'succeeded'")).rowCount).toBe(count - 2)
  } finally {
    await other.query('rollback')
    other.release()
  }
  calls[1]?.answer({ outcome: 'accepted' })
  await until('both are settled', async () => (await carillon.sql.query('select from due')).rows.length === 0)
})

test('two channels of one adapter have its places together, and both get on', async () => {
  const { adapter, calls } = openEnded()
  const carillon = await start(adapter, { concurrency: 3 })
  await page(carillon, 15, 'siren')
  carillon.app.worker.start()
  let answered = 0
  await until('all are sent', () => {
    expect(calls.length - answered).toBeLessThanOrEqual(3)
    if (calls.length - answered === 3 || calls.length === 30) {
      for (; answered < calls.length; answered += 1) calls[answered]?.answer({ outcome: 'accepted' })
    }
    return answered === 30
  })
  await until('all are settled', async () => (await carillon.sql.query('select from due')).rows.length === 0)
  expect(await brokenInvariants(carillon.sql)).toEqual([])
})
