import type { QueryConfig } from 'pg'

/**
 * A tenant, where there is none of that name: one row is then written. Recipient tokens that were given out by a removed
 * one of that name are not its own. Index: its key.
 */
export const insertTenant = (tenantId: string): QueryConfig => ({
  name: 'insert_tenant',
  text: 'insert into tenant (id, inserted_at, tokens_since) select $1, now, now from clock_timestamp() as now on conflict do nothing',
  values: [tenantId],
})
