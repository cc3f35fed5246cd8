/*
 *   pending ──► dispatched ──► succeeded          while pending, it is
 *      │  ▲         │                             ready ⇄ deferred (until nextEligibleAt)
 *      │  └─ failed ◄┘ (another try is due)       ready ⇄ digest_held (until its bucket closes)
 *      ├──► suppressed   ├──► cancelled   └──► digested
 */

/** Which delivery. */
export interface DeliveryKey {
  readonly tenantId: string
  readonly id: string
}

export const DELIVERY_STATUSES = [
  'pending',
  'dispatched',
  'succeeded',
  'failed',
  'suppressed',
  'cancelled',
  'digested',
] as const
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

export const ORCHESTRATION_STATES = ['ready', 'deferred', 'digest_held'] as const
export type OrchestrationState = (typeof ORCHESTRATION_STATES)[number]

export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'rejected', 'bounced', 'unknown'] as const
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number]

const TERMINAL: ReadonlySet<DeliveryStatus> = new Set(['succeeded', 'suppressed', 'cancelled', 'digested'])

/** Whether nothing more will happen to a delivery by itself. */
export const isTerminal = (status: DeliveryStatus): boolean => TERMINAL.has(status)

interface Waiting {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly planningReason: string | null
  /** Whether its worker died in mid-call, and it is not tried again by itself. */
  readonly awaitsOperator: boolean
  /** Why nobody was called in its latest try, where that is so. */
  readonly putOffBy: string | null
}

/**
 * What a delivery waits for: `due`, `retry`, `breaker`, `provider`, `operator`, or why it was deferred or held; `null` where it is
 * terminal.
 */
export const waitingFor = ({
  status,
  orchestrationState,
  planningReason,
  awaitsOperator,
  putOffBy,
}: Waiting): string | null => {
  if (isTerminal(status)) return null
  if (status === 'dispatched') return awaitsOperator ? 'operator' : 'provider'
  if (orchestrationState === 'digest_held') return 'digest'
  if (orchestrationState === 'deferred') return planningReason
  return status === 'failed' ? (putOffBy ?? 'retry') : 'due'
}

/** What an operator may do with a delivery. */
export const OPERATOR_ACTIONS = ['retry', 'cancel', 'resume'] as const
export type OperatorAction = (typeof OPERATOR_ACTIONS)[number]

interface Operated {
  readonly status: DeliveryStatus
  readonly orchestrationState: OrchestrationState
  readonly suppressionReason: string | null
  /** Whether it is in the queue. One that was dispatched and is not waits for an operator. */
  readonly queued: boolean
  readonly eventCancelled: boolean
  readonly expired: boolean
  /** Whether its recipient's data was erased since. */
  readonly erased: boolean
  /** Whether its content is made of secret fields that are not stored any more. */
  readonly secretsErased: boolean
}

/** Cancelled for one of these it stays so: nobody is to get it any more. */
const FINAL_REASONS: ReadonlySet<string> = new Set(['event_cancelled', 'expired', 'recipient_erased'])

const canRetry = ({ status, suppressionReason, queued }: Operated): boolean => {
  if (status === 'cancelled') return !FINAL_REASONS.has(suppressionReason ?? '')
  return status === 'failed' || (status === 'dispatched' && !queued)
}

/** Why an operator cannot do this with a delivery now, as the end of a sentence about it; `null` where it can be done. */
export const operatorFault = (action: OperatorAction, delivery: Operated): string | null => {
  const { status, orchestrationState, suppressionReason, queued } = delivery
  const state = suppressionReason === null ? status : `${status} (${suppressionReason})`
  switch (action) {
    case 'cancel':
      if (status === 'pending' || status === 'failed' || (status === 'dispatched' && !queued)) return null
      return `is ${state}: what has been handed over, or has ended, cannot be cancelled`
    case 'resume':
      if (status === 'pending' && orchestrationState !== 'ready') return null
      return `is ${status === 'pending' ? orchestrationState.replace('_', ' ') : state}: only one that is deferred, or held for a digest, can be resumed`
    case 'retry':
      if (!canRetry(delivery)) return `is ${state}: only one that failed, was cancelled or hangs can be tried again`
      if (delivery.eventCancelled) return 'belongs to an event that was cancelled'
      if (delivery.expired) return 'has expired'
      if (delivery.erased) return 'is for a recipient whose data has been erased'
      return delivery.secretsErased ? 'cannot be rendered any more: its secret fields have been erased' : null
  }
}
