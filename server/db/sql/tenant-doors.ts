import type { QueryConfig } from 'pg'

export interface TenantDoorRow {
  readonly id: string
  readonly disabled: boolean
  /** Recipient tokens of an earlier generation are refused: microseconds since 1970, 0 for the first one. */
  readonly generation: number
}

/** Whom these tenants let in. Index: tenant's key. No lock. */
export const readTenantDoors = (tenantIds: readonly string[]): QueryConfig => ({
  name: 'read_tenant_doors',
  text: `
select id, disabled_at is not null as disabled, coalesce((extract(epoch from tokens_since) * 1000000)::int8, 0) as generation
from tenant where id = any ($1::text[])`,
  values: [tenantIds],
})

/** Begins a new generation of a tenant's recipient tokens; no row where there is no such tenant. Locks the tenant's row. */
export const beginTokenGeneration = (tenantId: string): QueryConfig => ({
  name: 'begin_token_generation',
  text: `
update tenant set tokens_since = greatest(clock_timestamp(), tokens_since + interval '1 microsecond') where id = $1 returning id`,
  values: [tenantId],
})

export interface SwitchedTenantRow {
  readonly disabled_at: Date | null
  readonly removing_at: Date | null
  /** Since when it was disabled before. */
  readonly was_disabled_at: Date | null
}

/**
 * Disables a tenant, or enables it; one that is being removed stays disabled. No row where there is no such tenant.
 * Index: tenant's key. Locks the tenant's row.
 */
export const switchTenant = (tenantId: string, { disabled }: { readonly disabled: boolean }): QueryConfig => ({
  name: 'switch_tenant',
  text: `
with found as (select id, disabled_at from tenant where id = $1 for no key update)
update tenant t set disabled_at = case when $2 or t.removing_at is not null then coalesce(t.disabled_at, clock_timestamp()) end
from found f where t.id = f.id
returning t.disabled_at, t.removing_at, f.disabled_at as was_disabled_at`,
  values: [tenantId, disabled],
})

/**
 * The tenants there are, or this one where there is it, held against being removed until the end of the transaction: for
 * who writes rows of a tenant that nothing else of it holds. Index: tenant's key.
 */
export const holdTenants = (tenantId: string | null): QueryConfig => ({
  name: 'hold_tenants',
  text: 'select id from tenant where $1::text is null or id = $1 order by id for key share',
  values: [tenantId],
})
