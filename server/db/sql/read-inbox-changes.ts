import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { MAX_CHANGES } from '../../core/inbox.ts'
import { NOTIFICATION_COLUMNS, type NotificationRow } from './notification-row.ts'

/** One change, or a row without a notification where there is none; every row says where the inbox stands. */
export type InboxChangesRow = {
  ordinal: number
  version: number | null
  total: number | null
  unread: number | null
  unseen: number | null
  /** Cursors before this version cannot be gone on from. */
  resync_below: number | null
} & (NotificationRow | { id: null })

/**
 * What changed in each of these inboxes since a version, in order, in one snapshot. `after: null` asks where the inbox
 * stands alone. Index: notification's inbox_version; no lock.
 */
export const readInboxChanges = (wanted: readonly (InboxKey & { readonly after: number | null })[]): QueryConfig => ({
  name: 'read_inbox_changes',
  text: `
select k.ordinal::int4, i.version, i.total, i.unread, i.unseen, i.resync_below, c.*
from unnest($1::text[], $2::text[], $3::int8[]) with ordinality as k (tenant_id, recipient_id, after, ordinal)
left join inbox i on i.tenant_id = k.tenant_id collate "C" and i.recipient_id = k.recipient_id collate "C"
left join lateral (
  select ${NOTIFICATION_COLUMNS} from notification n
  where n.tenant_id = k.tenant_id collate "C" and n.recipient_id = k.recipient_id collate "C" and n.inbox_version > k.after
  order by n.inbox_version limit ${MAX_CHANGES}
) c on true
order by k.ordinal, c."inboxVersion"`,
  values: [
    wanted.map(({ tenantId }) => tenantId),
    wanted.map(({ recipientId }) => recipientId),
    wanted.map(({ after }) => after),
  ],
})
