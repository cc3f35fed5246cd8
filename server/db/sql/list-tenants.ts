import type { QueryConfig } from 'pg'

export interface TenantRow {
  readonly id: string
  readonly inserted_at: Date
  readonly disabled_at: Date | null
  readonly removing_at: Date | null
  readonly keys: number
  readonly recipients: number
  readonly last_event_at: Date | null
}

/**
 * Every tenant, in order of name, with how many keys of it are valid, how many recipients it has, counted up to so
 * many, and when something was last triggered. Indexes: the keys of all four tables, each read from one end. No lock.
 */
export const listTenants = (countUpTo: number): QueryConfig => ({
  name: 'list_tenants',
  text: `
select t.id, t.inserted_at, t.disabled_at, t.removing_at,
  (select count(*) from api_key k where k.tenant_id = t.id and k.revoked_at is null
    and coalesce(k.expires_at > clock_timestamp(), true)) as keys,
  (select count(*) from (select from recipient r where r.tenant_id = t.id limit $1) as counted) as recipients,
  (select e.inserted_at from event e where e.tenant_id = t.id order by e.id desc limit 1) as last_event_at
from tenant t order by t.id`,
  values: [countUpTo],
})
