import { tenantNameFault } from '../core/tenant-name.ts'
import type { Database } from '../db/client.ts'
import { findTenant } from '../db/sql/find-tenant.ts'
import { insertTenant } from '../db/sql/insert-tenant.ts'
import { listTenants, type TenantRow } from '../db/sql/list-tenants.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { storeConfiguredRules } from './digests/rules.ts'

/** Makes a tenant where it does not exist yet, with these digest rules; answers whether it is new. */
export const ensureTenant = async (
  { db, digestRules, clock }: { readonly db: Pick<Database, 'system'> } & Pick<Capabilities, 'digestRules' | 'clock'>,
  tenantId: string,
): Promise<boolean> => {
  const fault = tenantNameFault(tenantId)
  if (fault) throw badInput(fault)
  const { rowCount } = await db.system.query(insertTenant(tenantId))
  if (!rowCount) return false
  await storeConfiguredRules(db, digestRules, { now: clock.now(), tenantId })
  return true
}

export const tenantExists = async ({ system }: Pick<Database, 'system'>, tenantId: string): Promise<boolean> =>
  (await system.query(findTenant(tenantId))).rows.length > 0

/** Where counting recipients ends: beyond that the number is of no use to a reader, and costs. */
export const RECIPIENTS_COUNTED = 10_000

export interface KnownTenant {
  readonly id: string
  readonly createdAt: Date
  /** How many of its API keys are valid. */
  readonly keyCount: number
  /** Up to `RECIPIENTS_COUNTED`. */
  readonly recipientCount: number
  /** When something was last triggered; `null` where nothing was. */
  readonly lastEventAt: Date | null
}

/** Every tenant, in order of name. */
export const readTenants = async ({ system }: Pick<Database, 'system'>): Promise<readonly KnownTenant[]> => {
  const { rows } = await system.query<TenantRow>(listTenants(RECIPIENTS_COUNTED))
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.inserted_at,
    keyCount: row.keys,
    recipientCount: row.recipients,
    lastEventAt: row.last_event_at,
  }))
}
