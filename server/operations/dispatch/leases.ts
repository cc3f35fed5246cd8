import type { Claim } from '../../db/sql/claim-due.ts'
import { renewLeases } from '../../db/sql/renew-leases.ts'
import type { Capabilities } from '../capabilities.ts'

/** Keeps the leases of calls that take long, so that a slow provider is not taken for a dead worker. */
export interface Leases {
  /** Renews a claim's lease until it is let go. The signal is aborted when the lease is lost or nearly over, or work stops. */
  hold(claim: Claim): { readonly signal: AbortSignal; letGo(): void }
}

interface Held {
  readonly claim: Claim
  readonly lost: AbortController
  /** When the lease was last known to begin, by `performance.now()`. */
  since: number
}

/** Renewed so often in each lease; after so much of one without word a call is ended, for another worker may begin it. A lease is at least
 * nineteen twentieths of itself when it is begun to be held (`beginDeliveries`). */
const RENEWALS_A_LEASE = 3
const SAFE_PART_OF_LEASE = 0.9

export const keepLeases = (
  {
    db,
    clock,
    telemetry,
  }: Pick<Capabilities, 'clock' | 'telemetry'> & { readonly db: Pick<Capabilities['db'], 'system'> },
  { leaseMs, stopping }: { readonly leaseMs: number; readonly stopping: AbortSignal },
): Leases => {
  const all = new Set<Held>()
  let ticking = false
  // One listener for all of them: AbortSignal.any() for each call was a good part of what a call costs this process.
  stopping.addEventListener('abort', () => {
    for (const { lost } of all) lost.abort()
  })

  const renew = async (): Promise<void> => {
    const asked = [...all]
    if (asked.length === 0) return
    const began = performance.now()
    try {
      const statement = renewLeases(
        asked.map(({ claim }) => claim),
        { now: clock.now(), leaseMs },
      )
      const { rows } = await db.system.query<{ token: string }>(statement)
      const ours = new Set(rows.map(({ token }) => token))
      for (const held of asked) {
        if (ours.has(held.claim.token)) held.since = began
        else held.lost.abort()
      }
    } catch (error) {
      telemetry.emit('worker.failed', { error: error as Error })
    }
  }

  const tick = async (): Promise<void> => {
    await renew()
    const now = performance.now()
    for (const { since, lost } of all) if (now - since > leaseMs * SAFE_PART_OF_LEASE) lost.abort()
    ticking = false
    if (all.size > 0) schedule()
  }
  const schedule = (): void => {
    if (ticking) return
    ticking = true
    setTimeout(() => void tick(), leaseMs / RENEWALS_A_LEASE).unref()
  }

  return {
    hold(claim) {
      const held: Held = { claim, lost: new AbortController(), since: performance.now() }
      all.add(held)
      if (stopping.aborted) held.lost.abort()
      schedule()
      return { signal: held.lost.signal, letGo: () => void all.delete(held) }
    },
  }
}
