import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryConfig } from 'pg'
import type { Database } from '../db/client.ts'
import {
  beginRemoval,
  deleteTenant,
  findTenantDue,
  findTenantRows,
  lockTenant,
  type RemovableTenantRow,
  removeDue,
  removeRows,
  TENANT_TABLES,
} from '../db/sql/remove-tenant.ts'
import { inTransaction } from '../db/transaction.ts'
import { CarillonError } from '../errors.ts'

/*
 *   enabled ⇄ disabled ──a minute later──► being removed ──► gone
 *                                             └ where it stops, by a crash too, the next one goes on
 *
 * The queue goes first, but for what workers have in hand: that is waited for, until it is recorded or its lease is over.
 * Then rows go in batches, each a transaction of its own that never waits for anybody; those that somebody holds are met
 * again by the next pass. Whoever still writes rows of the tenant holds one of its rows meanwhile, or the tenant's own. So
 * the tenant is gone once its own row is locked, and a look after that finds no other.
 */

/** How long what was let in before a tenant was disabled may be at work, in milliseconds. */
export const DISABLED_BEFORE_REMOVAL_MS = 60_000
/** A few hundred rows, so that nobody waits long. */
const BATCH = 500
const BETWEEN_PASSES_MS = 500
/** Ten minutes: longer than any call of a provider. */
const PASSES = 1_200

/** How many rows of each table were removed. */
export type Removed = Readonly<Record<string, number>>

export interface RemovalOptions {
  /** Told of each batch. */
  readonly onRemoved?: (table: string, count: number) => void
  /** Told each time that workers have something in hand which is waited for. */
  readonly onWaiting?: () => void
}

const begin = async ({ system }: Pick<Database, 'system'>, tenantId: string): Promise<void> => {
  const { rows } = await system.query<RemovableTenantRow>(
    beginRemoval(tenantId, { disabledForMs: DISABLED_BEFORE_REMOVAL_MS }),
  )
  const [tenant] = rows
  if (!tenant) throw new CarillonError('NOT_FOUND', `There is no tenant ${JSON.stringify(tenantId)}`)
  if (!tenant.removable_at) {
    throw new CarillonError(
      'INVALID_STATE',
      `The tenant ${tenantId} is not disabled: carillon tenants disable ${tenantId}`,
    )
  }
  if (!tenant.begun) {
    const time = tenant.removable_at.toISOString()
    throw new CarillonError(
      'INVALID_STATE',
      `The tenant ${tenantId} was disabled less than a minute ago, and what was let in before may be at work: remove it after ${time}`,
    )
  }
}

/** Two thirds of the time are the others'. */
const restFor = (ms: number): Promise<void> => sleep(Math.max(1, 2 * ms))

/** Removes what is left of a tenant where nothing but its own row is; answers whether that was so. */
const removeLast = ({ system }: Pick<Database, 'system'>, tenantId: string): Promise<boolean> =>
  inTransaction(system, async (tx) => {
    // Lock, then look.
    await tx.query(lockTenant(tenantId))
    const [left] = await tx.query<{ found: boolean }>(findTenantRows(tenantId))
    if (left?.found) return false
    await tx.query(deleteTenant(tenantId))
    return true
  })

/**
 * Removes a tenant for good, with all its rows; answers how many of which table. It must have been disabled for a minute,
 * and cannot be enabled any more once this has begun. Servers may go on meanwhile.
 */
export const removeTenant = async (
  db: Pick<Database, 'system'>,
  tenantId: string,
  { onRemoved, onWaiting }: RemovalOptions = {},
): Promise<Removed> => {
  await begin(db, tenantId)
  const removed: Record<string, number> = {}
  const removeAll = async (table: string, batch: QueryConfig): Promise<void> => {
    let count = BATCH
    while (count === BATCH) {
      const begun = performance.now()
      const { rows } = await db.system.query<{ count: number }>(batch)
      count = rows[0]?.count ?? 0
      if (count === 0) return
      removed[table] = (removed[table] ?? 0) + count
      onRemoved?.(table, count)
      await restFor(performance.now() - begun)
    }
  }
  for (let pass = 0; pass < PASSES; pass++) {
    if (pass > 0) await sleep(BETWEEN_PASSES_MS)
    await removeAll('due', removeDue(tenantId, BATCH))
    const { rows } = await db.system.query<{ found: boolean }>(findTenantDue(tenantId))
    if (rows[0]?.found) {
      onWaiting?.()
      continue
    }
    for (const table of TENANT_TABLES) await removeAll(table, removeRows(table, tenantId, BATCH))
    if (await removeLast(db, tenantId)) return removed
  }
  throw new CarillonError(
    'INVALID_STATE',
    `Workers have something of the tenant ${tenantId} in hand, or somebody goes on writing: remove it again`,
  )
}
