import type { Database } from '../db/client.ts'
import { readTenantDoors, type TenantDoorRow } from '../db/sql/tenant-doors.ts'
import { coalesce } from './coalesce.ts'

/** Whom a tenant lets in. */
export interface TenantDoor {
  readonly disabled: boolean
  /** Recipient tokens of an earlier generation are refused. */
  readonly generation: number
}

/** How a tenant's door stands; `null` where there is no such tenant. */
export type DoorOf = (tenantId: string) => Promise<TenantDoor | null>

const MAX_CACHED = 10_000
/** How many tenants one look is for. */
const LIMIT = 500

/** Asks the database how the doors of tenants stand. */
export const readDoors = async (
  { system }: Pick<Database, 'system'>,
  tenantIds: readonly string[],
): Promise<ReadonlyMap<string, TenantDoor>> => {
  const { rows } = await system.query<TenantDoorRow>(readTenantDoors(tenantIds))
  return new Map(rows.map(({ id, disabled, generation }) => [id, { disabled, generation }]))
}

/**
 * Remembers how doors stand for so many milliseconds. While the database is away a door stands as it was last seen: what
 * is open need not end for that.
 */
export const rememberDoors = (db: Pick<Database, 'system'>, forMs: number): DoorOf => {
  const cache = new Map<string, { readonly door: TenantDoor | null; readonly until: number }>()
  const look = coalesce(
    async (tenantIds: readonly string[]) => {
      const doors = await readDoors(db, [...new Set(tenantIds)])
      return tenantIds.map((id) => doors.get(id) ?? null)
    },
    { limit: LIMIT },
  )
  return async (tenantId) => {
    const now = performance.now()
    const cached = cache.get(tenantId)
    if (cached && cached.until > now) return cached.door
    let door: TenantDoor | null
    try {
      door = await look(tenantId)
    } catch (error) {
      if (cached) return cached.door
      throw error
    }
    if (cache.size >= MAX_CACHED) cache.clear()
    cache.set(tenantId, { door, until: now + forMs })
    return door
  }
}
