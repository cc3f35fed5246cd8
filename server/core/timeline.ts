import { planningContextOf, type Result, resultOf } from './decision.ts'
import { contextOf, type StoredAttempt, type StoredDecision, type StoredTransition, type Story } from './explanation.ts'
import { reportedBy } from './feedback.ts'
import { runEntries } from './run-timeline.ts'
import { inOrder } from './timeline-order.ts'

export interface TimelineEntry {
  readonly at: Date
  readonly event: string
  readonly detail: Readonly<Record<string, unknown>>
}

const deferralDetail = (result: Result): TimelineEntry['detail'] => ({
  reason: result.reason,
  ...(typeof result.decidedBy?.facts['timeZone'] === 'string' && { timeZone: result.decidedBy.facts['timeZone'] }),
  ruleIdentity: result.decidedBy?.rule,
  nextEligibleAt: result.nextEligibleAt?.toISOString() ?? null,
  planningContext: planningContextOf(result),
})

/** What planning decided has no transition beside it, so that a delivery costs no row more: its decision alone tells of it. */
const plannedEntry = ({ at, answers }: StoredDecision): TimelineEntry | null => {
  if (answers.length === 0)
    return { at, event: 'cancelled', detail: { reason: 'planning_failed', checkpoint: 'planning' } }
  const result = resultOf(answers)
  const detail = { reason: result.reason, rule: result.decidedBy?.rule, checkpoint: 'planning' }
  switch (result.verdict) {
    case 'pass':
      return null
    case 'digest':
      return { at, event: 'digest_held', detail: { reason: result.reason, ...result.decidedBy?.facts } }
    case 'defer':
      return { at, event: 'deferred', detail: { ...deferralDetail(result), checkpoint: 'planning' } }
    case 'suppress':
      return { at, event: 'suppressed', detail }
    case 'cancel':
      return { at, event: result.reason === 'expired' ? 'expired' : 'cancelled', detail }
  }
}

function* decisionEntries({ delivery, decisions }: Story): Generator<TimelineEntry> {
  for (const decision of decisions) {
    const { checkpoint, at, answers } = decision
    if (checkpoint === 'planning') {
      const entry = plannedEntry(decision)
      if (entry) yield entry
      // What goes into a digest is let through too, and handed to nobody.
    } else if (resultOf(answers).verdict === 'pass' && delivery.status !== 'digested')
      yield { at, event: 'claimed', detail: { checkpoint } }
  }
}

/** What the perform checkpoint put off is told with what its decision saw, like what planning did. */
const deferredAgain = ({ at }: StoredTransition, decisions: readonly StoredDecision[]): TimelineEntry['detail'] => {
  const decided = decisions
    .filter((decision) => decision.checkpoint === 'perform' && decision.at.getTime() === at.getTime())
    .map(({ answers }) => resultOf(answers))
    .find(({ verdict }) => verdict === 'defer')
  return decided ? deferralDetail(decided) : {}
}

const transitionEntry = (transition: StoredTransition, decisions: readonly StoredDecision[]): TimelineEntry => {
  const { at, event, reason } = transition
  return {
    at,
    event,
    detail: {
      ...(event === 'deferred' && deferredAgain(transition, decisions)),
      ...(reason && { reason }),
      ...contextOf(transition),
    },
  }
}

const attemptEntry = (attempt: StoredAttempt): TimelineEntry => {
  const { attemptNumber, outcome, adapter, errorClass, reason, source, startedAt, insertedAt: at } = attempt
  if (source === 'feedback') {
    const { providerMessageId } = attempt
    return {
      at,
      event: 'webhook_received',
      detail: { outcome, status: reportedBy(outcome), adapter, providerMessageId },
    }
  }
  const detail = {
    attemptNumber,
    outcome,
    adapter,
    ...(errorClass && { errorClass }),
    ...(reason && { reason }),
  }
  return outcome === 'unknown'
    ? { at, event: 'attempt_unknown', detail: { ...detail, startedAt: startedAt?.toISOString() ?? null } }
    : { at, event: 'attempt_recorded', detail }
}

function* entriesOf(story: Story): Generator<TimelineEntry> {
  const { event, notification, delivery, attempts, transitions, decisions } = story
  const { recipientId, seenAt, readAt, archivedAt, prunedAt, erasedAt } = notification
  const { notificationKey, channel, stepKey } = delivery
  yield { at: event.insertedAt, event: 'event_created', detail: { notificationKey } }
  yield { at: notification.insertedAt, event: 'notification_created', detail: { recipientId } }
  yield { at: delivery.insertedAt, event: 'delivery_planned', detail: { channel, ...(stepKey !== '' && { stepKey }) } }
  yield* decisionEntries(story)
  for (const transition of transitions) yield transitionEntry(transition, decisions)
  for (const attempt of attempts) yield attemptEntry(attempt)
  if (seenAt) yield { at: seenAt, event: 'notification_seen', detail: {} }
  if (readAt) yield { at: readAt, event: 'notification_read', detail: {} }
  if (archivedAt) yield { at: archivedAt, event: 'notification_archived', detail: {} }
  if (prunedAt) yield { at: prunedAt, event: 'notification_pruned', detail: {} }
  if (erasedAt) yield { at: erasedAt, event: 'recipient_erased', detail: {} }
  yield* runEntries(story)
}

/** What happened to a delivery, by instant, then by cause before effect. */
export const timelineOf = (story: Story): readonly TimelineEntry[] => inOrder([...entriesOf(story)])

/** At most `first` entries of a timeline: the oldest and the newest of it. */
export const endsOfTimeline = (timeline: readonly TimelineEntry[], first: number): readonly TimelineEntry[] => {
  if (timeline.length <= first) return timeline
  const oldest = Math.ceil(first / 2)
  return [...timeline.slice(0, oldest), ...timeline.slice(timeline.length - (first - oldest))]
}
