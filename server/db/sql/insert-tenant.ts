import type { QueryConfig } from 'pg'

/** A tenant, where there is none of that name: one row is then written. Index: its key. */
export const insertTenant = (tenantId: string): QueryConfig => ({
  name: 'insert_tenant',
  text: 'insert into tenant (id, inserted_at) values ($1, clock_timestamp()) on conflict do nothing',
  values: [tenantId],
})
