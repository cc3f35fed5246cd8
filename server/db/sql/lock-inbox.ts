import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface LockedInboxRow {
  version: number
}

/** Makes the inbox where it is missing, and locks it: of one recipient, in that recipient's own transaction. */
export const lockInbox = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'lock_inbox',
  text: `select version from inbox where tenant_id = $1 and recipient_id = $2 for no key update`,
  values: [tenantId, recipientId],
})
