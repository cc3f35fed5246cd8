import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { InboxFilter } from '../../core/inbox.ts'
import { inboxFilterCondition, inboxFilterValues } from './inbox-filter.ts'
import { NOTIFICATION_COLUMNS } from './notification-row.ts'

export interface InboxStandRow {
  version: number
  total: number
  unread: number
  unseen: number
}

/** Where an inbox stands: its version and its counters, one row read. No row where nothing ever happened to it. */
export const readInbox = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'read_inbox',
  text: 'select version, total, unread, unseen from inbox where tenant_id = $1 and recipient_id = $2',
  values: [tenantId, recipientId],
})

/** How many items a filter fits. Index: notification's arrival_version, all of the recipient's range. */
export const countInbox = ({ tenantId, recipientId }: InboxKey, filter: InboxFilter): QueryConfig => ({
  name: 'count_inbox',
  text: `select count(*) as count from notification n where n.tenant_id = $1 and n.recipient_id = $2 and ${inboxFilterCondition(3)}`,
  values: [tenantId, recipientId, ...inboxFilterValues(filter)],
})

export interface InboxPage {
  readonly filter: InboxFilter
  readonly limit: number
  /** Only items that arrived before this version, and after that one. */
  readonly before: number | null
  readonly after: number | null
  /** Whether the page is taken from the newest end of the range, or from its oldest. */
  readonly from: 'newest' | 'oldest'
}

/** A page of an inbox in order of arrival, taken from one end of a range. Index: notification's arrival_version. */
export const readInboxPage = (
  { tenantId, recipientId }: InboxKey,
  { filter, limit, before, after, from }: InboxPage,
): QueryConfig => ({
  name: `read_inbox_${from}`,
  text: `
select ${NOTIFICATION_COLUMNS} from notification n
where n.tenant_id = $1 and n.recipient_id = $2 and ${inboxFilterCondition(3)}
  and ($9::int8 is null or n.arrival_version < $9) and ($10::int8 is null or n.arrival_version > $10)
order by n.arrival_version ${from === 'newest' ? 'desc' : 'asc'} limit $11`,
  values: [tenantId, recipientId, ...inboxFilterValues(filter), before, after, limit],
})
