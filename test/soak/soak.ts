import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { createApp } from '../../server/app.ts'
import { createApiKey, ensureTenant } from '../../server/operations/credentials.ts'
import { httpProvider } from '../../server/testing/http-provider.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { peerConfig } from '../support/peer-config.ts'
import { createRandom } from '../support/random.ts'
import { until } from '../support/until.ts'
import { sampleDatabase } from './database.ts'
import { type Door, type Load, startLoad } from './load.ts'
import { type Bounds, type Check, judge, type Sample } from './verdict.ts'
import { startWatched, type Watched } from './watched.ts'

/*
 * One process of the whole service lives through the days of many: triggers, digests, journeys, a provider that refuses
 * one call in twenty, inboxes that are looked at over sockets that come and go, marks, preferences, operators'
 * questions, pruning. What it uses is looked at all the time, and at the end what it has done.
 */

const TENANT = 'soak'
const SECRET_KEY = 'a-secret-key-for-soaking-of-32-characters'
const READERS = 200
const SOCKETS = 40
const REFUSED = 0.05
const SLOWEST_STOP_MS = 10_000

export interface SoakOptions {
  readonly databaseUrl: string
  readonly minutes: number
  /** Requests a second; half of what the machine bears where left out. */
  readonly perSecond?: number
  readonly sampleEveryMs: number
  readonly pruneEveryMs: number
  /** How old it is then. */
  readonly prunedAfterMs: number
  readonly bounds: Bounds
  readonly say: (line: string) => void
}

export interface SoakResult {
  readonly perSecond: number
  readonly counts: Load['counts']
  readonly deliveries: number
  readonly pruned: number
  readonly samples: readonly Sample[]
  readonly checks: readonly Check[]
}

/** Credentials, made by an app that does nothing else. */
const makeDoor = async (url: string, databaseUrl: string): Promise<Door> => {
  const config = peerConfig({ pager: { kind: 'attempts', url }, leaseFor: '30s' })
  const app = await createApp({
    databaseUrl,
    config,
    secretKey: SECRET_KEY,
    bus: 'memory',
    connections: 2,
    cron: false,
  })
  try {
    await ensureTenant(app, TENANT)
    const ids = Array.from({ length: READERS }, (_, index) => `reader-${index}`)
    const issue = (recipientId: string) =>
      app.credentials.createRecipientToken({ tenantId: TENANT }, { recipientId, ttlSeconds: 86_400 })
    const tokens = new Map(await Promise.all(ids.map(async (id) => [id, (await issue(id)).token] as const)))
    return {
      url: '',
      backendKey: await createApiKey(app.db, { tenantId: TENANT, scopes: ['TRIGGER'], label: 'soak' }),
      operatorKey: await createApiKey(app.db, { tenantId: TENANT, scopes: ['OPERATE'], label: 'soak' }),
      tokens,
    }
  } finally {
    await app.close()
  }
}

const CALIBRATION_MS = 10_000
const CALIBRATION_CALLERS = 32
const MOST_PER_SECOND = 400

/** Half of the requests a second that are answered when so many callers ask one after the other. */
const findHalfLoad = async (door: Door): Promise<number> => {
  const load = startLoad(door, {
    perSecond: 5_000,
    atOnce: CALIBRATION_CALLERS,
    sockets: 0,
    random: createRandom(1),
    run: 'try',
  })
  // What is compiled and cached once is no part of it.
  await delay(CALIBRATION_MS)
  const before = load.answered()
  await delay(CALIBRATION_MS)
  const answered = load.answered() - before
  await load.stop()
  return Math.min(MOST_PER_SECOND, Math.max(10, Math.round(answered / (CALIBRATION_MS / 1_000) / 2)))
}

const putOffCheck = ({ triggers, putOff }: Load['counts'], { putOffShare }: Bounds): Check => ({
  promise: `at most one request in ${1 / putOffShare} triggers is told to come again`,
  found: `${putOff} of ${triggers}`,
  passed: putOff <= triggers * putOffShare,
})

const isDrained = async (sql: pg.Pool): Promise<boolean> => {
  const { rowCount } = await sql.query('select from due where due_at <= clock_timestamp() limit 1')
  return rowCount === 0
}

