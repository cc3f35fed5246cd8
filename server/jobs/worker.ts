import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Database } from '../db/client.ts'
import { type Claim, claimDue, releaseDue } from '../db/sql/claim-due.ts'
import { readWaitingTenants, type WaitingTenantRow } from '../db/sql/read-waiting-tenants.ts'
import type { Telemetry } from '../telemetry.ts'
import { startSpan } from '../tracing.ts'
import type { Source } from './sources.ts'
import { createTurns, type OpenLane } from './turns.ts'

/*
 *   stopped ──start()──► running ──stop()──► draining ──► stopped
 *
 * While running it claims when it is told that there is work, when work it had is done, and every poll in any case. A
 * claim that it could not carry out is not given back: its lease runs out, and whoever claims it next sees that it had
 * been begun.
 */

export interface Worker {
  /** Claims by itself from now on. */
  start(): void
  /** There may be work that is due. */
  wake(): void
  /** Carries out all that is due as of now, and what comes of it; resolves when nothing is left. For tests. */
  drain(): Promise<number>
  /** Claims no more, and resolves when what was begun is done or `graceMs` are over. */
  stop(options?: { readonly graceMs?: number }): Promise<void>
}

export interface WorkerOptions {
  readonly db: Pick<Database, 'system'>
  readonly clock: Clock
  readonly telemetry: Telemetry
  readonly sources: readonly Source[]
  readonly leaseMs: number
  /** How often the queue is looked at without being told. */
  readonly pollEveryMs?: number
  /** Called when the grace of `stop` is over: ends what is still under way. */
  readonly abort: () => void
}

export const createWorker = ({
  db,
  clock,
  telemetry,
  sources,
  leaseMs,
  pollEveryMs = 1_000,
  abort,
}: WorkerOptions): Worker => {
  /** How much of what each limit bounds is under way, by tenant. */
  const inFlight = new Map<string, Map<string, number>>()
  const turns = createTurns()
  const running = new Set<Promise<void>>()
  let state: 'stopped' | 'running' | 'draining' = 'stopped'
  let claiming: Promise<number> | null = null
  let again = false
  let poll: NodeJS.Timeout | undefined
  let stopping: Promise<void> | null = null

  const heldOf = (limit: string): ReadonlyMap<string, number> => inFlight.get(limit) ?? new Map()
  const takenOf = (limit: string): number => [...heldOf(limit).values()].reduce((sum, count) => sum + count, 0)

  const openLanes = (): readonly OpenLane[] =>
    sources.flatMap((source) =>
      source.lanes().flatMap((lane) => {
        const free = lane.capacity - takenOf(lane.limitedBy)
        return free > 0 ? [{ ...lane, free, held: heldOf(lane.limitedBy) }] : []
      }),
    )

  const count = (source: Source, claims: readonly Claim[], step: 1 | -1): void => {
    for (const claim of claims) {
      const limit = source.limiterOf(claim)
      const held = inFlight.get(limit) ?? new Map<string, number>()
      const left = (held.get(claim.tenant_id) ?? 0) + step
      if (left > 0) held.set(claim.tenant_id, left)
      else held.delete(claim.tenant_id)
      inFlight.set(limit, held)
    }
  }

  const run = async (source: Source, claims: readonly Claim[]): Promise<void> => {
    const open = new Set(claims)
    // One by one: a call that hangs keeps its own place, and not those of its whole batch.
    const finished = (claim: Claim): void => {
      if (!open.delete(claim)) return
      count(source, [claim], -1)
      if (state === 'running') void claimAll()
    }
    count(source, claims, 1)
    try {
      await source.run(claims, {
        finished,
        get draining() {
          return state === 'draining'
        },
      })
    } catch (error) {
      telemetry.emit('worker.failed', { error: error as Error })
    } finally {
      for (const claim of [...open]) finished(claim)
    }
  }

  const waitingTenants = async (lanes: readonly OpenLane[]): Promise<readonly WaitingTenantRow[]> => {
    const crowded = turns.crowded(lanes)
    if (crowded.size === 0) return []
    return (await db.system.query<WaitingTenantRow>(readWaitingTenants(crowded, clock.now()))).rows
  }

  const claimOnce = async (): Promise<number> => {
    const lanes = openLanes()
    if (lanes.length === 0) return 0
    const startTime = Date.now()
    const asked = performance.now()
    const { offers, lookFurther } = turns.offers(lanes, await waitingTenants(lanes))
    if (lookFurther) again = true
    if (offers.length === 0) return 0
    const { rows } = await db.system.query<Claim>(claimDue(offers, { now: clock.now(), leaseMs }))
    // Most looks at the queue find nothing, and are worth no span.
    if (rows.length > 0)
      startSpan('carillon.claim', { startTime, attributes: { 'carillon.claimed': rows.length } }).end()
    telemetry.emit('queue.looked_at', { claimed: rows.length, durationMs: performance.now() - asked })
    const kept = state === 'draining' ? [] : turns.keep(lanes, offers, rows)
    const begun = sources.map((source) => ({ source, claims: kept.filter(({ kind }) => kind === source.kind) }))
    for (const { source, claims } of begun) {
      if (claims.length === 0) continue
      telemetry.emit('work.claimed', { kind: source.kind, count: claims.length })
      const work = run(source, claims)
      running.add(work)
      void work.finally(() => running.delete(work))
    }
    const underWay = new Set(begun.flatMap(({ claims }) => claims))
    const surplus = rows.filter((claim) => !underWay.has(claim))
    if (surplus.length > 0) await db.system.query(releaseDue(surplus))
    return underWay.size
  }

  /** One claim at a time; who comes meanwhile makes it go round once more. */
  const claimAll = async (): Promise<number> => {
    again = true
    claiming ??= (async () => {
      let claimed = 0
      try {
        while (again && state !== 'draining') {
          again = false
          await nextTurn()
          const count = await claimOnce()
          claimed += count
          if (count > 0) again = true
        }
      } catch (error) {
        telemetry.emit('worker.failed', { error: error as Error })
        if (state === 'stopped') throw error
      } finally {
        claiming = null
      }
      return claimed
    })()
    return claiming
  }

  const drainAndStop = async (graceMs: number): Promise<void> => {
    state = 'draining'
    clearInterval(poll)
    await claiming?.catch(() => {})
    let timer: NodeJS.Timeout | undefined
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, graceMs)
    })
    await Promise.race([Promise.all(running), grace])
    clearTimeout(timer)
    if (running.size > 0) abort()
    await Promise.all(running)
    state = 'stopped'
  }

  return {
    start() {
      if (state !== 'stopped') return
      state = 'running'
      stopping = null
      poll = setInterval(() => void claimAll(), pollEveryMs)
      void claimAll()
    },
    wake() {
      if (state === 'running') void claimAll()
    },
    async drain() {
      let done = 0
      for (;;) {
        const claimed = await claimAll()
        await Promise.all(running)
        if (claimed === 0) return done
        done += claimed
      }
    },
    stop({ graceMs = 10_000 } = {}) {
      stopping ??= drainAndStop(graceMs)
      return stopping
    },
  }
}
