import type { Lane } from './sources.ts'

/** Who was at work lately within each limit: whether a tenant is alone there. */
export interface Company {
  saw(limit: string, tenant: string): void
  /** The most of a limit's places that one tenant may have. */
  mostOf(lane: Lane): number
}

/** How long after its last claim a tenant still counts as at work. */
const LATELY_MS = 3_600_000

/** The part of the places that one tenant never has, where there are others. */
const KEPT_FREE = 0.1

interface Seen {
  readonly tenant: string
  at: number
  /** The last that was another one. */
  readonly other: { readonly tenant: string; readonly at: number } | null
}

export const createCompany = (now: () => number): Company => {
  const seen = new Map<string, Seen>()
  return {
    saw(limit, tenant) {
      const last = seen.get(limit)
      if (last?.tenant === tenant) last.at = now()
      else seen.set(limit, { tenant, at: now(), other: last ? { tenant: last.tenant, at: last.at } : null })
    },
    mostOf({ limitedBy, capacity }) {
      const other = seen.get(limitedBy)?.other
      if (!other || now() - other.at > LATELY_MS || capacity < 2) return capacity
      return capacity - Math.max(1, Math.floor(capacity * KEPT_FREE))
    },
  }
}
