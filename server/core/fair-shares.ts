/** Who is to have how many of the places that are free. */
export interface Crowd {
  readonly free: number
  /** No tenant comes to hold more than so many places. */
  readonly most: number
  /** Tenants with work that waits, whoever's turn is next first. */
  readonly waiting: readonly string[]
  /** The places that tenants have already. */
  readonly held: ReadonlyMap<string, number>
}

export interface Shares {
  /** Tenants that get none are not in it. */
  readonly shares: ReadonlyMap<string, number>
  /** Who was dealt the last place: the next turn begins behind them. `null` where nobody was dealt any. */
  readonly last: string | null
}

/**
 * Deals places out one by one: each goes to whoever has the fewest by then, and among equals to whoever is earlier in
 * the list.
 */
export const fairShares = ({ free, most, waiting, held }: Crowd): Shares => {
  const shares = new Map<string, number>()
  const heldBy = (tenant: string): number => (held.get(tenant) ?? 0) + (shares.get(tenant) ?? 0)
  let left = free
  let last: string | null = null
  for (let level = Math.min(...waiting.map(heldBy)); left > 0 && level < most; level++) {
    for (const tenant of waiting) {
      if (left === 0) break
      if (heldBy(tenant) > level) continue
      shares.set(tenant, (shares.get(tenant) ?? 0) + 1)
      last = tenant
      left--
    }
  }
  return { shares, last }
}
