import type { Cutoffs } from '../../core/retention.ts'
import { tryPruning } from '../../db/sql/lock-old-events.ts'
import { inTransaction, type Transaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'

/** How much was pruned. */
export interface Pruned {
  readonly events: number
  readonly notifications: number
  readonly deliveries: number
  /** Items that were taken out of inboxes. */
  readonly items: number
  readonly signals: number
  /** Reports that nothing came of. */
  readonly reports: number
}

/** One pass through one tenant. */
export interface Pass {
  readonly tenantId: string
  readonly now: Date
  readonly cutoffs: Cutoffs
  /** Whether it is to stop. */
  isOver(): boolean
  add(pruned: Partial<Pruned>): void
  rest(ms: number): Promise<void>
}

/** Another process prunes at this moment. */
export class BusyElsewhere extends Error {}

/** Before the first id. */
export const FIRST_ID = '00000000-0000-0000-0000-000000000000'

/** Runs one batch in a transaction of its own, and rests in proportion to what that took. */
export const inBatch = async <T>(
  { db, telemetry }: Pick<Capabilities, 'db' | 'telemetry'>,
  { tenantId, rest }: Pick<Pass, 'tenantId' | 'rest'>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> => {
  const begun = performance.now()
  const result = await inTransaction(db.system, async (tx) => {
    const [lock] = await tx.query<{ mine: boolean }>(tryPruning)
    if (!lock?.mine) throw new BusyElsewhere('another process is pruning')
    return work(tx)
  })
  const ms = performance.now() - begun
  telemetry.emit('history.batch_pruned', { tenantId, ms })
  await rest(ms)
  return result
}
