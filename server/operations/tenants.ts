import { tenantNameFault } from '../core/tenant-name.ts'
import type { Database } from '../db/client.ts'
import { findTenant } from '../db/sql/find-tenant.ts'
import { insertTenant } from '../db/sql/insert-tenant.ts'
import { listTenants, type TenantRow } from '../db/sql/list-tenants.ts'
import { beginTokenGeneration, type SwitchedTenantRow, switchTenant } from '../db/sql/tenant-doors.ts'
import { badInput, CarillonError } from '../errors.ts'
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
  /** Since when its keys and recipient tokens are refused; `null` while they are not. */
  readonly disabledAt: Date | null
  /** Since when it is being removed. */
  readonly removingAt: Date | null
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
    disabledAt: row.disabled_at,
    removingAt: row.removing_at,
    keyCount: row.keys,
    recipientCount: row.recipients,
    lastEventAt: row.last_event_at,
  }))
}

const noTenant = (tenantId: string): CarillonError =>
  new CarillonError(
    'NOT_FOUND',
    `There is no tenant ${JSON.stringify(tenantId)}: "carillon tenants list" shows those there are`,
  )

const switchOver = async (
  { system }: Pick<Database, 'system'>,
  tenantId: string,
  to: { readonly disabled: boolean },
): Promise<SwitchedTenantRow> => {
  const { rows } = await system.query<SwitchedTenantRow>(switchTenant(tenantId, to))
  if (!rows[0]) throw noTenant(tenantId)
  return rows[0]
}

/**
 * Shuts a tenant's API: every process refuses its keys and recipient tokens within seconds, with FORBIDDEN, and ends what
 * is open by them. What was accepted before is carried out, and what providers and recipients answer to it is taken.
 * Answers since when it is disabled, and whether it was before.
 */
export const disableTenant = async (
  db: Pick<Database, 'system'>,
  tenantId: string,
): Promise<{ readonly disabledAt: Date; readonly before: boolean }> => {
  const { disabled_at: disabledAt, was_disabled_at: before } = await switchOver(db, tenantId, { disabled: true })
  return { disabledAt: disabledAt as Date, before: before !== null }
}

/** Opens a disabled tenant's API again, to the same keys and tokens; answers whether it was shut. */
export const enableTenant = async (db: Pick<Database, 'system'>, tenantId: string): Promise<boolean> => {
  const tenant = await switchOver(db, tenantId, { disabled: false })
  if (tenant.removing_at) {
    throw new CarillonError(
      'INVALID_STATE',
      `The tenant ${tenantId} is being removed, and part of it is gone: carillon tenants remove ${tenantId} goes on with it`,
    )
  }
  return tenant.was_disabled_at !== null
}

/**
 * Ends all recipient tokens that a tenant's backend was given, for good. Every process refuses them within seconds, and
 * ends what is open by them; backends make new ones, which may end too where that is within those seconds.
 */
export const revokeRecipientTokens = async ({ system }: Pick<Database, 'system'>, tenantId: string): Promise<void> => {
  const { rows } = await system.query(beginTokenGeneration(tenantId))
  if (rows.length === 0) throw noTenant(tenantId)
}
