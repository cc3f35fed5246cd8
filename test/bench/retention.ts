import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { z } from 'zod'
import { createApp } from '../../server/app.ts'
import { storedAnswers } from '../../server/core/decision.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { ANSWERS } from './batches.ts'
import { allInTurn, type Comparison, median, percentile, settleDatabase } from './measure.ts'

const TENANT = 'retention'
/** What is old: each with a notification, two deliveries, two attempts and three decisions, 360,000 rows in all. */
const EVENTS = 40_000
const RECIPIENTS = 2_000
const ROUNDS = 3
const ROUND_MS = 5_000
const CALLERS = 4
const PAUSE_MS = 20

const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'bench',
      version: 1,
      payload: z.object({ n: z.number() }),
      channels: ['in_app', 'pager'],
      render: { in_app: ({ payload }) => ({ title: `Number ${payload.n}` }), pager: () => ({}) },
    }),
  ],
  adapters: { pager: memory() },
  retention: { events: '90d' },
})

/** History that is over since half a year, which has left the inboxes. */
const seedHistory = async (pool: pg.Pool): Promise<void> => {
  await pool.query(
    `insert into inbox (tenant_id, recipient_id, position, version) select $1, 'old-' || i, $2, $2 from generate_series(0, $3::int - 1) i`,
    [TENANT, (2 * EVENTS) / RECIPIENTS, RECIPIENTS],
  )
  const id = (kind: string) => `('0180${kind}00-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid`
  const at = `now() - interval '180 days' + i * interval '1 second'`
  await pool.query(
    `insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, required, urgent, status, recipient_count, planned_recipient_count, inserted_at)
    select $1, ${id('00')}, 'bench', 1, 'old-' || i, decode('00', 'hex'), '{"n": 1}', false, false, 'planned', 1, 1, ${at} from generate_series(1, $2::int) i`,
    [TENANT, EVENTS],
  )
  await pool.query(
    `insert into notification (tenant_id, id, event_id, recipient_id, notification_key, inserted_at, inbox_version, pruned_at)
    select $1, ${id('01')}, ${id('00')}, 'old-' || i % $3::int, 'bench', ${at}, 1 + i / $3::int, ${at} from generate_series(1, $2::int) i`,
    [TENANT, EVENTS, RECIPIENTS],
  )
  for (const [channel, kind, place] of [
    ['in_app', '02', 1],
    ['pager', '03', 2],
  ] as const) {
    await pool.query(
      `insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, status, position, inserted_at, updated_at, counts_at)
      select $1, ${id(kind)}, ${id('01')}, ${id('00')}, 'old-' || i % $3::int, 'bench', $4, 'succeeded', 2 * ((i - 1) / $3::int) + $5, ${at}, ${at}, ${at} from generate_series(1, $2::int) i`,
      [TENANT, EVENTS, RECIPIENTS, channel, place],
    )
    await pool.query(
      `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
      select $1, gen_random_uuid(), ${id(kind)}, 1, 'succeeded', $3, 'call', ${at}, ${at} from generate_series(1, $2::int) i`,
      [TENANT, EVENTS, channel],
    )
    for (const checkpoint of channel === 'pager' ? ['planning', 'perform'] : ['planning']) {
      await pool.query(
        `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
        select $1, gen_random_uuid(), ${id(kind)}, $3, ${at}, $4 from generate_series(1, $2::int) i`,
        [TENANT, EVENTS, checkpoint, storedAnswers(ANSWERS)],
      )
    }
  }
}

const deadRows = async (pool: pg.Pool): Promise<string> => {
  const { rows } = await pool.query<{ relname: string; n_dead_tup: number; n_live_tup: number }>(
    `select relname, n_dead_tup::int, n_live_tup::int from pg_stat_user_tables where n_dead_tup > 1000 order by relname`,
  )
  return rows.map((row) => `${row.relname} ${row.n_dead_tup} dead of ${row.n_live_tup}`).join(', ')
}

/** Triggers at a steady pace, alone and beside the pruning of their tenant's history, in turn. */
export const compareRetention = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const app = await createApp({
    databaseUrl,
    config,
    secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
    bus: 'memory',
  })
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  try {
    await ensureTenant(app, TENANT)
    await seedHistory(pool)
    await settleDatabase(databaseUrl)
    let counter = 0
    const call = async (until: number, latencies: number[]): Promise<void> => {
      while (performance.now() < until) {
        counter += 1
        const begun = performance.now()
        await app.trigger({
          tenantId: TENANT,
          request: {
            notificationKey: 'bench',
            idempotencyKey: randomUUID(),
            payload: { n: counter },
            recipients: [{ id: `old-${counter % RECIPIENTS}` }],
          },
          path: [],
        })
        latencies.push(performance.now() - begun)
        await sleep(PAUSE_MS)
      }
    }
    const triggers = async (): Promise<number> => {
      const latencies: number[] = []
      const until = performance.now() + ROUND_MS
      await Promise.all(Array.from({ length: CALLERS }, () => call(until, latencies)))
      return percentile(latencies, 0.95)
    }
    await triggers()
    let pruned = 0
    const batches: number[] = []
    app.telemetry.on('history.batch_pruned', ({ ms }) => void batches.push(ms))
    const whilePruning = async (): Promise<number> => {
      const stopping = new AbortController()
      const pruning = app.prune({ signal: stopping.signal })
      const p95 = await triggers()
      stopping.abort()
      const { notifications } = await pruning
      // An event, a notification, two deliveries, two attempts and three decisions.
      pruned += notifications * 9
      return p95
    }
    const [alone = [], beside = []] = await allInTurn(ROUNDS, triggers, whilePruning)
    const seconds = (ROUNDS * ROUND_MS) / 1000
    process.stdout.write(`        pruned ${pruned} rows in ${seconds} s: ${await deadRows(pool)}\n`)
    const [half, most] = [percentile(batches, 0.5), percentile(batches, 0.95)].map((ms) => ms.toFixed(1))
    process.stdout.write(`        a batch took ${half} ms (p50), ${most} ms (p95)\n`)
    return [
      {
        name: "a trigger, p95, while its tenant's history is pruned",
        unit: 'ms',
        ours: median(beside),
        limit: median(alone),
        beside: `the same without; ${pruned.toLocaleString('en')} rows were pruned meanwhile`,
        goal: 2,
        good: 'at most',
        ratios: beside.map((one, index) => one / (alone[index] as number)),
      },
    ]
  } finally {
    await pool.end()
    await app.close()
  }
}
