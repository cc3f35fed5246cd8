import type { Route } from '../../adapters/routing.ts'
import { planningContextOf, statusAfter } from '../../core/decision.ts'
import { endOf } from '../../core/feedback.ts'
import { type Plan, plan } from '../../core/plan.ts'
import type { ReasonCode } from '../../core/reasons.ts'
import { reachFor } from '../../core/recipient.ts'
import type { RetryPolicy } from '../../core/retry.ts'
import { type AddressEnd, settleEnds, settleUnknown } from '../../core/settlement.ts'
import type { BegunDelivery, NewTransition } from '../../db/sql/begin-deliveries.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { ClaimedDeliveryRow } from '../../db/sql/lock-claimed-deliveries.ts'
import { newId } from '../../ids.ts'
import type { AddressKey } from '../capabilities.ts'
import { planFacts, type RecipientFacts } from '../facts.ts'

/** What was read about one claimed delivery, under its lock. */
export interface ClaimFacts {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly facts: RecipientFacts
  readonly route: Route | undefined
  /** How it is tried again where no adapter carries its channel. */
  readonly retry: RetryPolicy
  readonly needsAddress: boolean
  readonly addressKey: AddressKey
  readonly defaultTimeZone: string | null
  readonly now: Date
}

/** Where one delivery is to go. */
export interface Target {
  /** `null` where the channel needs no address. */
  readonly address: string | null
  readonly addressKey: string | null
}

/** What becomes of one claimed delivery. */
export interface Beginning {
  readonly begun: BegunDelivery
  /** Whether it may be handed over: its row with the tries and attempts counted; `null` where it may not. */
  readonly goesOut: ClaimedDeliveryRow | null
  /** Where to: one call for each. */
  readonly targets: readonly Target[]
  /** How it stands with the addresses that are not called again. */
  readonly earlier: readonly AddressEnd[]
}

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
const stoppedBy = (
  { verdict, reason, nextEligibleAt, decidedBy }: Plan,
  sentBefore: boolean,
): readonly NewTransition[] => {
  const context = { checkpoint: 'perform', ...(decidedBy && { rule: decidedBy.rule }) }
  switch (verdict) {
    case 'pass':
      return []
    case 'defer':
    case 'digest':
      return [transition('deferred', reason, { ...context, nextEligibleAt: nextEligibleAt?.toISOString() ?? null })]
    case 'suppress':
      return [stopTransition(sentBefore ? 'retry_dropped' : 'suppressed', reason, context)]
    case 'cancel':
      return [stopTransition(sentBefore ? 'retry_dropped' : 'cancelled', reason, context)]
  }
}

/** Some reasons are told under their own name. */
const stopTransition = (
  event: 'cancelled' | 'suppressed' | 'retry_dropped',
  reason: ReasonCode | null,
  context: Readonly<Record<string, unknown>>,
): NewTransition => {
  const named = event === 'cancelled' && (reason === 'expired' || reason === 'event_cancelled')
  return transition(named ? reason : event, reason, context)
}

/** Decides what becomes of one claimed delivery: handed over, put off, suppressed, or given up. */
export const decideClaim = ({
  delivery,
  event,
  facts,
  route,
  retry,
  needsAddress,
  addressKey,
  defaultTimeZone,
  now,
}: ClaimFacts): Beginning => {
  const { begun_token: dead, begun_at: startedAt } = delivery
  const [first] = route?.adapters ?? []
  const adapter = first?.adapter.name ?? delivery.channel
  const unknown =
    dead && startedAt ? { attemptId: dead, attemptNumber: delivery.attempts + 1, adapter, startedAt } : null
  const base = { tenantId: delivery.tenant_id, id: delivery.id, unknown }
  const reach = reachFor(facts.recipient, delivery.channel, facts.bounced)
  const { targets, earlier } = targetsOf(delivery, reach.usable, { needsAddress, addressKey })
  /** What one of its addresses has accepted was sent, whatever keeps it from the others now. */
  const sentBefore = earlier.includes('accepted')
  const giveUp = (reason: ReasonCode | null): Beginning => ({
    begun: {
      ...base,
      awaitsOperator: false,
      status: sentBefore ? 'succeeded' : 'cancelled',
      suppressionReason: sentBefore ? null : reason,
      deferral: null,
      decisionId: null,
      answers: null,
      transitions: [stopTransition(sentBefore ? 'retry_dropped' : 'cancelled', reason, { checkpoint: 'perform' })],
    },
    goesOut: null,
    targets: [],
    earlier: [],
  })
  const counted = unknown ? 1 : 0
  const tries = delivery.tries + counted
  if (unknown) {
    // Which of a channel's adapters had the call is not known: one that must not be asked twice is enough.
    const holds = route?.adapters.some((one) => one.adapter.onUnknown === 'hold')
    if (holds && event.status !== 'cancelled') return hang(base)
    if (settleUnknown(route?.policy ?? retry, tries) === 'exhausted') return giveUp('retries_exhausted')
  }
  // It had been handed over when its event was cancelled, and failed: it is not sent once more.
  if (event.status === 'cancelled') return giveUp('event_cancelled')
  if (delivery.erased) return giveUp('recipient_erased')
  // Each of those that are left has said its last word: the one that was to be called again was taken away meanwhile.
  if (targets.length === 0 && reach.usable.length > 0) return giveUp(settleEnds(earlier).suppressionReason)

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
  const stopped = verdict === 'suppress' || verdict === 'cancel'
  return {
    begun: {
      ...base,
      awaitsOperator: false,
      status: stopped && sentBefore ? 'succeeded' : statusAfter('perform', verdict),
      suppressionReason: stopped && !sentBefore ? reason : null,
      deferral:
        nextEligibleAt && reason ? { until: nextEligibleAt, reason, context: planningContextOf(decided) } : null,
      // Whoever finds it dispatched knows by this under which lease, and so which attempt the provider has seen.
      decisionId: delivery.token,
      answers,
      transitions: [...resumedBy(delivery, now), ...stoppedBy(decided, sentBefore)],
    },
    goesOut: verdict === 'pass' ? { ...delivery, tries, attempts: delivery.attempts + counted } : null,
    targets,
    earlier,
  }
}

/** Nobody can say whether the provider has seen it, and it must not see it twice: an operator or its report decides. */
const hang = (base: Pick<BegunDelivery, 'tenantId' | 'id' | 'unknown'>): Beginning => ({
  begun: {
    ...base,
    status: 'dispatched',
    awaitsOperator: true,
    suppressionReason: null,
    deferral: null,
    decisionId: null,
    answers: null,
    transitions: [transition('attempt_held', null, {})],
  },
  goesOut: null,
  targets: [],
  earlier: [],
})

/** An address is called until it has accepted or refused for good, one that accepted never again. */
const targetsOf = (
  { tried }: ClaimedDeliveryRow,
  usable: readonly string[],
  { needsAddress, addressKey }: Pick<ClaimFacts, 'needsAddress' | 'addressKey'>,
): Pick<Beginning, 'targets' | 'earlier'> => {
  const triedAt = (key: string | null) => tried.filter((one) => one.key === key)
  if (!needsAddress && usable.length === 0) return { targets: [{ address: null, addressKey: null }], earlier: [] }
  const keys = new Set(tried.flatMap(({ key }) => key ?? []))
  const all = usable.map((address) => ({ address, addressKey: addressKey(address, keys) }))
  return {
    targets: all.filter((target) => endOf(triedAt(target.addressKey)) === null),
    earlier: [...keys].flatMap((key) => endOf(triedAt(key)) ?? []),
  }
}
