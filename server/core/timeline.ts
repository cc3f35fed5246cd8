import type { AttemptOutcome } from './delivery.ts'
import type { Checkpoint, RuleAnswer } from './plan.ts'

/** All that is stored of one delivery, as an explanation reads it. */
export interface Story {
  readonly event: { readonly insertedAt: Date; readonly notificationKey: string; readonly actorId: string | null }
  readonly notification: {
    readonly insertedAt: Date
    readonly recipientId: string
    readonly seenAt: Date | null
    readonly readAt: Date | null
    readonly archivedAt: Date | null
  }
  readonly delivery: { readonly insertedAt: Date; readonly channel: string }
  readonly attempts: readonly {
    readonly attemptNumber: number
    readonly outcome: AttemptOutcome
    readonly errorClass: string | null
    readonly adapter: string | null
    readonly reason: string | null
    readonly startedAt: Date | null
    readonly insertedAt: Date
  }[]
  readonly transitions: readonly {
    readonly event: string
    readonly reason: string | null
    readonly context: unknown
    readonly at: Date
  }[]
  readonly decisions: readonly {
    readonly checkpoint: Checkpoint
    readonly at: Date
    readonly answers: readonly RuleAnswer[]
  }[]
}

export interface TimelineEntry {
  readonly at: Date
  readonly event: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** Where instants are equal, cause comes before effect: the order in which these can follow each other. */
const ORDER = [
  'event_created',
  'notification_created',
  'delivery_planned',
  // Found by the claim after it: only then is it known that the worker of the one before had died.
  'attempt_unknown',
  'suppressed',
  'claimed',
  'attempt_recorded',
  'retry_scheduled',
  'cancelled',
  'event_cancelled',
  'notification_seen',
  'notification_read',
  'notification_archived',
]

const passes = (answers: readonly RuleAnswer[]): boolean => answers.every(({ verdict }) => verdict === 'pass')

const contextOf = (context: unknown): Record<string, unknown> =>
  typeof context === 'object' && context !== null ? (context as Record<string, unknown>) : {}

function* entriesOf({
  event,
  notification,
  delivery,
  attempts,
  transitions,
  decisions,
}: Story): Generator<TimelineEntry> {
  yield { at: event.insertedAt, event: 'event_created', detail: { notificationKey: event.notificationKey } }
  yield {
    at: notification.insertedAt,
    event: 'notification_created',
    detail: { recipientId: notification.recipientId },
  }
  yield { at: delivery.insertedAt, event: 'delivery_planned', detail: { channel: delivery.channel } }
  for (const { checkpoint, at, answers } of decisions) {
    const objection = answers.find(({ verdict }) => verdict === 'suppress')
    // What the perform checkpoint suppressed has a transition; what planning did is told by its decision alone.
    if (checkpoint === 'planning' && objection) {
      yield { at, event: 'suppressed', detail: { reason: objection.reason, rule: objection.rule, checkpoint } }
    }
    if (checkpoint === 'perform' && passes(answers)) yield { at, event: 'claimed', detail: { checkpoint } }
  }
  for (const { at, event, reason, context } of transitions) {
    yield { at, event, detail: { ...(reason && { reason }), ...contextOf(context) } }
  }
  for (const { attemptNumber, outcome, errorClass, adapter, reason, startedAt, insertedAt } of attempts) {
    const detail = { attemptNumber, outcome, adapter, ...(errorClass && { errorClass }), ...(reason && { reason }) }
    yield outcome === 'unknown'
      ? { at: insertedAt, event: 'attempt_unknown', detail: { ...detail, startedAt: startedAt?.toISOString() ?? null } }
      : { at: insertedAt, event: 'attempt_recorded', detail }
  }
  if (notification.seenAt) yield { at: notification.seenAt, event: 'notification_seen', detail: {} }
  if (notification.readAt) yield { at: notification.readAt, event: 'notification_read', detail: {} }
  if (notification.archivedAt) yield { at: notification.archivedAt, event: 'notification_archived', detail: {} }
}

/** What happened to a delivery, by instant, then by cause before effect. */
export const timelineOf = (story: Story): readonly TimelineEntry[] =>
  [...entriesOf(story)].sort(
    (a, b) => a.at.getTime() - b.at.getTime() || ORDER.indexOf(a.event) - ORDER.indexOf(b.event),
  )

/** At most `first` entries of a timeline: the oldest and the newest of it. */
export const endsOfTimeline = (timeline: readonly TimelineEntry[], first: number): readonly TimelineEntry[] => {
  if (timeline.length <= first) return timeline
  const oldest = Math.ceil(first / 2)
  return [...timeline.slice(0, oldest), ...timeline.slice(timeline.length - (first - oldest))]
}
