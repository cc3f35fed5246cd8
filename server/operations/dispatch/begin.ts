import type { Routes } from '../../adapters/routing.ts'
import { isTerminal } from '../../core/delivery.ts'
import type { Recipient } from '../../core/recipient.ts'
import type { AddressEnd } from '../../core/settlement.ts'
import { beginDeliveries, takeBackUnknown } from '../../db/sql/begin-deliveries.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import { leaveBuckets } from '../../db/sql/leave-buckets.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { ClaimedDeliveryRow } from '../../db/sql/lock-claimed-deliveries.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { type Digest, loadDigests } from '../digests/contents.ts'
import type { Target } from './decide.ts'
import { performClaims } from './perform.ts'

/** A delivery that is dispatched: decided, recorded, and to be handed over now, under its lease. */
export interface Outgoing {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly recipient: Recipient
  /** What it holds, where it is a digest. */
  readonly digest: Digest | undefined
  readonly targets: readonly Target[]
  /** How it stands with the addresses that are not called again. */
  readonly earlier: readonly AddressEnd[]
  readonly begunAt: Date
}

/**
 * The perform checkpoint for a batch of claims, in one transaction: asks the planner again, records its answers, and
 * moves each delivery to dispatched or away from it. What comes back may be handed over.
 */
export const beginClaims = async (
  capabilities: Capabilities & { readonly routes: Routes; readonly leaseMs: number },
  claims: readonly Claim[],
): Promise<readonly Outgoing[]> => {
  const { now, performed } = await inTransaction(capabilities.db.system, async (tx) => {
    const performance = await performClaims(tx, capabilities, claims)
    const { now, performed } = performance
    if (performed.length === 0) return performance
    const begun = performed.map((one) => one.begun)
    const takeBack = begun.some(({ unknown }) => unknown !== null) ? [takeBackUnknown(begun, now)] : []
    const left = performed.filter(({ delivery }) => delivery.orchestration_state === 'digest_held')
    const leave =
      left.length > 0
        ? [
            leaveBuckets(
              left.map(({ begun }) => begun),
              now,
            ),
          ]
        : []
    await tx.commitWith([...takeBack, beginDeliveries(begun, { now, leaseMs: capabilities.leaseMs }), ...leave])
    return performance
  })
  const ended = performed.filter(({ begun }) => isTerminal(begun.status))
  await capabilities.eraseSecrets(ended.map(({ event }) => event))
  const digests = await loadDigests(
    capabilities.db,
    performed.flatMap(({ goesOut, event, delivery: { tenant_id: tenantId, id } }) =>
      goesOut && event.is_digest ? [{ tenantId, id }] : [],
    ),
  )
  return performed.flatMap(({ goesOut, event, facts: { recipient }, targets, earlier }) =>
    goesOut
      ? [{ delivery: goesOut, event, recipient, digest: digests.get(goesOut.id), targets, earlier, begunAt: now }]
      : [],
  )
}
