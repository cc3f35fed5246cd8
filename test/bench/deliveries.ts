import pg from 'pg'
import { pino } from 'pino'
import { z } from 'zod'
import { createApp } from '../../server/app.ts'
import { defineConfig, defineNotifier, log } from '../../server/index.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { loadGraphile } from './graphile.ts'
import { allInTurn, type Comparison, median, settleDatabase } from './measure.ts'
import { seedDue } from './seed-due.ts'

const COUNT = Number(process.env['BENCH_JOBS'] ?? 20_000)
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5)
const TENANT = 'deliveries'

const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'bench',
      version: 1,
      category: 'bench',
      payload: z.object({ n: z.number() }),
      channels: ['pager'],
      render: { pager: ({ payload }) => ({ text: `Number ${payload.n}` }) },
    }),
  ],
  // Each line is made and written; nobody reads it.
  adapters: { pager: log({ logger: pino({}, pino.destination('/dev/null')) }) },
})

/** Resolves when a statement finds nothing any more: the work is done once the books say so. */
const emptied = async (pool: pg.Pool, statement: string): Promise<void> => {
  while ((await pool.query(statement)).rowCount) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Jobs a second since `begun`. */
const rate = (begun: number): number => (COUNT * 1_000) / (performance.now() - begun)

/**
 * What the job loop carries out in a second: deliveries through the log adapter (claimed, decided once more, rendered,
 * handed over, recorded), beside graphile-worker's jobs that do nothing.
 */
export const compareDeliveries = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  const graphile = await loadGraphile()
  let before = 0

  const ours = async (): Promise<number> => {
    await seedDue(pool, { tenantId: TENANT, count: COUNT, before })
    before += COUNT
    await settleDatabase(databaseUrl)
    const app = await createApp({
      databaseUrl,
      config,
      secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
      bus: 'memory',
    })
    await ensureTenant(app, TENANT)
    app.telemetry.on('worker.failed', ({ error }) => {
      throw error
    })
    let settled = 0
    const all = new Promise<void>((resolve) => {
      app.telemetry.on('delivery.settled', () => {
        settled += 1
        if (settled === COUNT) resolve()
      })
    })
    const begun = performance.now()
    app.worker.start()
    await all
    await emptied(pool, 'select from due limit 1')
    const found = rate(begun)
    await app.close()
    return found
  }

  const peer = (tuned: boolean) => async (): Promise<number> => {
    await pool.query(
      "select graphile_worker.add_job('nothing', json_build_object('n', i)) from generate_series(1, $1) i",
      [COUNT],
    )
    await settleDatabase(databaseUrl)
    let begun = 0
    let done = 0
    let found = 0
    let finish: () => void = () => {}
    const all = new Promise<void>((resolve) => {
      finish = resolve
    })
    const finished = all
      .then(() => emptied(pool, 'select from graphile_worker._private_jobs limit 1'))
      .then(() => {
        found = rate(begun)
      })
    await graphile.work({
      databaseUrl,
      tuned,
      task: () => {
        // Its own start is not counted.
        if (done === 0) begun = performance.now()
        done += 1
        if (done === COUNT) finish()
      },
      finished,
    })
    return found
  }

  // It makes its tables when it first runs.
  await graphile.work({ databaseUrl, tuned: false, task: () => {}, finished: Promise.resolve() })
  await ours()
  const [rates = [], plain = [], tuned = []] = await allInTurn(
    ROUNDS,
    ours,
    peer(false),
    ...(graphile.batches ? [peer(true)] : []),
  )
  await pool.end()
  const beside = (limits: readonly number[], how: string, goal: number): Comparison => ({
    name: 'deliveries by the log adapter',
    unit: '/s',
    ours: median(rates),
    limit: median(limits),
    ratios: rates.map((one, round) => one / (limits[round] as number)),
    beside: `no-op jobs of graphile-worker ${graphile.version} ${how}`,
    goal,
    good: 'at least',
  })
  return [
    beside(plain, 'as it comes', 5),
    ...(graphile.batches ? [beside(tuned, 'with a local queue and batched completion', 0.6)] : []),
  ]
}
