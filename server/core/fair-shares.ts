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

/**
 * Deals places out one by one: each goes to whoever has the fewest by then, and among equals to whoever is earlier in
 * the list. Tenants that get none are not in the answer.
 */
export const fairShares = ({ free, most, waiting, held }: Crowd): ReadonlyMap<string, number> => {
  const shares = new Map<string, number>()
  const heldBy = (tenant: string): number => (held.get(tenant) ?? 0) + (shares.get(tenant) ?? 0)
  let left = free
  let level = Math.min(...waiting.map(heldBy))
  for (; left > 0 && level < most; level++) {
    for (const tenant of waiting) {
      if (left === 0) break
      if (heldBy(tenant) > level) continue
      shares.set(tenant, (shares.get(tenant) ?? 0) + 1)
      left--
    }
  }
  return shares
}
