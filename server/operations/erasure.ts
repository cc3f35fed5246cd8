import type { InboxKey } from '../core/cursor.ts'
import { idFault } from '../core/json-limits.ts'
import {
  eraseHistory,
  erasePayloads,
  eraseSignals,
  leaveAudiences,
  lockErasure,
  removeRecipient,
  stopDeliveries,
} from '../db/sql/erase-recipient.ts'
import { leaveBuckets } from '../db/sql/leave-buckets.ts'
import { lockRunsOfRecipient, type RunRow } from '../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { halving } from './halving.ts'
import { lockOneInbox } from './lock-one-inbox.ts'
import { advanceRuns } from './workflows/advance-runs.ts'

/**
 * Erases all that is known of a recipient: its details, addresses, settings and subscriptions, the content that it was
 * sent, the payloads of events that were for it alone, and what was said about its addresses. What waits for it is
 * cancelled. The id stays, as the key to explanations, which still say what was decided, and that it was erased.
 * Answers how many notifications lost their content; asked again, 0.
 */
export const eraseRecipient = async (capabilities: Capabilities, recipient: InboxKey): Promise<number> => {
  const { db, clock, hints } = capabilities
  const fault = idFault(recipient.recipientId, ['input', 'recipientId'])
  if (fault) throw badInput(`recipientId ${fault.message}`, fault.path)
  const { tenantId } = recipient
  const erased = await asTenant(db.tenant, tenantId, async (tx) => {
    await lockOneInbox(tx, recipient)
    const runs = await tx.query<RunRow>(lockRunsOfRecipient(recipient))
    for (const lock of lockErasure(recipient)) await tx.query(lock)
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    const stopped = await tx.query<{ tenantId: string; id: string }>(stopDeliveries(recipient, now))
    if (stopped.length > 0) await tx.query(leaveBuckets(stopped, now))
    const events = [{ kind: 'cancelled', reason: 'recipient_erased' } as const]
    const causes = runs.map((run) => ({ tenantId, id: run.id, events }))
    await advanceRuns(tx, capabilities, { runs, causes, inboxes: [], now })
    await tx.query(eraseSignals(recipient))
    const [counted] = await tx.query<{ count: number }>(eraseHistory(recipient, now))
    await tx.commitWith(removeRecipient(recipient))
    return { now, stopped, count: counted?.count ?? 0 }
  })
  // Apart from the rest, since events are locked before inboxes; asked again, what was left of it is done.
  const [done] = await halving([recipient], async (one) => {
    await asTenant(db.tenant, tenantId, (tx) =>
      tx.commitWith([leaveAudiences(recipient, erased.now), erasePayloads(recipient, erased.now)]),
    )
    return one
  })
  if (done?.status === 'rejected') throw done.reason
  hints.inboxesMoved([recipient])
  hints.deliveriesChanged(erased.stopped)
  return erased.count
}
