import { fairShares } from '../core/fair-shares.ts'
import type { Claim, Offer } from '../db/sql/claim-due.ts'
import { MOST_TENANTS, type WaitingTenantRow } from '../db/sql/read-waiting-tenants.ts'
import { createCompany } from './company.ts'
import type { Lane } from './sources.ts'

/*
 * While there is room for all that is due, the oldest goes first. A lane that has more due than places is crowded: there
 * the places go to the tenants in turn, so that one with a hundred thousand messages holds up nobody else's. Where several
 * tenants are at work, some places are kept from any one of them, so that calls which hang do not shut the others out.
 */

/** A lane with places that are free. */
export interface OpenLane extends Lane {
  readonly free: number
  /** How many of the places that its limit bounds each tenant has. */
  readonly held: ReadonlyMap<string, number>
}

export interface Turns {
  /** The crowded ones of these lanes, and after which tenant the next turn begins: whose tenants the offers depend on. */
  crowded(lanes: readonly OpenLane[]): ReadonlyMap<string, string>
  /**
   * What to claim at most: of a crowded lane for each tenant, of others in all. `lookFurther`: those tenants of a lane that
   * were looked at get nothing, and others come after them.
   */
  offers(
    lanes: readonly OpenLane[],
    tenants: readonly WaitingTenantRow[],
  ): { readonly offers: readonly Offer[]; readonly lookFurther: boolean }
  /** Those of the claims that the offers came to which may be begun; the others are to be given back. */
  keep(lanes: readonly OpenLane[], offers: readonly Offer[], claims: readonly Claim[]): readonly Claim[]
}

/** Whose turn it was last in a crowded lane. */
interface Turn {
  readonly last: string
  /** The first tenant that got nothing since somebody got something; `null` where somebody did at the last look. */
  readonly nothingSince: string | null
}

const BEGIN: Turn = { last: '', nothingSince: null }

/** The second claim of each tenant comes after the first of all of them, and so on. */
const byTurns = (claims: readonly Claim[]): readonly Claim[] => {
  const counts = new Map<string, number>()
  const ranked = claims.map((claim) => {
    const rank = counts.get(claim.tenant_id) ?? 0
    counts.set(claim.tenant_id, rank + 1)
    return { claim, rank }
  })
  return ranked.sort((a, b) => a.rank - b.rank).map(({ claim }) => claim)
}

export const createTurns = (now: () => number = () => performance.now()): Turns => {
  const turns = new Map<string, Turn>()
  const company = createCompany(now)

  /** What may be claimed of a lane whosever it is: any one tenant may turn out to have it all. */
  const forAny = (lane: OpenLane): readonly Offer[] => {
    const places = Math.min(lane.free, company.mostOf(lane) - Math.max(0, ...lane.held.values()))
    return places > 0 ? [{ lane: lane.lane, tenantId: null, places }] : []
  }

  const shared = (lane: OpenLane, tenants: readonly WaitingTenantRow[]): readonly Offer[] => {
    const waiting = tenants.filter(({ waits }) => waits).map((row) => row.tenant_id)
    // Nobody, or nobody among so many: the oldest, whosever it is.
    if (waiting.length === 0) return forAny(lane)
    const most = company.mostOf(lane)
    const { shares, last } = fairShares({ free: lane.free, most, waiting, held: lane.held })
    const { nothingSince } = turns.get(lane.lane) ?? BEGIN
    if (last !== null && (shares.size < waiting.length || tenants.length < MOST_TENANTS)) {
      turns.set(lane.lane, { last, nothingSince })
    }
    return [...shares].map(([tenantId, places]) => ({ lane: lane.lane, tenantId, places }))
  }

  /** Whether there are tenants beyond those that were looked at and got nothing, until all have been looked at once. */
  const goesOn = ({ lane }: OpenLane, tenants: readonly WaitingTenantRow[], isBarren: boolean): boolean => {
    const { last, nothingSince } = turns.get(lane) ?? BEGIN
    const [first] = tenants
    const isRound = !first || tenants.length < MOST_TENANTS || tenants.some((row) => row.tenant_id === nothingSince)
    const more = isBarren && !isRound
    turns.set(lane, { last, nothingSince: more ? (nothingSince ?? first.tenant_id) : null })
    return more
  }

  const turnOf = (lane: OpenLane, tenants: readonly WaitingTenantRow[]) => {
    // The next look goes on behind these, unless not all of them get something.
    const end = tenants.length === MOST_TENANTS ? tenants.at(-1) : undefined
    if (end) turns.set(lane.lane, { ...(turns.get(lane.lane) ?? BEGIN), last: end.tenant_id })
    const offers = shared(lane, tenants)
    return { offers, lookFurther: goesOn(lane, tenants, offers.length === 0) }
  }

  return {
    crowded(lanes) {
      for (const lane of lanes) if (!turns.has(lane.lane) && forAny(lane).length === 0) turns.set(lane.lane, BEGIN)
      return new Map(
        lanes.flatMap(({ lane }) => {
          const turn = turns.get(lane)
          return turn ? [[lane, turn.last]] : []
        }),
      )
    },
    offers(lanes, tenants) {
      const made = lanes.map((lane) =>
        turns.has(lane.lane)
          ? turnOf(
              lane,
              tenants.filter((row) => row.lane === lane.lane),
            )
          : { offers: forAny(lane), lookFurther: false },
      )
      return { offers: made.flatMap(({ offers }) => offers), lookFurther: made.some((one) => one.lookFurther) }
    },
    keep(lanes, offers, claims) {
      for (const { lane, tenantId, places } of offers) {
        if (tenantId !== null) continue
        if (claims.filter((claim) => claim.lane === lane).length < places) turns.delete(lane)
        else if (!turns.has(lane)) turns.set(lane, BEGIN)
      }
      const open = new Map(lanes.map((lane) => [lane.lane, lane]))
      const limitOf = (claim: Claim): string => open.get(claim.lane)?.limitedBy ?? claim.lane
      for (const claim of claims) company.saw(limitOf(claim), claim.tenant_id)
      // Lanes that share a limit were each offered all that is left of it, and who is seen for the first time had no company.
      const taken = new Map<string, number>()
      const count = (key: string): number => taken.get(key) ?? 0
      return byTurns(claims).filter((claim) => {
        const lane = open.get(claim.lane)
        if (!lane) return false
        const [ofAll, ofTenant] = [lane.limitedBy, `${lane.limitedBy} ${claim.tenant_id}`]
        const held = lane.held.get(claim.tenant_id) ?? 0
        if (count(ofAll) >= lane.free || held + count(ofTenant) >= company.mostOf(lane)) return false
        for (const key of [ofAll, ofTenant]) taken.set(key, count(key) + 1)
        return true
      })
    },
  }
}
