import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import { lockRunInboxes, lockRuns, type RunRow } from '../../db/sql/lock-runs.ts'
import { markBounced } from '../../db/sql/mark-bounced.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { type SettledDelivery, settleDeliveries } from '../../db/sql/settle-deliveries.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { advanceRuns } from '../workflows/advance-runs.ts'
import { announceRuns } from '../workflows/announce.ts'
import { causesOf } from '../workflows/causes.ts'
import { bouncedIn, idsOf, type Settled, settledAs } from './settle.ts'

/**
 * Records results that end deliveries of runs, and moves the runs on, all in one transaction: the next step is planned
 * and due when the result is recorded, or neither is. Says of each what became of it.
 */
export const settleInRuns = async (
  capabilities: Capabilities,
  rows: readonly SettledDelivery[],
  now: Date | null,
): Promise<readonly Settled[]> => {
  const keys = rows.flatMap(({ tenantId, run }) => (run ? [{ tenantId, id: run.id }] : []))
  const { recorded, advanced } = await inTransaction(capabilities.db.system, async (tx) => {
    const [inboxes, runs, [time]] = await Promise.all([
      tx.query<InboxRow>(lockRunInboxes(keys)),
      tx.query<RunRow>(lockRuns(keys)),
      tx.query<ClockRow>(readClock(now)),
    ])
    const { now: instant } = time as ClockRow
    const recorded = idsOf(await tx.query<{ id: string }>(settleDeliveries(rows, instant)))
    const causes = rows.flatMap(({ tenantId, id, run, status, suppressionReason }) =>
      run && recorded.has(id)
        ? causesOf([{ tenantId, runId: run.id, deliveryId: id, isStep: run.isStep, status, suppressionReason }])
        : [],
    )
    const advanced = await advanceRuns(tx, capabilities, { runs, causes, inboxes, now: instant })
    const bounced = bouncedIn(rows, recorded)
    await tx.commitWith(bounced.length > 0 ? markBounced(bounced, instant) : [])
    return { recorded, advanced }
  })
  await announceRuns(capabilities, advanced)
  return settledAs(capabilities, rows, { recorded, now })
}
