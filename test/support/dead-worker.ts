import { buildRoutes } from '../../server/adapters/routing.ts'
import type { CarillonConfig } from '../../server/config.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { beginClaims } from '../../server/operations/dispatch/begin.ts'
import type { TestCarillon } from './carillon.ts'

export const LEASE_MS = 30_000

/** A worker that claims what is due on a channel, begins to hand it over, and is never heard of again. */
export const dieInMidCall = async ({ app }: TestCarillon, config: CarillonConfig, channel: string): Promise<number> => {
  const claim = claimDue([{ lane: channel, tenantId: null, places: 10 }], { now: app.clock.now(), leaseMs: LEASE_MS })
  const { rows } = await app.db.system.query<Claim>(claim)
  const begun = await beginClaims({ ...app, routes: buildRoutes(config), leaseMs: LEASE_MS }, rows)
  return begun.length
}
