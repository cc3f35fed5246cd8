import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

/**
 * Makes the inboxes that are missing. Runs by itself before a transaction that locks them, so that no batch waits for
 * another's uncommitted insert; sorted, so that two of these cannot wait for each other. Index: inbox's key.
 */
export const ensureInboxes = (inboxes: readonly InboxKey[]): QueryConfig => ({
  name: 'ensure_inboxes',
  text: `
insert into inbox (tenant_id, recipient_id)
select tenant_id, recipient_id from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
order by tenant_id collate "C", recipient_id collate "C"
on conflict do nothing`,
  values: [inboxes.map((inbox) => inbox.tenantId), inboxes.map((inbox) => inbox.recipientId)],
})
