import type { Routes } from '../../adapters/routing.ts'
import { plan } from '../../core/plan.ts'
import { addressesFor, mergeRecipient, type Recipient } from '../../core/recipient.ts'
import { DEFAULT_RETRY } from '../../core/retry.ts'
import { settleTry } from '../../core/settlement.ts'
import { type BegunDelivery, beginDeliveries } from '../../db/sql/begin-deliveries.ts'
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
import { toPreference } from '../trigger/facts.ts'

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
    const [[time], events, recipients, preferences] = await Promise.all([
      tx.query<ClockRow>(readClock(clock.now())),
      tx.query<EventRow>(loadEvents(locked.map((row) => ({ tenantId: row.tenant_id, id: row.event_id })))),
      tx.query<RecipientRow>(loadRecipients(recipientKeys)),
      tx.query<PreferenceRow>(loadPreferences(recipientKeys)),
    ])
    const { now } = time as ClockRow
    const eventById = new Map(events.map((event) => [nameOf(event.tenant_id, event.id), event]))
    const stored = new Map(recipients.map((row) => [nameOf(row.tenant_id, row.recipient_id), toRecipient(row)]))

    const begun: BegunDelivery[] = []
    const outgoing: Outgoing[] = []
    for (const delivery of locked) {
      const event = eventById.get(nameOf(delivery.tenant_id, delivery.event_id))
      if (!event) throw new Error(`delivery ${delivery.id} has no event`)
      const recipient = mergeRecipient(stored.get(nameOf(delivery.tenant_id, delivery.recipient_id)), {
        id: delivery.recipient_id,
      })
      const addresses = addressesFor(recipient, delivery.channel)
      const route = routes.get(delivery.channel)

      const { begun_token: dead, begun_at: startedAt } = delivery
      const unknown =
        dead && startedAt
          ? {
              attemptId: dead,
              attemptNumber: delivery.attempts + 1,
              adapter: route?.adapter.name ?? delivery.channel,
              startedAt,
            }
          : null
      const base = { tenantId: delivery.tenant_id, id: delivery.id, transitionId: newId(), unknown }
      if (unknown) {
        telemetry.emit('attempt.unknown', { tenantId: delivery.tenant_id, deliveryId: delivery.id })
        const after = settleTry(
          { ended: 'unknown' },
          { policy: route?.policy ?? DEFAULT_RETRY, tries: delivery.tries + 1, random: 0 },
        )
        if (after.status === 'cancelled') {
          begun.push({
            ...base,
            status: after.status,
            suppressionReason: after.suppressionReason,
            decisionId: null,
            answers: null,
          })
          continue
        }
      }

      const verdict = plan({
        checkpoint: 'perform',
        notificationKey: delivery.notification_key,
        category: event.category,
        channel: delivery.channel,
        required: event.required,
        preferences: preferences
          .filter((row) => row.tenant_id === delivery.tenant_id && row.recipient_id === delivery.recipient_id)
          .map(toPreference),
        needsAddress: needsAddress(delivery.channel),
        addressCount: addresses.length,
      })
      const passes = verdict.verdict === 'pass'
      begun.push({
        ...base,
        status: passes ? 'dispatched' : verdict.verdict === 'cancel' ? 'cancelled' : 'suppressed',
        suppressionReason: verdict.reason,
        // Whoever finds it dispatched knows by this under which lease, and so which attempt the provider has seen.
        decisionId: delivery.token,
        answers: verdict.answers,
      })
      if (!passes) continue
      const tries = delivery.tries + (unknown ? 1 : 0)
      const attempts = delivery.attempts + (unknown ? 1 : 0)
      outgoing.push({
        delivery: { ...delivery, tries, attempts },
        event,
        recipient,
        address: addresses[0] ?? null,
        begunAt: now,
      })
    }
    await tx.query(beginDeliveries(begun, { now, leaseMs }))
    return outgoing
  })
