import type { Routes } from '../../adapters/routing.ts'
import { isTerminal } from '../../core/delivery.ts'
import type { Recipient } from '../../core/recipient.ts'
import type { AddressEnd } from '../../core/settlement.ts'
import { beginDeliveries, takeBackUnknown } from '../../db/sql/begin-deliveries.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import { leaveBuckets } from '../../db/sql/leave-buckets.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { ClaimedDeliveryRow } from '../../db/sql/lock-claimed-deliveries.ts'
import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import { lockRunInboxes, lockRuns, type RunRow } from '../../db/sql/lock-runs.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Telemetry } from '../../telemetry.ts'
import type { Capabilities } from '../capabilities.ts'
import { type Digest, loadDigests } from '../digests/contents.ts'
import { halving } from '../halving.ts'
import { advanceRuns } from '../workflows/advance-runs.ts'
import { announceRuns } from '../workflows/announce.ts'
import { causesOf } from '../workflows/causes.ts'
import type { Target } from './decide.ts'
import { type Performance, type Performed, performClaims } from './perform.ts'

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

type Dispatching = Capabilities & { readonly routes: Routes; readonly leaseMs: number }

/** What a performance is stored by. */
const statementsOf = ({ now, performed }: Performance, leaseMs: number) => {
  const begun = performed.map((one) => one.begun)
  const takeBack = begun.some(({ unknown }) => unknown !== null) ? [takeBackUnknown(begun, now)] : []
  const left = performed.filter(({ delivery }) => delivery.orchestration_state === 'digest_held')
  const leavers = left.map((one) => one.begun)
  const leave = left.length > 0 ? [leaveBuckets(leavers, now)] : []
  return [...takeBack, beginDeliveries(begun, { now, leaseMs }), ...leave]
}

const endsInRun = ({ begun, delivery }: Performed): boolean => delivery.in_run && isTerminal(begun.status)

/** Whoever ends a delivery of a run takes the run's locks first: those that would are left for a transaction that has them. */
const beginOthers = async (
  capabilities: Dispatching,
  claims: readonly Claim[],
): Promise<Performance & { readonly left: readonly Performed[] }> =>
  inTransaction(capabilities.db.system, async (tx) => {
    const { now, performed: all } = await performClaims(tx, capabilities, claims)
    const left = all.filter(endsInRun)
    const performed = all.filter((one) => !endsInRun(one))
    if (performed.length > 0) await tx.commitWith(statementsOf({ now, performed }, capabilities.leaseMs))
    return { now, performed, left }
  })

/** The same with the locks of the runs, which hear of it; what was decided before is asked anew. */
const beginInRuns = async (
  capabilities: Dispatching,
  claims: readonly Claim[],
  left: readonly Performed[],
): Promise<Performance> => {
  if (left.length === 0) return { now: new Date(0), performed: [] }
  const keys = left.map(({ delivery }) => ({ tenantId: delivery.tenant_id, id: delivery.notification_id }))
  const tokens = new Set(left.map(({ delivery }) => delivery.token))
  const ours = claims.filter(({ token }) => tokens.has(token))
  const { performance, advanced } = await inTransaction(capabilities.db.system, async (tx) => {
    const [inboxes, runs, performance] = await Promise.all([
      tx.query<InboxRow>(lockRunInboxes(keys)),
      tx.query<RunRow>(lockRuns(keys)),
      performClaims(tx, capabilities, ours),
    ])
    const { now, performed } = performance
    if (performed.length === 0) return { performance, advanced: null }
    await Promise.all(statementsOf(performance, capabilities.leaseMs).map((statement) => tx.query(statement)))
    const causes = causesOf(
      performed
        .filter(endsInRun)
        .map(({ begun: { tenantId, id: deliveryId, status, suppressionReason }, delivery }) => ({
          tenantId,
          runId: delivery.notification_id,
          deliveryId,
          isStep: delivery.step_key !== '',
          status,
          suppressionReason,
        })),
    )
    const advanced = await advanceRuns(tx, capabilities, { runs, causes, inboxes, now })
    return { performance, advanced }
  })
  if (advanced) await announceRuns(capabilities, advanced)
  return performance
}

/** Tells of deliveries that are over with the perform checkpoint: nobody is called for them. */
const tellOfEnded = (telemetry: Telemetry, ended: readonly Performed[]): void => {
  if (ended.length === 0) return
  const deliveries = ended.map(({ delivery: { channel }, begun: { status, suppressionReason } }) => ({
    channel,
    status,
    suppressionReason,
  }))
  telemetry.emit('deliveries.decided', { checkpoint: 'perform', deliveries })
}

/**
 * The perform checkpoint for a batch of claims, in one transaction: asks the planner again, records its answers, and
 * moves each delivery to dispatched or away from it. What comes back may be handed over.
 */
export const beginClaims = async (
  capabilities: Dispatching,
  claims: readonly Claim[],
): Promise<readonly Outgoing[]> => {
  const { left, ...others } = await beginOthers(capabilities, claims)
  // What is dispatched by now goes out, whatever becomes of these: one that fails is left to its lease.
  const inRuns = await halving(left, async (part) => [await beginInRuns(capabilities, claims, part)])
  const performances = [others]
  for (const one of inRuns) {
    if (one.status === 'fulfilled') performances.push(one.value)
    else capabilities.telemetry.emit('worker.failed', { error: one.reason as Error })
  }
  for (const { begun } of performances.flatMap(({ performed }) => performed)) {
    const { tenantId, id: deliveryId, unknown } = begun
    if (unknown) capabilities.telemetry.emit('attempt.unknown', { tenantId, deliveryId })
  }
  const ended = performances.flatMap(({ performed }) => performed.filter(({ begun }) => isTerminal(begun.status)))
  tellOfEnded(capabilities.telemetry, ended)
  capabilities.hints.deliveriesChanged(performances.flatMap(({ performed }) => performed.map(({ begun }) => begun)))
  await capabilities.eraseSecrets(ended.map(({ event }) => event))
  const digests = await loadDigests(
    capabilities.db,
    performances.flatMap(({ performed }) =>
      performed.flatMap(({ goesOut, event, delivery: { tenant_id: tenantId, id } }) =>
        goesOut && event.is_digest ? [{ tenantId, id }] : [],
      ),
    ),
  )
  return performances.flatMap(({ now, performed }) =>
    performed.flatMap(({ goesOut, event, facts: { recipient }, targets, earlier }) =>
      goesOut
        ? [{ delivery: goesOut, event, recipient, digest: digests.get(goesOut.id), targets, earlier, begunAt: now }]
        : [],
    ),
  )
}