const endChecks = async (sql: pg.Pool, watched: Watched, failed: readonly string[]): Promise<readonly Check[]> => {
  const { rows } = await sql.query<{ outcome: string; count: number }>(
    `select outcome, count(*)::int4 from delivery_attempt where outcome = 'unknown' group by 1`,
  )
  const unknown = rows[0]?.count ?? 0
  const broken = await brokenInvariants(sql)
  const { code, ms } = await watched.stop()
  const leased = (await sql.query('select from due where lease_token is not null')).rowCount ?? 0
  return [
    {
      promise: 'every request is answered without an error, and nothing fails behind it',
      found: failed.length === 0 ? 'none failed' : `${failed.length} failed: ${failed.slice(0, 3).join('; ')}`,
      passed: failed.length === 0,
    },
    { promise: 'no attempt is in doubt', found: `${unknown} in doubt`, passed: unknown === 0 },
    {
      promise: 'all that is promised of the rows holds',
      found: broken.length === 0 ? 'nothing broken' : JSON.stringify(broken).slice(0, 1_000),
      passed: broken.length === 0,
    },
    {
      promise: `it stops in order within ${SLOWEST_STOP_MS / 1_000} s, and leaves nothing claimed`,
      found: `exit code ${code} after ${Math.round(ms)} ms, ${leased} claimed`,
      passed: code === 0 && ms < SLOWEST_STOP_MS && leased === 0,
    },
  ]
}

export const soak = async ({ databaseUrl, minutes, bounds, say, ...options }: SoakOptions): Promise<SoakResult> => {
  const provider = await httpProvider()
  const random = createRandom(1)
  provider.behave((_call, response) => {
    setTimeout(() => response.writeHead(random.chance(REFUSED) ? 503 : 200).end(), 5 + random.below(30))
  })
  const sql = new pg.Pool({ connectionString: databaseUrl, options: '-c carillon.tenant=*', max: 2 })
  let watched: Watched | null = null
  try {
    const door = await makeDoor(provider.url, databaseUrl)
    const service = await startWatched(
      { databaseUrl, secretKey: SECRET_KEY, providerUrl: provider.url, prunedAfterMs: options.prunedAfterMs },
      { collects: bounds.memory.of === 'heapUsed' },
    )
    watched = service
    const open = { ...door, url: service.url }
    const perSecond = options.perSecond ?? (await findHalfLoad(open))
    await until('what the trial left is carried out', () => isDrained(sql), { within: 120_000, every: 200 })
    await service.sample()
    say(`${perSecond} requests a second for ${minutes} minutes`)

    const load = startLoad(open, {
      perSecond,
      atOnce: perSecond,
      sockets: SOCKETS,
      random: createRandom(2),
      run: 'soak',
    })
    const samples: Sample[] = []
    const failures: string[] = []
    let pruned = 0
    const begun = performance.now()
    const isOver = (): boolean => performance.now() - begun >= minutes * 60_000
    const prune = async (): Promise<void> => {
      while (!isOver()) {
        pruned += await service.prune()
        await delay(options.pruneEveryMs)
      }
    }
    const look = async (): Promise<void> => {
      while (!isOver()) {
        await delay(options.sampleEveryMs)
        const minute = (performance.now() - begun) / 60_000
        const [own, database] = await Promise.all([service.sample(), sampleDatabase(sql)])
        failures.push(...own.failures)
        samples.push({ ...own, ...database, minute, triggersMs: load.takeTimes(), triggers: load.counts.triggers })
        if (samples.length % 30 === 0) say(`${minute.toFixed(0)} minutes, ${load.counts.triggers} triggers`)
      }
    }
    await Promise.all([prune(), look()])
    await load.stop()
    await until('all is carried out', () => isDrained(sql), { within: 120_000, every: 200 })
    failures.push(...(await service.sample()).failures, ...load.failed)
    const { rows } = await sql.query<{ count: number }>('select coalesce(sum(position), 0)::int8 as count from inbox')
    return {
      perSecond,
      counts: load.counts,
      deliveries: Number(rows[0]?.count ?? 0),
      pruned,
      samples,
      checks: [
        ...judge(samples, bounds),
        putOffCheck(load.counts, bounds),
        ...(await endChecks(sql, service, failures)),
      ],
    }
  } finally {
    watched?.kill()
    await sql.end()
    await provider.close()
  }
}
