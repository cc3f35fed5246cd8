import type { Routes } from '../../adapters/routing.ts'
import type { Recipient } from '../../core/recipient.ts'
import { beginDeliveries, takeBackUnknown } from '../../db/sql/begin-deliveries.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { ClaimedDeliveryRow } from '../../db/sql/lock-claimed-deliveries.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { performClaims } from './perform.ts'

/** A delivery that is dispatched: decided, recorded, and to be handed over now, under its lease. */
export interface Outgoing {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly recipient: Recipient
  /** Where to; `null` where the channel needs no address. */
  readonly address: string | null
  readonly begunAt: Date
}

/**
 * The perform checkpoint for a batch of claims, in one transaction: asks the planner again, records its answers, and
 * moves each delivery to dispatched or away from it. What comes back may be handed over.
 */
export const beginClaims = async (
  capabilities: Capabilities & { readonly routes: Routes; readonly leaseMs: number },
  claims: readonly Claim[],
): Promise<readonly Outgoing[]> =>
  inTransaction(capabilities.db.system, async (tx) => {
    const { now, performed } = await performClaims(tx, capabilities, claims)
    if (performed.length === 0) return []
    const begun = performed.map((one) => one.begun)
    const takeBack = begun.some(({ unknown }) => unknown !== null) ? [takeBackUnknown(begun, now)] : []
    await tx.commitWith([...takeBack, beginDeliveries(begun, { now, leaseMs: capabilities.leaseMs })])
    return performed.flatMap(({ goesOut, event, facts, addresses }) =>
      goesOut
        ? [{ delivery: goesOut, event, recipient: facts.recipient, address: addresses[0] ?? null, begunAt: now }]
        : [],
    )
  })
