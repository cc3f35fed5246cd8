import type { InboxKey } from '../core/cursor.ts'
import { ensureInboxes } from '../db/sql/ensure-inboxes.ts'
import { type LockedInboxRow, lockInbox } from '../db/sql/lock-inbox.ts'
import type { Transaction } from '../db/transaction.ts'

/** Locks a recipient's inbox until the transaction ends, and makes it where it is missing. */
export const lockOneInbox = async (tx: Transaction, inbox: InboxKey): Promise<LockedInboxRow> => {
  const [row] = await tx.query<LockedInboxRow>(lockInbox(inbox))
  if (row) return row
  await tx.query(ensureInboxes([inbox]))
  return lockOneInbox(tx, inbox)
}
