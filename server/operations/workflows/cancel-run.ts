import type { DeliveryKey } from '../../core/delivery.ts'
import { cancelStepsOfRun, lockStepsOfRun } from '../../db/sql/end-runs.ts'
import { leaveBuckets } from '../../db/sql/leave-buckets.ts'
import { lockRuns, type RunRow } from '../../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { type RunStateRow, readRunState } from '../../db/sql/read-run-state.ts'
import { asTenant } from '../../db/transaction.ts'
import { CarillonError } from '../../errors.ts'
import type { Capabilities } from '../capabilities.ts'
import { checkWords } from '../words.ts'
import { advanceRuns } from './advance-runs.ts'
import { announceRuns } from './announce.ts'

/** What an operator asks for. */
export interface CancelRunCall {
  readonly tenantId: string
  /** `null` where the caller's id is none. */
  readonly id: string | null
  /** The operator's own words, kept in the run's history and in its deliveries' timelines. */
  readonly words: string
}

/** Ends a run for good, and cancels its deliveries that have not been handed over. INVALID_STATE where it is over. */
export const cancelRun = async (
  capabilities: Capabilities,
  { tenantId, id, words }: CancelRunCall,
): Promise<string> => {
  checkWords(words, ['input', 'reason'])
  const path = ['input', 'workflowRunId']
  const missing = () => new CarillonError('NOT_FOUND', 'There is no such workflow run', { path })
  if (id === null) throw missing()
  const key = { tenantId, id }
  const context = { source: 'operator', words }
  let leavers: readonly DeliveryKey[] = []
  const advanced = await asTenant(capabilities.db.tenant, tenantId, async (tx) => {
    const runs = await tx.query<RunRow>(lockRuns([key]))
    if (runs.length === 0) {
      const [row] = await tx.query<RunStateRow>(readRunState(key))
      if (!row) throw missing()
      throw new CarillonError(
        'INVALID_STATE',
        `Cannot cancel this workflow run: it is ${row.state} (${row.status_reason})`,
        {
          path,
        },
      )
    }
    for (const lock of lockStepsOfRun(key)) await tx.query(lock)
    const [time] = await tx.query<ClockRow>(readClock(capabilities.clock.now()))
    const { now } = time as ClockRow
    const reason = 'cancelled_by_operator'
    const stop = cancelStepsOfRun(key, now, { event: 'cancelled', reason, context })
    const ended = await tx.query<{ id: string }>(stop)
    leavers = ended.map((row) => ({ tenantId, id: row.id }))
    if (leavers.length > 0) await tx.query(leaveBuckets(leavers, now))
    const causes = [{ ...key, events: [{ kind: 'cancelled', reason, context } as const] }]
    return advanceRuns(tx, capabilities, { runs, causes, inboxes: [], now })
  })
  capabilities.hints.deliveriesChanged(leavers)
  await announceRuns(capabilities, advanced)
  return id
}
