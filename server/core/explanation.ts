import { type Checkpoint, type Result, type RuleAnswer, resultOf } from './decision.ts'
import type { AttemptOutcome, DeliveryStatus, OrchestrationState } from './delivery.ts'
import type { RunState } from './workflow/run.ts'

/** What the planner answered about one delivery, once, for an instant. */
export interface StoredDecision {
  readonly checkpoint: Checkpoint
  readonly at: Date
  /** Empty where nothing could be asked, because the notifier's own code had failed. */
  readonly answers: readonly RuleAnswer[]
}

/** A change that the row and its attempts do not show. */
export interface StoredTransition {
  readonly event: string
  readonly reason: string | null
  readonly context: unknown
  readonly at: Date
}

export interface StoredAttempt {
  readonly attemptNumber: number
  readonly outcome: AttemptOutcome
  readonly errorClass: string | null
  readonly adapter: string | null
  readonly providerMessageId: string | null
  readonly reason: string | null
  /** `call` or `feedback`. */
  readonly source: string
  readonly startedAt: Date | null
  readonly insertedAt: Date
}

/** What a digest has to do with a delivery: it is held for one, was, or is one. */
export interface StoryDigest {
  readonly outcome: 'held' | 'included' | 'skipped' | 'emitted_immediately' | 'emitted_digest'
  readonly ruleIdentity: string
  readonly windowStartsAt: Date
  readonly windowEndsAt: Date
  /** When its bucket was closed. */
  readonly closedAt: Date | null
  /** The bucket itself. */
  readonly bucketId: string
  /** The digest's delivery, where there is one. */
  readonly digestDeliveryId: string | null
  readonly resolutionReason: string | null
  /** Of the digest itself, in order, the first 100. */
  readonly members: readonly {
    readonly id: string
    readonly notificationKey: string
    readonly resolution: string | null
    readonly reason: string | null
  }[]
  /** Of the digest itself: how many there are in all. */
  readonly memberCount: number
}

/** A move of the run of a delivery's notification. */
export interface StoredMove {
  readonly toState: RunState
  /** The step that it had come to before. */
  readonly stepKey: string | null
  readonly reason: string
  readonly context: unknown
  readonly at: Date
}

/** The run of a delivery's notification, and what of it concerns the delivery. */
export interface StoredRun {
  readonly id: string
  readonly workflowKey: string
  readonly state: RunState
  readonly stepKey: string
  readonly waitingUntil: Date | null
  readonly waitingFor: readonly string[]
  /** Oldest first. */
  readonly moves: readonly StoredMove[]
}

/** All that is stored of one delivery and its cause: an explanation tells it, and works nothing out anew. */
export interface Story {
  readonly event: { readonly insertedAt: Date }
  readonly notification: {
    readonly insertedAt: Date
    readonly recipientId: string
    readonly seenAt: Date | null
    readonly readAt: Date | null
    readonly archivedAt: Date | null
    /** When it was taken out of the inbox for its age. */
    readonly prunedAt: Date | null
    /** When its recipient's data was erased. */
    readonly erasedAt: Date | null
  }
  readonly delivery: {
    readonly insertedAt: Date
    readonly notificationKey: string
    /** The notifier's category when it was triggered. */
    readonly category: string | null
    readonly channel: string
    /** The workflow step that it is for; '' where it is for none. */
    readonly stepKey: string
    readonly status: DeliveryStatus
    readonly orchestrationState: OrchestrationState
    readonly planningReason: string | null
    readonly suppressionReason: string | null
    readonly nextEligibleAt: Date | null
    readonly nextAttemptAt: Date | null
    /** Why nobody was called in its latest try, where that is so. */
    readonly putOffBy: string | null
  }
  readonly digest: StoryDigest | null
  /** `null` where its notification goes through no workflow. */
  readonly run: StoredRun | null
  /** By number. */
  readonly attempts: readonly StoredAttempt[]
  /** The oldest first, as the decisions are. */
  readonly transitions: readonly StoredTransition[]
  readonly decisions: readonly StoredDecision[]
}

/** A transition's context as it was written; empty where it was not an object. */
export const contextOf = ({ context }: StoredTransition): Readonly<Record<string, unknown>> =>
  typeof context === 'object' && context !== null ? (context as Record<string, unknown>) : {}

/** Why the planner would have to have stopped a delivery for it to be as it is; `null` where it is no work of the planner's. */
const reasonToStand = ({ status, orchestrationState, planningReason, suppressionReason }: Story['delivery']) => {
  if (status === 'pending') return orchestrationState === 'ready' ? null : planningReason
  if (status === 'suppressed') return suppressionReason
  return status === 'cancelled' && suppressionReason === 'expired' ? suppressionReason : null
}

/** The decision that a delivery stands still by, with what its answers came to; `null` where it goes on, or was stopped by anything but the planner. */
export const stoppedBy = ({
  delivery,
  decisions,
}: Pick<Story, 'delivery' | 'decisions'>): { readonly decision: StoredDecision; readonly result: Result } | null => {
  const reason = reasonToStand(delivery)
  const decision = decisions.findLast(({ answers }) => resultOf(answers).verdict !== 'pass')
  if (reason === null || !decision) return null
  const result = resultOf(decision.answers)
  return result.reason === reason ? { decision, result } : null
}

/** How a delivery that was put off went on, latest; `null` where none did. */
export const resumptionOf = ({
  transitions,
}: Pick<Story, 'transitions'>): {
  /** `schedule` or `operator`. */
  readonly source: string | null
  /** When it would have gone on by itself. */
  readonly scheduledAt: Date | null
  readonly at: Date
} | null => {
  const resumed = transitions.findLast(({ event }) => event === 'resumed')
  if (!resumed) return null
  const { source, scheduledAt } = contextOf(resumed)
  return {
    source: typeof source === 'string' ? source : null,
    scheduledAt: typeof scheduledAt === 'string' ? new Date(scheduledAt) : null,
    at: resumed.at,
  }
}
