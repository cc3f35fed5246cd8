import type { QueryConfig } from 'pg'

/**
 * The tables whose rows are a tenant's, in the order in which they go, but for the queue, which is before them all. What
 * another table refers to goes after that.
 */
export const TENANT_TABLES = [
  'webhook_ingress',
  'signal',
  'workflow_transition',
  'workflow_run',
  'workflow_definition',
  'digest_membership',
  'digest_bucket',
  'digest_rule',
  'delivery_attempt',
  'delivery_decision',
  'delivery_transition',
  'delivery',
  'notification',
  'event_recipient',
  'event',
  'daily_outcome',
  'daily_events',
  'topic_subscription',
  'topic',
  'preference',
  'policy_settings',
  'recipient_address',
  'recipient',
  'inbox',
  'api_key',
] as const
export type TenantTable = (typeof TENANT_TABLES)[number]

/**
 * Deletes some of what a tenant has in the queue, but for what a worker has in hand. Index: due's key. Locks the rows
 * that it deletes; never waits.
 */
export const removeDue = (tenantId: string, limit: number): QueryConfig => ({
  name: 'remove_due',
  text: `
with gone as (
  delete from due
  where ctid = any (array(select ctid from due where tenant_id = $1 and coalesce(lease_until <= clock_timestamp(), true)
    limit $2 for update skip locked))
  returning 1)
select count(*)::int4 as count from gone`,
  values: [tenantId, limit],
})

/** Whether a tenant has anything in the queue. Index: due's key. No lock. */
export const findTenantDue = (tenantId: string): QueryConfig => ({
  name: 'find_tenant_due',
  text: 'select exists (select from due where tenant_id = $1) as found',
  values: [tenantId],
})

/** Of these no row may be changed, and so none be locked; it is as much held as what it belongs to. */
const NEVER_CHANGED: ReadonlySet<TenantTable> = new Set(['signal', 'workflow_definition', 'delivery_decision'])

/**
 * Deletes some rows of a tenant from one table, those that somebody holds left out. Index: the table's key. Locks the rows
 * that it deletes; waits for nobody, but where pruning is deleting the same ones.
 */
export const removeRows = (table: TenantTable, tenantId: string, limit: number): QueryConfig => {
  const wait = NEVER_CHANGED.has(table) ? '' : 'for update skip locked'
  return {
    name: `remove_${table}`,
    text: `
with gone as (
  delete from "${table}" where ctid = any (array(select ctid from "${table}" where tenant_id = $1 limit $2 ${wait}))
  returning 1)
select count(*)::int4 as count from gone`,
    values: [tenantId, limit],
  }
}

export interface RemovableTenantRow {
  readonly disabled_at: Date | null
  /** When it will have been disabled for long enough. */
  readonly removable_at: Date | null
  /** Whether it may be removed now, and from now on cannot be enabled any more. */
  readonly begun: boolean
}

/**
 * Begins to remove a tenant, where it has been disabled for so long; says when otherwise. No row where there is no such
 * tenant. Index: tenant's key. Locks the tenant's row.
 */
export const beginRemoval = (tenantId: string, { disabledForMs }: { readonly disabledForMs: number }): QueryConfig => ({
  name: 'begin_removal',
  text: `
with found as materialized (
  select id, disabled_at, disabled_at + $2::int4 * interval '1 millisecond' as removable_at, clock_timestamp() as now
  from tenant where id = $1 for no key update),
begun as (
  update tenant t set removing_at = coalesce(t.removing_at, f.now) from found f where t.id = f.id and f.removable_at <= f.now
  returning t.id)
select disabled_at, removable_at, exists (select from begun) as begun from found`,
  values: [tenantId, disabledForMs],
})

/** Locks a tenant's row against whoever holds it so that it stays. Index: tenant's key. */
export const lockTenant = (tenantId: string): QueryConfig => ({
  name: 'lock_tenant',
  text: 'select id from tenant where id = $1 for update',
  values: [tenantId],
})

const FOUND = ['due', ...TENANT_TABLES]
  .map((table) => `exists (select from "${table}" where tenant_id = $1)`)
  .join('\n  or ')

/** Whether any row of a tenant is left but its own. Indexes: the tables' keys. No lock. */
export const findTenantRows = (tenantId: string): QueryConfig => ({
  name: 'find_tenant_rows',
  text: `
select ${FOUND} as found`,
  values: [tenantId],
})

/** Deletes a tenant of which nothing else is left. Index: tenant's key. */
export const deleteTenant = (tenantId: string): QueryConfig => ({
  name: 'delete_tenant',
  text: 'delete from tenant where id = $1',
  values: [tenantId],
})
