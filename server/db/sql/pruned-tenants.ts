import type { QueryConfig } from 'pg'

export interface PrunedTenantRow {
  id: string
  /** When pruning last went through all of its inboxes. */
  inboxes_pruned_at: Date | null
}

/** All tenants, in order of id. Index: tenant's key, all of it. No lock. */
export const readPrunedTenants = (): QueryConfig => ({
  name: 'read_pruned_tenants',
  text: 'select id, inboxes_pruned_at from tenant order by id',
})

/** Notes that all inboxes of a tenant were gone through. Index: tenant's key. Locks: its row, which nobody else changes. */
export const noteInboxesPruned = (tenantId: string, now: Date): QueryConfig => ({
  name: 'note_inboxes_pruned',
  text: 'update tenant set inboxes_pruned_at = $2 where id = $1',
  values: [tenantId, now],
})
