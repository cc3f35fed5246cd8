import type { Route } from '../../adapters/routing.ts'
import { planningContextOf } from '../../core/decision.ts'
import { type Plan, plan } from '../../core/plan.ts'
import type { ReasonCode } from '../../core/reasons.ts'
import { reachFor } from '../../core/recipient.ts'
import { DEFAULT_RETRY } from '../../core/retry.ts'
import { settleTry } from '../../core/settlement.ts'
import type { BegunDelivery, NewTransition } from '../../db/sql/begin-deliveries.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { ClaimedDeliveryRow } from '../../db/sql/lock-claimed-deliveries.ts'
import { newId } from '../../ids.ts'
import { planFacts, type RecipientFacts } from '../facts.ts'

/** What was read about one claimed delivery, under its lock. */
export interface ClaimFacts {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly facts: RecipientFacts
  readonly route: Route | undefined
  readonly needsAddress: boolean
  readonly defaultTimeZone: string | null
  readonly now: Date
}

/** What becomes of one claimed delivery. */
export interface Beginning {
  readonly begun: BegunDelivery
  /** Whether it may be handed over: its row with the tries and attempts counted; `null` where it may not. */
  readonly goesOut: ClaimedDeliveryRow | null
  /** Where to; empty where the channel needs no address. */
  readonly addresses: readonly string[]
}

const STATUS_OF = {
  pass: 'dispatched',
  defer: 'pending',
  digest: 'pending',
  suppress: 'suppressed',
  cancel: 'cancelled',
} as const

const transition = (
  event: string,
  reason: string | null,
  context: Readonly<Record<string, unknown>>,
): NewTransition => ({ id: newId(), event, reason, context })

/** A deferred one whose instant has come goes on by itself. */
const resumedBy = ({ orchestration_state: state, next_eligible_at: until }: ClaimedDeliveryRow, now: Date) =>
  state === 'deferred' && until && until <= now
    ? [transition('resumed', null, { source: 'schedule', scheduledAt: until.toISOString() })]
    : []

/** What a verdict that does not let it pass is told as. */
const stoppedBy = ({ verdict, reason, nextEligibleAt, decidedBy }: Plan): readonly NewTransition[] => {
  const context = { checkpoint: 'perform', ...(decidedBy && { rule: decidedBy.rule }) }
  switch (verdict) {
    case 'pass':
      return []
    case 'defer':
    case 'digest':
      return [transition('deferred', reason, { ...context, nextEligibleAt: nextEligibleAt?.toISOString() ?? null })]
    case 'suppress':
      return [transition('suppressed', reason, context)]
    case 'cancel':
      return [transition(reason === 'expired' ? 'expired' : 'cancelled', reason, context)]
  }
}

/** Decides what becomes of one claimed delivery: handed over, put off, suppressed, or given up. */
export const decideClaim = ({
  delivery,
  event,
  facts,
  route,
  needsAddress,
  defaultTimeZone,
  now,
}: ClaimFacts): Beginning => {
  const { begun_token: dead, begun_at: startedAt } = delivery
  const adapter = route?.adapter.name ?? delivery.channel
  const unknown =
    dead && startedAt ? { attemptId: dead, attemptNumber: delivery.attempts + 1, adapter, startedAt } : null
  const base = { tenantId: delivery.tenant_id, id: delivery.id, unknown }
  const giveUp = (reason: ReasonCode): Beginning => ({
    begun: {
      ...base,
      status: 'cancelled',
      suppressionReason: reason,
      deferral: null,
      decisionId: null,
      answers: null,
      transitions: [transition(reason === 'event_cancelled' ? reason : 'cancelled', reason, { checkpoint: 'perform' })],
    },
    goesOut: null,
    addresses: [],
  })
  const counted = unknown ? 1 : 0
  const tries = delivery.tries + counted
  if (unknown) {
    const after = settleTry({ ended: 'unknown' }, { policy: route?.policy ?? DEFAULT_RETRY, tries, random: 0 })
    if (after.suppressionReason) return giveUp(after.suppressionReason)
  }
  // It had been handed over when its event was cancelled, and failed: it is not sent once more.
  if (event.status === 'cancelled') return giveUp('event_cancelled')

  const subject = {
    notificationKey: delivery.notification_key,
    category: delivery.category,
    required: event.required,
    urgent: event.urgent,
    expiresAt: delivery.expires_at,
  }
  const decided = plan(
    planFacts(subject, facts, {
      checkpoint: 'perform',
      channel: delivery.channel,
      needsAddress,
      // Its delay is over, or an operator ended it: what is left to ask is whether it was read.
      fallback: delivery.fallback ? { until: now } : null,
      released: delivery.released,
      read: delivery.read,
      defaultTimeZone,
    }),
    now,
  )
  const { verdict, reason, nextEligibleAt, answers } = decided
  return {
    begun: {
      ...base,
      status: STATUS_OF[verdict],
      suppressionReason: verdict === 'suppress' || verdict === 'cancel' ? reason : null,
      deferral:
        nextEligibleAt && reason ? { until: nextEligibleAt, reason, context: planningContextOf(decided) } : null,
      // Whoever finds it dispatched knows by this under which lease, and so which attempt the provider has seen.
      decisionId: delivery.token,
      answers,
      transitions: [...resumedBy(delivery, now), ...stoppedBy(decided)],
    },
    goesOut: verdict === 'pass' ? { ...delivery, tries, attempts: delivery.attempts + counted } : null,
    addresses: reachFor(facts.recipient, delivery.channel, facts.bounced).usable,
  }
}
