import type { Claim } from '../db/sql/claim-due.ts'
import { lockInboxes } from '../db/sql/lock-inboxes.ts'
import { readSleepers, type SleeperRow, type WokenRow, wakeNotifications } from '../db/sql/wake-notifications.ts'
import { inTransaction } from '../db/transaction.ts'
import type { Capabilities } from './capabilities.ts'
import { halving } from './halving.ts'

const toKey = ({ tenant_id: tenantId, recipient_id: recipientId }: SleeperRow) => ({ tenantId, recipientId })

/** Brings back the items of claims, whose snooze is over; those that were woken or renewed meanwhile are left as they are. */
export const wakeClaims = async ({ db, hints }: Capabilities, claims: readonly Claim[]): Promise<void> => {
  const done = await halving(claims, async (part) => {
    const woken = await inTransaction(db.system, async (tx) => {
      const inboxes = (await tx.query<SleeperRow>(readSleepers(part))).map(toKey)
      const [, moved] = await Promise.all([
        tx.query(lockInboxes(inboxes, { skipLocked: false })),
        tx.query<WokenRow>(wakeNotifications(part, inboxes)),
      ])
      return moved
    })
    hints.inboxesMoved(woken.map(toKey))
    return part
  })
  for (const one of done) if (one.status === 'rejected') throw one.reason
}
