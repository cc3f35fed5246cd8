import { compare } from './compare.ts'
import type { DeliveryStatus, OrchestrationState } from './delivery.ts'
import type { ReasonCode } from './reasons.ts'

/** What deliveries are counted by. */
export const DELIVERY_OUTCOMES = [
  'pending',
  'sent',
  'suppressed',
  'delayed',
  'digested',
  'failed',
  'exhausted',
  'cancelled',
] as const
export type DeliveryOutcome = (typeof DELIVERY_OUTCOMES)[number]

/** The reason that makes a cancelled delivery an exhausted one. */
export const EXHAUSTED_REASON: ReasonCode = 'retries_exhausted'

/** As much of a delivery as its outcome depends on. */
export interface DeliveryState {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  /** Whether its reason is `EXHAUSTED_REASON`. */
  readonly exhausted: boolean
}

const OUTCOME_OF = {
  pending: 'pending',
  dispatched: 'pending',
  succeeded: 'sent',
  failed: 'failed',
  suppressed: 'suppressed',
  cancelled: 'cancelled',
  digested: 'digested',
} as const satisfies Record<DeliveryStatus, DeliveryOutcome>

/** What a delivery counts as. */
export const outcomeOf = ({ status, orchestrationState, exhausted }: DeliveryState): DeliveryOutcome => {
  if (status === 'pending' && orchestrationState !== 'ready') return 'delayed'
  if (status === 'cancelled' && exhausted) return 'exhausted'
  return OUTCOME_OF[status]
}

/** How many deliveries of a notification and a channel are in one state. */
export interface StateCount extends DeliveryState {
  readonly notificationKey: string
  readonly channel: string
  readonly count: number
}

/** How many deliveries of a notification and a channel have one outcome. */
export interface OutcomeCount {
  readonly notificationKey: string
  readonly channel: string
  readonly outcome: DeliveryOutcome
  readonly count: number
}

/** Adds up the states that are one outcome; in order of notification key, channel and outcome. */
export const countOutcomes = (states: readonly StateCount[]): readonly OutcomeCount[] => {
  const counts = new Map<string, OutcomeCount>()
  for (const state of states) {
    const { notificationKey, channel } = state
    const outcome = outcomeOf(state)
    const place = JSON.stringify([notificationKey, channel, outcome])
    const count = (counts.get(place)?.count ?? 0) + state.count
    counts.set(place, { notificationKey, channel, outcome, count })
  }
  return [...counts.values()].sort(
    (a, b) =>
      compare(a.notificationKey, b.notificationKey) || compare(a.channel, b.channel) || compare(a.outcome, b.outcome),
  )
}
