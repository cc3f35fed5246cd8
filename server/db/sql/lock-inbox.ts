import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface LockedInboxRow {
  version: number
  position: number
}

/** Locks one recipient's inbox until the transaction ends. No row where it is missing. Index: inbox's key. */
export const lockInbox = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'lock_inbox',
  text: `select version, position from inbox where tenant_id = $1 and recipient_id = $2 for no key update`,
  values: [tenantId, recipientId],
})
