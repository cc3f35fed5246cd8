import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { insertTenant } from '../../server/db/sql/insert-tenant.ts'
import { type Comparison, percentile, settleDatabase, startServer } from './measure.ts'
import { post } from './post.ts'
import { startProvider } from './provider.ts'
import { seedDue } from './seed-due.ts'

const QUEUED = Number(process.env['BENCH_JOBS'] ?? 100_000)
const ROUNDS = 3
const PER_ROUND = 60
/** Ten a second. */
const EVERY_MS = 100
/** As providers do: with a hundred calls at once the neighbour's queue takes minutes. */
const PROVIDER_MS = 200

const TRIGGER = 'mutation ($input: TriggerInput!) { trigger(input: $input) { event { id } } }'

/**
 * How long one tenant's messages take from trigger to provider, alone and while another tenant has 100,000 that are due
 * on the same channel, by one process.
 */
export const compareNeighbours = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const heard = new Map<string, (at: number) => void>()
  const provider = await startProvider((marker) => heard.get(marker)?.(performance.now()), {
    answerAfterMs: PROVIDER_MS,
  })
  const server = await startServer(databaseUrl, {
    script: 'sender',
    env: { BENCH_ROLE: 'all', BENCH_PROVIDER_URL: provider.url },
  })
  const pool = new pg.Pool({ connectionString: databaseUrl, options: '-c carillon.tenant=*', max: 1 })

  const measure = async (round: string): Promise<readonly number[]> => {
    const times: Promise<number>[] = []
    for (let index = 0; index < PER_ROUND; index++) {
      const marker = `${round}-${index}`
      const sent = performance.now()
      times.push(new Promise((resolve) => heard.set(marker, (at) => resolve(at - sent))))
      const recipients = [{ id: `neighbour-${index}` }]
      await post(server, TRIGGER, {
        input: { notificationKey: 'bench', idempotencyKey: marker, payload: { marker }, recipients },
      })
      await delay(Math.max(0, sent + EVERY_MS - performance.now()))
    }
    return Promise.all(times)
  }

  await measure('warm')
  await settleDatabase(databaseUrl)
  const alone: (readonly number[])[] = []
  for (let round = 0; round < ROUNDS; round++) alone.push(await measure(`alone-${round}`))
  await pool.query(insertTenant('noisy'))
  await seedDue(pool, { tenantId: 'noisy', count: QUEUED, before: 0 })
  await settleDatabase(databaseUrl)
  const beside: (readonly number[])[] = []
  for (let round = 0; round < ROUNDS; round++) beside.push(await measure(`beside-${round}`))
  const { rows } = await pool.query<{ left: number }>(
    `select count(*)::int4 as left from due where tenant_id = 'noisy'`,
  )
  const left = rows[0]?.left ?? 0
  if (left === 0) throw new Error('the queue of the neighbour was over before the measurement')
  await pool.end()
  await server.stop()
  provider.close()
  const p95 = (rounds: readonly (readonly number[])[]) => percentile(rounds.flat(), 0.95)
  return [
    {
      name: `a trigger to its provider called, beside a neighbour's ${QUEUED.toLocaleString('en')} of which ${(QUEUED - left).toLocaleString('en')} were sent meanwhile, p95`,
      unit: 'ms',
      ours: p95(beside),
      limit: p95(alone),
      ratios: beside.map((round) => percentile(round, 0.95) / p95(alone)),
      beside: 'alone',
      goal: 2,
      good: 'at most',
    },
  ]
}
