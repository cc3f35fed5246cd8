import type { WorkflowOutcome } from './definition.ts'

/*
 *   active ──► waiting ──► active …        a step's delivery is under way │ a wait │ the next step's
 *      │          │
 *      └──────────┴──► completed │ stopped │ cancelled        for good: nothing moves it any more
 */

export const RUN_STATES = ['active', 'waiting', 'completed', 'stopped', 'cancelled'] as const
export type RunState = (typeof RUN_STATES)[number]

/** Why a run was moved. */
export const RUN_REASONS = [
  'workflow_started',
  'step_activated',
  'waiting_for_step_progression',
  'reactivated_from_wait',
  'signal_received',
  'progressed_on_delivery_outcome',
  'workflow_stopped',
  'workflow_completed',
  'render_missing',
  'cancelled_by_operator',
  'event_cancelled',
  'recipient_erased',
  'expired',
] as const
export type RunReason = (typeof RUN_REASONS)[number]

/** Why a run may be cancelled. */
export type CancelReason = 'cancelled_by_operator' | 'event_cancelled' | 'recipient_erased' | 'expired'

/** A signal that came while the run was not waiting for it: it ends the next wait that is for it. */
export interface HeardSignal {
  readonly name: string
  /** ISO 8601. */
  readonly at: string
  /** The stored signal's id; `null` for those from within. */
  readonly signalId: string | null
}

/** Where one notification stands in its workflow. */
export interface Run {
  readonly state: RunState
  readonly stepKey: string
  /** The present step's delivery; `null` until it is planned. */
  readonly deliveryId: string | null
  readonly statusReason: RunReason
  /** When the wait is over; set exactly while it waits. Whoever stores the run has it woken then. */
  readonly waitingUntil: Date | null
  /** What ends the wait early. */
  readonly waitingFor: readonly string[]
  /** The answers to the workflow's named questions, as they were at the trigger. */
  readonly conditions: Readonly<Record<string, boolean>>
  /** Oldest first. */
  readonly heard: readonly HeardSignal[]
  /** Signals from within that count once each, and have come. */
  readonly told: readonly string[]
}

/** What may happen to a run. */
export type RunEvent =
  | { readonly kind: 'started' }
  /** The step that was to be planned has a delivery. */
  | { readonly kind: 'planned'; readonly stepKey: string; readonly deliveryId: string }
  /** The step that was to be planned cannot be: the code that makes its content has gone. */
  | { readonly kind: 'unplannable'; readonly stepKey: string }
  /** A step's delivery has ended. */
  | {
      readonly kind: 'ended'
      readonly deliveryId: string
      readonly outcome: WorkflowOutcome
      readonly suppressionReason: string | null
    }
  | {
      readonly kind: 'signal'
      readonly name: string
      readonly signalId?: string | null
      /** From within: it counts once for each of these. */
      readonly once?: string
    }
  /** Its wait may be over. */
  | { readonly kind: 'wake' }
  | {
      readonly kind: 'cancelled'
      readonly reason: CancelReason
      /** Where it is by the end of a delivery: only while that is the present step's. */
      readonly deliveryId?: string
      readonly context?: Readonly<Record<string, unknown>>
    }

/** One move of a run: history. */
export interface RunTransition {
  readonly fromState: RunState | null
  readonly toState: RunState
  readonly stepKey: string
  readonly deliveryId: string | null
  readonly reason: RunReason
  readonly context: Readonly<Record<string, unknown>>
}

/** What is to be done about a move, in the transaction that stores it. */
export type RunEffect =
  | { readonly kind: 'record'; readonly transition: RunTransition }
  /** Plan this step's delivery, and say so with `planned` or `unplannable`. */
  | { readonly kind: 'plan'; readonly stepKey: string }

/** Whether nothing moves a run any more. */
export const isOver = ({ state }: Pick<Run, 'state'>): boolean => state !== 'active' && state !== 'waiting'
