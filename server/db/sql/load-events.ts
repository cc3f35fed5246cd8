import type { QueryConfig } from 'pg'

/** Events by id, each once. Index: event's key; no lock. */
export const loadEvents = (keys: readonly { readonly tenantId: string; readonly id: string }[]): QueryConfig => ({
  name: 'load_events',
  text: `
select e.* from (select distinct * from unnest($1::text[], $2::uuid[]) as u (tenant_id, id)) k
join event e on e.tenant_id = k.tenant_id collate "C" and e.id = k.id`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.id)],
})
