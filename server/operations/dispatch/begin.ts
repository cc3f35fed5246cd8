import type { Route, Routes } from '../../adapters/routing.ts'
import { plan } from '../../core/plan.ts'
import type { Preference } from '../../core/preference.ts'
import type { ReasonCode } from '../../core/reasons.ts'
import { addressesFor, mergeRecipient, type Recipient } from '../../core/recipient.ts'
import { DEFAULT_RETRY } from '../../core/retry.ts'
import { settleTry } from '../../core/settlement.ts'
import { type BegunDelivery, beginDeliveries, takeBackUnknown } from '../../db/sql/begin-deliveries.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import { loadEvents } from '../../db/sql/load-events.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { loadPreferences, type PreferenceRow } from '../../db/sql/load-preferences.ts'
import { loadRecipients, type RecipientRow } from '../../db/sql/load-recipients.ts'
import { type ClaimedDeliveryRow, lockClaimedDeliveries } from '../../db/sql/lock-claimed-deliveries.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { inTransaction } from '../../db/transaction.ts'
import { newId } from '../../ids.ts'
import type { Capabilities } from '../capabilities.ts'
import { toRecipient } from '../recipients-known.ts'
import { preferencesByRecipient } from '../trigger/facts.ts'

/** A delivery that is dispatched: decided, recorded, and to be handed over now, under its lease. */
export interface Outgoing {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly recipient: Recipient
  /** Where to; `null` where the channel needs no address. */
  readonly address: string | null
  readonly begunAt: Date
}

const nameOf = (tenantId: string, id: string): string => `${tenantId}\n${id}`

/** What was read about one claimed delivery, under its lock. */
interface ClaimFacts {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly recipient: Recipient
  readonly preferences: readonly Preference[]
  readonly route: Route | undefined
  readonly needsAddress: boolean
  readonly now: Date
}

interface Beginning {
  readonly begun: BegunDelivery
  /** `null` where it is not to be handed over. */
  readonly outgoing: Outgoing | null
}

/** Decides what becomes of one claimed delivery: handed over, suppressed, or given up. */
const decide = ({ delivery, event, recipient, preferences, route, needsAddress, now }: ClaimFacts): Beginning => {
  const { begun_token: dead, begun_at: startedAt } = delivery
  const adapter = route?.adapter.name ?? delivery.channel
  const unknown =
    dead && startedAt ? { attemptId: dead, attemptNumber: delivery.attempts + 1, adapter, startedAt } : null
  const base = { tenantId: delivery.tenant_id, id: delivery.id, transitionId: newId(), unknown }
  const giveUp = (suppressionReason: ReasonCode | null): Beginning => ({
    begun: { ...base, status: 'cancelled', suppressionReason, decisionId: null, answers: null },
    outgoing: null,
  })
  const tries = delivery.tries + (unknown ? 1 : 0)
  const attempts = delivery.attempts + (unknown ? 1 : 0)
  if (unknown) {
    const after = settleTry({ ended: 'unknown' }, { policy: route?.policy ?? DEFAULT_RETRY, tries, random: 0 })
    if (after.status === 'cancelled') return giveUp(after.suppressionReason)
  }
  // It had been handed over when its event was cancelled, and failed: it is not sent once more.
  if (event.status === 'cancelled') return giveUp('event_cancelled')

  const addresses = addressesFor(recipient, delivery.channel)
  const { verdict, reason, answers } = plan({
    checkpoint: 'perform',
    notificationKey: delivery.notification_key,
    category: event.category,
    channel: delivery.channel,
    required: event.required,
    preferences,
    needsAddress,
    addressCount: addresses.length,
  })
  const passes = verdict === 'pass'
  return {
    begun: {
      ...base,
      status: passes ? 'dispatched' : verdict === 'cancel' ? 'cancelled' : 'suppressed',
      suppressionReason: reason,
      // Whoever finds it dispatched knows by this under which lease, and so which attempt the provider has seen.
      decisionId: delivery.token,
      answers,
    },
    outgoing: passes
      ? { delivery: { ...delivery, tries, attempts }, event, recipient, address: addresses[0] ?? null, begunAt: now }
      : null,
  }
}

/**
 * The perform checkpoint for a batch of claims, in one transaction: asks the planner again, records its answers, and
 * moves each delivery to dispatched or out of the queue. What comes back may be handed over; claims whose lease was
 * lost, or whose delivery was settled by somebody else, do not.
 */
export const beginClaims = async (
  {
    db,
    clock,
    needsAddress,
    telemetry,
    routes,
    leaseMs,
  }: Capabilities & { readonly routes: Routes; readonly leaseMs: number },
  claims: readonly Claim[],
): Promise<readonly Outgoing[]> =>
  inTransaction(db.system, async (tx) => {
    const locked = await tx.query<ClaimedDeliveryRow>(lockClaimedDeliveries(claims))
    if (locked.length === 0) return []
    const recipientKeys = locked.map((row) => ({ tenantId: row.tenant_id, recipientId: row.recipient_id }))
    const [[time], events, recipients, set] = await Promise.all([
      tx.query<ClockRow>(readClock(clock.now())),
      tx.query<EventRow>(loadEvents(locked.map((row) => ({ tenantId: row.tenant_id, id: row.event_id })))),
      tx.query<RecipientRow>(loadRecipients(recipientKeys)),
      tx.query<PreferenceRow>(loadPreferences(recipientKeys)),
    ])
    const { now } = time as ClockRow
    const eventById = new Map(events.map((event) => [nameOf(event.tenant_id, event.id), event]))
    const stored = new Map(recipients.map((row) => [nameOf(row.tenant_id, row.recipient_id), toRecipient(row)]))
    const preferences = preferencesByRecipient(set)

    const beginnings = locked.flatMap((delivery): readonly Beginning[] => {
      const recipientName = nameOf(delivery.tenant_id, delivery.recipient_id)
      const event = eventById.get(nameOf(delivery.tenant_id, delivery.event_id))
      if (!event) {
        // Somebody removed it by hand. Its lease runs out again and again, and the others go on.
        telemetry.emit('worker.failed', { error: new Error(`delivery ${delivery.id} has no event`) })
        return []
      }
      const beginning = decide({
        delivery,
        event,
        recipient: mergeRecipient(stored.get(recipientName), { id: delivery.recipient_id }),
        preferences: preferences.get(recipientName) ?? [],
        route: routes.get(delivery.channel),
        needsAddress: needsAddress(delivery.channel),
        now,
      })
      if (beginning.begun.unknown) {
        telemetry.emit('attempt.unknown', { tenantId: delivery.tenant_id, deliveryId: delivery.id })
      }
      return [beginning]
    })
    const begun = beginnings.map((beginning) => beginning.begun)
    const takeBack = begun.some(({ unknown }) => unknown !== null) ? [takeBackUnknown(begun, now)] : []
    await tx.commitWith([...takeBack, beginDeliveries(begun, { now, leaseMs })])
    return beginnings.flatMap(({ outgoing }) => outgoing ?? [])
  })
