import { fairShares } from '../core/fair-shares.ts'
import type { Claim, Offer } from '../db/sql/claim-due.ts'
import { MOST_TENANTS, type WaitingTenantRow } from '../db/sql/read-waiting-tenants.ts'
import type { Lane } from './sources.ts'

/*
 * While there is room for all that is due, the oldest goes first. A lane that has more due than places is crowded: there
 * the places go to the tenants in turn, so that one with a hundred thousand messages holds up nobody else's. Where several
 * tenants are at work, some places are kept from any one of them, so that calls which hang do not shut the others out.
 */

/** A lane with places that are free. */
export interface OpenLane extends Lane {
  readonly free: number
  /** How many of those places that are taken each tenant has. */
  readonly held: ReadonlyMap<string, number>
}

export interface Turns {
  /** The crowded ones of these lanes, and after which tenant the next turn begins: whose tenants the offers depend on. */
  crowded(lanes: readonly OpenLane[]): ReadonlyMap<string, string>
  /** What to claim at most: of a crowded lane for each tenant, of others in all. */
  offers(lanes: readonly OpenLane[], tenants: readonly WaitingTenantRow[]): readonly Offer[]
  /** What came of the offers. */
  claimed(offers: readonly Offer[], claims: readonly Claim[]): void
}

/** For so long others count with a tenant that was seen. */
const COMPANY_MS = 3_600_000

/** The part of a lane's places that one tenant never has, where there are others. */
const KEPT_FREE = 0.1

export const createTurns = (now: () => number = () => performance.now()): Turns => {
  /** Crowded lanes, and whose turn was the last. */
  const lastTurns = new Map<string, string>()
  /** The last tenant of each lane, and the last that was another one. */
  const seen = new Map<
    string,
    { readonly tenant: string; readonly other: { readonly tenant: string; at: number } | null; at: number }
  >()

  const note = (lane: string, tenant: string): void => {
    const last = seen.get(lane)
    if (last?.tenant === tenant) last.at = now()
    else seen.set(lane, { tenant, other: last ? { tenant: last.tenant, at: last.at } : null, at: now() })
  }

  /** The most places that one tenant may have. */
  const mostOf = ({ lane, capacity }: Lane): number => {
    const other = seen.get(lane)?.other
    if (!other || now() - other.at > COMPANY_MS || capacity < 2) return capacity
    return capacity - Math.max(1, Math.floor(capacity * KEPT_FREE))
  }

  /** What may be claimed of a lane whoever's it is: any one tenant may turn out to have it all. */
  const freeForAny = (lane: OpenLane): number => Math.min(lane.free, mostOf(lane) - Math.max(0, ...lane.held.values()))

  const forAny = (lane: OpenLane): readonly Offer[] => {
    const places = freeForAny(lane)
    return places > 0 ? [{ lane: lane.lane, tenantId: null, places }] : []
  }

  const turnOf = (lane: OpenLane, tenants: readonly WaitingTenantRow[]): readonly Offer[] => {
    const waiting = tenants.filter(({ waits }) => waits).map((row) => row.tenant_id)
    if (tenants.length === MOST_TENANTS) lastTurns.set(lane.lane, tenants.at(-1)?.tenant_id ?? '')
    // Nobody, or nobody among so many: the oldest, whoever's it is.
    if (waiting.length === 0) return forAny(lane)
    const shares = fairShares({ free: lane.free, most: mostOf(lane), waiting, held: lane.held })
    const last = waiting.findLast((tenant) => shares.has(tenant))
    if (last !== undefined && shares.size < waiting.length) lastTurns.set(lane.lane, last)
    return [...shares].map(([tenantId, places]) => ({ lane: lane.lane, tenantId, places }))
  }

  return {
    crowded(lanes) {
      for (const lane of lanes) {
        if (freeForAny(lane) <= 0 && !lastTurns.has(lane.lane)) lastTurns.set(lane.lane, '')
      }
      return new Map(
        lanes.flatMap(({ lane }) => {
          const last = lastTurns.get(lane)
          return last === undefined ? [] : [[lane, last]]
        }),
      )
    },
    offers: (lanes, tenants) =>
      lanes.flatMap((lane) =>
        lastTurns.has(lane.lane)
          ? turnOf(
              lane,
              tenants.filter((row) => row.lane === lane.lane),
            )
          : forAny(lane),
      ),
    claimed(offers, claims) {
      const counts = new Map<string, number>()
      for (const { lane, tenant_id: tenant } of claims) {
        counts.set(lane, (counts.get(lane) ?? 0) + 1)
        note(lane, tenant)
      }
      for (const { lane, tenantId, places } of offers) {
        if (tenantId !== null) continue
        if ((counts.get(lane) ?? 0) < places) lastTurns.delete(lane)
        else if (!lastTurns.has(lane)) lastTurns.set(lane, '')
      }
    },
  }
}
