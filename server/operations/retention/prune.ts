import { setTimeout as sleep } from 'node:timers/promises'
import { cutoffsAt, type Retention } from '../../core/retention.ts'
import { noteInboxesPruned, type PrunedTenantRow, readPrunedTenants } from '../../db/sql/pruned-tenants.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { pruneOldEvents } from './events.ts'
import { pruneOldItems } from './items.ts'
import { BusyElsewhere, type Pass, type Pruned } from './pass.ts'
import { pruneOldReports, pruneOldSignals } from './rows.ts'

/*
 * A pass goes through the tenants one after the other, and in each through inboxes, events, signals and reports, oldest
 * first. All that it does is done in batches, each a transaction of its own that never waits for anybody, and whoever
 * meets one waits no longer than it takes. Where it stops, by a crash too, the next one goes on.
 */

export interface Pruning {
  /** Ends the pass after the batch that is under way. */
  readonly signal?: AbortSignal
  /** Leaves out the inboxes of those tenants of which all were looked at in the last 23 hours, by any process. */
  readonly inboxesDaily?: boolean
}

/** Prunes all that is old enough; answers how much that was. Where another process is at it, it leaves it to that. */
export type Prune = (options?: Pruning) => Promise<Pruned>

/** A little less than a day, so that an hourly pass finds it due at the same time of the next day. */
const INBOXES_EVERY_MS = 23 * 3_600_000

const NOTHING: Pruned = { events: 0, notifications: 0, deliveries: 0, items: 0, signals: 0, reports: 0 }

/** Two thirds of the time are the others'. */
const restFor = async (ms: number, signal: AbortSignal | undefined): Promise<void> => {
  await sleep(Math.max(1, 2 * ms), undefined, { signal }).catch(() => {})
}

/** Makes the pruning by these settings. Where all is kept for ever it does nothing. */
export const createPrune = (capabilities: Capabilities, retention: Retention): Prune => {
  const { db, clock, telemetry } = capabilities
  const keepsAll = Object.values(retention).every((ms) => ms === null)

  return async ({ signal, inboxesDaily = false } = {}) => {
    if (keepsAll) return NOTHING
    const [time] = await inTransaction(db.system, (tx) => tx.query<ClockRow>(readClock(clock.now())))
    const { now } = time as ClockRow
    const total = { ...NOTHING }
    try {
      const { rows: tenants } = await db.system.query<PrunedTenantRow>(readPrunedTenants())
      const since = inboxesDaily ? now.getTime() - INBOXES_EVERY_MS : Number.POSITIVE_INFINITY
      for (const { id: tenantId, inboxes_pruned_at: prunedAt } of tenants) {
        const pass: Pass = {
          tenantId,
          now,
          cutoffs: cutoffsAt(retention, now),
          isOver: () => signal?.aborted ?? false,
          add: (more) => {
            for (const [name, count] of Object.entries(more)) total[name as keyof Pruned] += count
          },
          rest: (ms) => restFor(ms, signal),
        }
        if ((!prunedAt || prunedAt.getTime() <= since) && (await pruneOldItems(capabilities, pass))) {
          await db.system.query(noteInboxesPruned(tenantId, now))
        }
        await pruneOldEvents(capabilities, pass)
        await pruneOldSignals(capabilities, pass)
        await pruneOldReports(capabilities, pass)
      }
    } catch (error) {
      if (!(error instanceof BusyElsewhere)) throw error
    }
    if (Object.values(total).some((count) => count > 0)) telemetry.emit('history.pruned', total)
    return total
  }
}
