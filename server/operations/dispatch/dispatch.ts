import { setTimeout as delay } from 'node:timers/promises'
import type { Breakers } from '../../adapters/breakers.ts'
import type { Routes } from '../../adapters/routing.ts'
import { isTerminal } from '../../core/delivery.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import { settleTry } from '../../core/settlement.ts'
import { databaseFailure } from '../../db/errors.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import type { SettledDelivery } from '../../db/sql/settle-deliveries.ts'
import { linksTo, type Span, startSpan } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import { coalesce } from '../coalesce.ts'
import { halving } from '../halving.ts'
import { beginClaims, type Outgoing } from './begin.ts'
import { deliverInApp } from './in-app.ts'
import { keepLeases } from './leases.ts'
import { sendOne } from './send.ts'
import { type Settled, settle } from './settle.ts'
import { settleInRuns } from './settle-in-runs.ts'
import { settledRow } from './settled-row.ts'

export interface DispatchOptions {
  readonly routes: Routes
  readonly breakers: Breakers
  /** How long a worker that fell silent keeps what it claimed, in milliseconds. */
  readonly leaseMs: number
  /** Ends calls that are under way. */
  readonly stopping: AbortSignal
}

/**
 * Carries out claimed deliveries. Resolves when each is settled or found to be somebody else's; `finished` is told of
 * each as soon as its call is over, so that others are begun while its result is being recorded.
 */
export type Dispatch = (claims: readonly Claim[], shift: { readonly finished: (claim: Claim) => void }) => Promise<void>

/** Results are recorded in shared statements: a batch costs about what one does. */
const MAX_SETTLED_AT_ONCE = 200
const RECORD_AGAIN_MS = 250
/** With so many results to be recorded the database is behind, and nothing more is begun until it has caught up. */
const MOST_UNRECORDED = 2 * MAX_SETTLED_AT_ONCE

/** A root of its own, since it may be sent much later than it was triggered; linked to what it came from. */
const deliverySpan = ({ delivery, event, digest }: Outgoing): Span =>
  startSpan('carillon.deliver', {
    kind: 'consumer',
    links: event.traceparent || digest ? linksTo([event, ...(digest?.items ?? [])].map((one) => one.traceparent)) : [],
    attributes: {
      'carillon.tenant': delivery.tenant_id,
      'carillon.notification': event.notification_key,
      'carillon.channel': delivery.channel,
      'carillon.delivery.id': encodeNodeId('Delivery', delivery.id),
      ...(event.correlation_id !== null && { 'carillon.correlation_id': event.correlation_id }),
    },
  })

export const createDispatch = (
  capabilities: Capabilities,
  { routes, breakers, leaseMs, stopping }: DispatchOptions,
): Dispatch => {
  const { clock, telemetry } = capabilities
  const leases = keepLeases(capabilities, { leaseMs, stopping })
  let unrecorded = 0
  const record = coalesce(
    (rows: readonly SettledDelivery[]) => halving(rows, (part) => settle(capabilities, part, clock.now())),
    {
      limit: MAX_SETTLED_AT_ONCE,
    },
  )

  /** What a run is told of takes more locks, and does not hold up what concerns none. */
  const recordInRun = coalesce(
    (rows: readonly SettledDelivery[]) => halving(rows, (part) => settleInRuns(capabilities, part, clock.now())),
    { limit: MAX_SETTLED_AT_ONCE },
  )

  // A result that is not recorded becomes a second call to the provider: while the lease may still hold, it is tried again.
  const recordWhileLeased = async (row: SettledDelivery): Promise<Settled> => {
    const leaseEnds = performance.now() + leaseMs
    for (;;) {
      const recorded = await (row.run && isTerminal(row.status) ? recordInRun : record)(row)
      if (recorded.status === 'fulfilled') return recorded.value
      if (databaseFailure(recorded.reason) !== 'unavailable' || performance.now() > leaseEnds) throw recorded.reason
      await delay(RECORD_AGAIN_MS)
    }
  }

  const carryOut = async (outgoing: Outgoing, claim: Claim, called: () => void): Promise<void> => {
    const { delivery, earlier } = outgoing
    const route = routes.get(delivery.channel)
    const lease = leases.hold(claim)
    const span = deliverySpan(outgoing)
    try {
      const { signal } = lease
      const { calls, results, rendered } = await sendOne(capabilities, { outgoing, route, breakers, signal, span })
      const settlement = settleTry(results, {
        earlier,
        policy: route?.policy ?? capabilities.retry,
        tries: delivery.tries + 1,
        random: Math.random(),
      })
      span.setAttribute('carillon.status', settlement.status)
      const subject = { tenantId: delivery.tenant_id, deliveryId: delivery.id }
      unrecorded += 1
      if (unrecorded <= MOST_UNRECORDED) called()
      const recording = recordWhileLeased(settledRow(outgoing, { calls, settlement, rendered }))
      const settled = await recording.finally(() => {
        unrecorded -= 1
      })
      if (settled === 'recorded') {
        telemetry.emit('delivery.settled', {
          ...subject,
          channel: delivery.channel,
          status: settlement.status,
          reason: settlement.suppressionReason,
        })
      }
      if (settled === 'overtaken' || (settled === 'recorded' && isTerminal(settlement.status))) {
        await capabilities.eraseSecrets(outgoing.digest?.items ?? [outgoing.event])
      }
      if (settled === 'too_late') telemetry.emit('result.too_late', subject)
    } finally {
      span.end()
      lease.letGo()
    }
  }

  const arrive = async (claims: readonly Claim[], finished: (claim: Claim) => void): Promise<void> => {
    const arrived = await halving(claims, async (part) => {
      await deliverInApp({ ...capabilities, routes, leaseMs }, part)
      return part
    })
    claims.forEach(finished)
    for (const one of arrived) if (one.status === 'rejected') throw one.reason
  }

  const sendAll = async (claims: readonly Claim[], finished: (claim: Claim) => void): Promise<void> => {
    const begun = await halving(claims, async (part) => {
      const outgoing = await beginClaims({ ...capabilities, routes, leaseMs }, part)
      const byToken = new Map(outgoing.map((one) => [one.delivery.token, one]))
      return part.map(({ token }) => byToken.get(token) ?? null)
    })
    const settled = await Promise.allSettled(
      claims.map(async (claim, index) => {
        const one = begun[index]
        try {
          if (one?.status === 'rejected') throw one.reason
          if (one?.value) await carryOut(one.value, claim, () => finished(claim))
        } finally {
          finished(claim)
        }
      }),
    )
    const failed = settled.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }

  return async (claims, { finished }) => {
    const [inApp, others] = [true, false].map((built) => claims.filter(({ lane }) => (lane === 'in_app') === built))
    const done = await Promise.allSettled([
      inApp?.length ? arrive(inApp, finished) : null,
      others?.length ? sendAll(others, finished) : null,
    ])
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }
}
