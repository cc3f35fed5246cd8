import { type QueueLaneRow, readTenantQueue } from '../db/sql/read-tenant-queue.ts'
import type { Capabilities } from './capabilities.ts'

/** What of a tenant's work shares one speed: a channel's deliveries, or one kind of other work. */
export interface QueueLane {
  readonly lane: string
  readonly dueCount: number
  readonly oldestDueAt: Date | null
  readonly underWayCount: number
  readonly laterCount: number
  readonly retryingCount: number
  readonly nextDueAt: Date | null
}

/**
 * A tenant's queue as it is now, in order of lane; lanes with nothing in them are left out, and of each the first
 * 10,000 are counted where the tenant has more than so many in all.
 */
export const queueOf = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  tenantId: string,
): Promise<readonly QueueLane[]> => {
  const { rows } = await db.system.query<QueueLaneRow>(readTenantQueue(tenantId, clock.now()))
  return rows.map((row) => ({
    lane: row.lane,
    dueCount: row.due,
    oldestDueAt: row.oldest_due_at,
    underWayCount: row.under_way,
    laterCount: row.later,
    retryingCount: row.retrying,
    nextDueAt: row.next_due_at,
  }))
}
