import type { Gauge } from 'prom-client'
import type { App } from '../app.ts'
import { MOST_COUNTED, type QueueRow, readQueue } from '../db/sql/read-queue.ts'
import type { Made } from './registry.ts'

/** What is asked when somebody wants to know. */
export type Observed = Pick<App, 'db' | 'clock' | 'hub' | 'isReady' | 'breakerStates'>

/** The queue is looked at once in so long, however many ask. */
const QUEUE_KEPT_MS = 5_000
/** Metrics come without the queue rather than late. */
const QUEUE_TIMEOUT_MS = 2_000

const BREAKER_STATES = ['closed', 'half_open', 'open'] as const

/** The queue as of a moment ago; `null` where the database does not say. */
const queueReader = ({ db, clock }: Observed): (() => Promise<readonly QueueRow[] | null>) => {
  let kept: { readonly rows: Promise<readonly QueueRow[] | null>; readonly until: number } | null = null
  const read = async (): Promise<readonly QueueRow[] | null> => {
    const statement = { ...readQueue(clock.now()), query_timeout: QUEUE_TIMEOUT_MS }
    try {
      return (await db.system.query<QueueRow>(statement)).rows
    } catch {
      return null
    }
  }
  return () => {
    const now = performance.now()
    if (!kept || kept.until < now) kept = { rows: read(), until: now + QUEUE_KEPT_MS }
    return kept.rows
  }
}

const gaugesIn = ({ gauge }: Made) => {
  const queue = ['kind', 'lane'] as const
  return {
    depth: gauge('queue_depth', `Work that is due and unclaimed; up to ${MOST_COUNTED} a lane are counted.`, queue),
    age: gauge('queue_age_seconds', 'For how long the oldest unclaimed work has been due.', queue),
    leased: gauge('queue_leased', 'Work that is due and under way.', queue),
    ready: gauge('ready', 'Whether requests can be answered, as /health/ready says: 1 or 0.'),
    subscriptions: gauge('subscriptions', 'Subscriptions to inboxes that are open.'),
    pool: gauge('database_pool', 'Connections of the pools, by state: total, idle, and requests waiting for one.', [
      'pool',
      'state',
    ]),
    breaker: gauge('adapter_breaker', "Each adapter's breaker: 1 for the state it is in, 0 for the others.", [
      'adapter',
      'state',
    ]),
  }
}

const showQueue = (
  { depth, age, leased }: Record<'depth' | 'age' | 'leased', Gauge<'kind' | 'lane'>>,
  rows: readonly QueueRow[] | null,
  seen: Map<string, { readonly kind: string; readonly lane: string }>,
): void => {
  for (const gauge of [depth, age, leased]) gauge.reset()
  // Not known is not nothing.
  if (!rows) return
  for (const { kind, lane } of rows) seen.set(`${kind} ${lane}`, { kind, lane })
  // A lane that is empty again says 0, and does not vanish.
  for (const labels of seen.values()) for (const gauge of [depth, age, leased]) gauge.set(labels, 0)
  for (const { kind, lane, ...row } of rows) {
    depth.set({ kind, lane }, row.depth)
    age.set({ kind, lane }, Math.max(0, row.age ?? 0))
    leased.set({ kind, lane }, row.leased)
  }
}

/** Makes what is looked at when it is asked for; the function brings it up to date. */
export const lookAt = (made: Made) => {
  const gauges = gaugesIn(made)
  const seen = new Map<string, { readonly kind: string; readonly lane: string }>()
  return (app: Observed): (() => Promise<void>) => {
    const queue = queueReader(app)
    return async () => {
      showQueue(gauges, await queue(), seen)
      gauges.ready.set(app.isReady() ? 1 : 0)
      gauges.subscriptions.set(app.hub.subscriberCount)
      for (const pool of ['system', 'tenant'] as const) {
        const { totalCount, idleCount, waitingCount } = app.db[pool]
        gauges.pool.set({ pool, state: 'total' }, totalCount)
        gauges.pool.set({ pool, state: 'idle' }, idleCount)
        gauges.pool.set({ pool, state: 'waiting' }, waitingCount)
      }
      for (const [adapter, now] of app.breakerStates()) {
        for (const state of BREAKER_STATES) gauges.breaker.set({ adapter, state }, state === now ? 1 : 0)
      }
    }
  }
}
