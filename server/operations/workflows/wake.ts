import type { Claim } from '../../db/sql/claim-due.ts'
import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import { lockRunInboxes, lockRuns, lockWakes, type RunRow } from '../../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { halving } from '../halving.ts'
import { advanceRuns } from './advance-runs.ts'
import { announceRuns } from './announce.ts'

/** Runs whose wait is over move on together: as many statements for all of them as for one. */
const wakeTogether = async (capabilities: Capabilities, claims: readonly Claim[]): Promise<void> => {
  const keys = claims.map(({ tenant_id: tenantId, subject_id: id }) => ({ tenantId, id }))
  const advanced = await inTransaction(capabilities.db.system, async (tx) => {
    const [inboxes, runs, wakes, [time]] = await Promise.all([
      tx.query<InboxRow>(lockRunInboxes(keys)),
      tx.query<RunRow>(lockRuns(keys)),
      tx.query<{ tenant_id: string; id: string }>(lockWakes(claims)),
      tx.query<ClockRow>(readClock(capabilities.clock.now())),
    ])
    const { now } = time as ClockRow
    const causes = wakes.map(({ tenant_id: tenantId, id }) => ({ tenantId, id, events: [{ kind: 'wake' } as const] }))
    return advanceRuns(tx, capabilities, { runs, causes, inboxes, now })
  })
  await announceRuns(capabilities, advanced)
}

/** Carries out claimed wakes. One that cannot be carried out holds up no other, and is left to its lease. */
export const createWakeRuns =
  (capabilities: Capabilities): ((claims: readonly Claim[]) => Promise<void>) =>
  async (claims) => {
    const woken = await halving(claims, async (part) => {
      await wakeTogether(capabilities, part)
      return part
    })
    for (const one of woken) if (one.status === 'rejected') throw one.reason
  }
