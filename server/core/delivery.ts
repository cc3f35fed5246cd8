/*
 *   pending ──► dispatched ──► succeeded          while pending, it is
 *      │  ▲         │                             ready ⇄ deferred (until nextEligibleAt)
 *      │  └─ failed ◄┘ (another try is due)       ready ⇄ digest_held (until its bucket closes)
 *      ├──► suppressed   ├──► cancelled   └──► digested
 */

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
}

/** What a delivery waits for: `due`, `retry`, `provider`, or why it was deferred or held; `null` where it is terminal. */
export const waitingFor = ({ status, orchestrationState, planningReason }: Waiting): string | null => {
  if (isTerminal(status)) return null
  if (status === 'dispatched') return 'provider'
  if (orchestrationState === 'digest_held') return 'digest'
  if (orchestrationState === 'deferred') return planningReason
  return status === 'failed' ? 'retry' : 'due'
}
