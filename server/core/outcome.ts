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

/** How many deliveries that were planned in one period are in one state. */
export interface PeriodStateCount extends DeliveryState {
  readonly startsAt: Date
  readonly count: number
}

/** What became of the deliveries that were planned in one period. */
export interface OutcomePeriod {
  readonly startsAt: Date
  /** In order of outcome; those that none has are left out. */
  readonly outcomes: readonly { readonly outcome: DeliveryOutcome; readonly count: number }[]
}

/** Half-open, and cut into periods of as many minutes from its beginning on; the last one may be cut short. */
export interface Interval {
  readonly from: Date
  readonly to: Date
  readonly periodMinutes: number
}

/** What became of the deliveries of each period of an interval, in order of time: of those too in which none was planned. */
export const outcomePeriods = (
  states: readonly PeriodStateCount[],
  { from, to, periodMinutes }: Interval,
): readonly OutcomePeriod[] => {
  const counted = new Map<number, Map<DeliveryOutcome, number>>()
  for (const state of states) {
    const period = counted.get(state.startsAt.getTime()) ?? new Map<DeliveryOutcome, number>()
    const outcome = outcomeOf(state)
    counted.set(state.startsAt.getTime(), period.set(outcome, (period.get(outcome) ?? 0) + state.count))
  }
  const periods = Math.ceil((to.getTime() - from.getTime()) / (periodMinutes * 60_000))
  return Array.from({ length: Math.max(0, periods) }, (_, index) => {
    const startsAt = new Date(from.getTime() + index * periodMinutes * 60_000)
    const outcomes = [...(counted.get(startsAt.getTime()) ?? [])].map(([outcome, count]) => ({ outcome, count }))
    return { startsAt, outcomes: outcomes.sort((a, b) => compare(a.outcome, b.outcome)) }
  })
}
