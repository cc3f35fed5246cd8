import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface InboxRow {
  tenant_id: string
  recipient_id: string
  version: number
  position: number
}

const text = (wait: '' | 'skip locked') => `
select i.tenant_id, i.recipient_id, i.version, i.position
from inbox i
join unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
  on i.tenant_id = k.tenant_id collate "C" and i.recipient_id = k.recipient_id collate "C"
order by i.tenant_id, i.recipient_id
for no key update of i ${wait}`

/**
 * Locks recipients' inboxes until the transaction ends; whatever plans, marks or removes for a recipient does this
 * first. Always in the order of the key, so that two transactions never wait for each other. With `skipLocked` those
 * that another transaction holds are left out of the answer. Index: inbox's key.
 */
export const lockInboxes = (
  inboxes: readonly InboxKey[],
  { skipLocked }: { readonly skipLocked: boolean },
): QueryConfig => ({
  name: skipLocked ? 'lock_free_inboxes' : 'lock_inboxes',
  text: text(skipLocked ? 'skip locked' : ''),
  values: [inboxes.map((inbox) => inbox.tenantId), inboxes.map((inbox) => inbox.recipientId)],
})
