import type { QueryConfig } from 'pg'

/** A row where there is such a tenant. Index: its key. No lock. */
export const findTenant = (tenantId: string): QueryConfig => ({
  name: 'find_tenant',
  text: 'select id from tenant where id = $1',
  values: [tenantId],
})
