import { planningContextOf, statusAfter } from '../../core/decision.ts'
import type { DeliveryStatus } from '../../core/delivery.ts'
import { isCappedBy } from '../../core/delivery-cap.ts'
import { type DigestPlace, findPlace } from '../../core/digest-bucket.ts'
import { type Plan, plan } from '../../core/plan.ts'
import type { ReasonCode } from '../../core/reasons.ts'
import { isBareRecipient, mergeRecipient } from '../../core/recipient.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { NewDelivery, NewNotification } from '../../db/sql/write-plans.ts'
import type { NewRun } from '../../db/sql/write-runs.ts'
import { type DigestRows, type DigestSight, joinBucket, noDigestRows } from '../digests/accumulate.ts'
import { type MovingFacts, planFacts } from '../facts.ts'
import { beginRun } from '../workflows/begin.ts'
import type { PreparedChannel, PreparedRecipient } from './prepare.ts'

/** The event that recipients are planned for. */
export interface PlannedEvent {
  readonly tenantId: string
  readonly id: string
  readonly notificationKey: string
  readonly version: number
  readonly category: string | null
  readonly required: boolean
  readonly urgent: boolean
  readonly expiresAt: Date | null
}

export const plannedEvent = (event: EventRow): PlannedEvent => ({
  tenantId: event.tenant_id,
  id: event.id,
  notificationKey: event.notification_key,
  version: event.notification_version,
  category: event.category,
  required: event.required,
  urgent: event.urgent,
  expiresAt: event.expires_at,
})

/** The rows of one or more plans, gathered before one write. */
export interface Expansion {
  readonly notifications: NewNotification[]
  readonly deliveries: NewDelivery[]
  readonly digests: DigestRows
  readonly runs: NewRun[]
}

export const newExpansion = (): Expansion => ({ notifications: [], deliveries: [], digests: noDigestRows(), runs: [] })

/** What stays the same for all that is planned in one transaction. */
export interface Planning {
  /** The instant that is decided for. */
  readonly now: Date
  /** The configured zone of quiet hours, for recipients without one. */
  readonly defaultTimeZone: string | null
  readonly newId: () => string
  readonly digests: DigestSight
}

/** Where a delivery that asks for a digest would be held; `null` where no rule holds it. */
const placeOf = (
  { tenantId, notificationKey, category }: PlannedEvent,
  { channel, digest }: PreparedChannel,
  { recipient }: MovingFacts,
  { digests, now, defaultTimeZone }: Planning,
): DigestPlace | null =>
  digest &&
  findPlace(
    { channel, notificationKey, category, digestKey: digest.key },
    {
      rules: digests.rulesOf(tenantId),
      buckets: digests.bucketsOf({ tenantId, recipientId: recipient.id }),
      recipientZone: recipient.timeZone ?? defaultTimeZone ?? 'UTC',
      now,
    },
  )

const decide = (
  event: PlannedEvent,
  channel: PreparedChannel,
  {
    facts,
    planning,
    place,
  }: { readonly facts: MovingFacts; readonly planning: Planning; readonly place: DigestPlace | null },
): Plan =>
  plan(
    planFacts(event, facts, {
      checkpoint: 'planning',
      channel: channel.channel,
      needsAddress: channel.needsAddress,
      fallback: channel.fallbackMs === null ? null : { until: new Date(planning.now.getTime() + channel.fallbackMs) },
      released: false,
      read: false,
      digest: channel.digest && (place?.match ?? 'no_rule'),
      defaultTimeZone: planning.defaultTimeZone,
    }),
    planning.now,
  )

const ORCHESTRATION_OF = { defer: 'deferred', digest: 'digest_held' } as const

/** When a delivery counts toward caps: those of required notifiers, and what is not to be sent, never do. */
const countsAt = (event: PlannedEvent, { verdict, nextEligibleAt }: Plan, now: Date): Date | null => {
  if (event.required) return null
  if (verdict === 'pass') return now
  return verdict === 'defer' ? nextEligibleAt : null
}

/** Whose delivery is planned, for what, and from which facts. */
export interface DeliveryPlanning {
  readonly notificationId: string
  readonly recipientId: string
  /** The workflow step that it is for; '' where it is for none. */
  readonly stepKey: string
  /** Whether its notification goes through a workflow. */
  readonly inRun: boolean
  readonly facts: MovingFacts
  readonly planning: Planning
}

/** A delivery as it was added to the rows. */
export interface PlannedDelivery {
  readonly id: string
  readonly status: DeliveryStatus
  readonly suppressionReason: string | null
  /** What comes into the inbox with it; `null` where nothing does. */
  readonly arrival: { readonly content: unknown; readonly version: number } | null
}

/**
 * Decides about one delivery and adds it, with the decision, to `rows`. An in-app one that has its content and may pass
 * has arrived; one whose content is yet to be made is due at once.
 */
export const planDelivery = (
  rows: Expansion,
  event: PlannedEvent,
  { channel, ...place }: DeliveryPlanning & { readonly channel: PreparedChannel },
): PlannedDelivery => {
  const { facts, planning, recipientId } = place
  const { inbox } = facts
  const { newId, now } = planning
  const held = placeOf(event, channel, facts, planning)
  const decided = decide(event, channel, { facts, planning, place: held })
  const { verdict, reason, nextEligibleAt, answers } = decided
  const waits = verdict === 'defer' || verdict === 'digest'
  const arrives = channel.channel === 'in_app' && verdict === 'pass' && channel.content !== null
  if (arrives) inbox.version += 1
  inbox.position += 1
  const id = newId()
  const at = countsAt(event, decided, now)
  if (at) {
    for (const [index, cap] of facts.policy.caps.entries()) {
      if (isCappedBy(cap, { channel: channel.channel, category: event.category }))
        facts.counted[index]?.push({ id, at })
    }
  }
  if (verdict === 'digest' && held) {
    const member = { tenantId: event.tenantId, recipientId, deliveryId: id, position: inbox.position }
    joinBucket(rows.digests, member, { place: held, planning })
  }
  const delivery: NewDelivery = {
    tenantId: event.tenantId,
    recipientId,
    id,
    notificationId: place.notificationId,
    eventId: event.id,
    notificationKey: event.notificationKey,
    category: event.category,
    channel: channel.channel,
    stepKey: place.stepKey,
    inRun: place.inRun,
    status: arrives ? 'succeeded' : statusAfter('planning', verdict),
    orchestrationState: waits ? ORCHESTRATION_OF[verdict] : 'ready',
    planningReason: waits ? reason : null,
    planningContext: waits ? planningContextOf(decided) : null,
    nextEligibleAt,
    expiresAt: event.expiresAt,
    countsAt: at,
    fallback: channel.fallbackMs !== null,
    suppressionReason: verdict === 'suppress' || verdict === 'cancel' ? reason : null,
    renderKey: channel.renderKey,
    renderVersion: channel.renderVersion,
    position: inbox.position,
    decisionId: newId(),
    answers,
    attemptId: arrives ? newId() : null,
  }
  rows.deliveries.push(delivery)
  const arrival = arrives ? { content: channel.content, version: inbox.version } : null
  return { id, status: delivery.status, suppressionReason: delivery.suppressionReason, arrival }
}

/** Adds a delivery that is not sent whatever the rules say, and says why. */
export const skipDelivery = (
  rows: Expansion,
  event: PlannedEvent,
  {
    channel,
    reason,
    facts,
    planning,
    ...place
  }: DeliveryPlanning & { readonly channel: string; readonly reason: ReasonCode },
): PlannedDelivery => {
  facts.inbox.position += 1
  const id = planning.newId()
  rows.deliveries.push({
    ...place,
    tenantId: event.tenantId,
    id,
    eventId: event.id,
    notificationKey: event.notificationKey,
    category: event.category,
    channel,
    status: 'suppressed',
    orchestrationState: 'ready',
    planningReason: null,
    planningContext: null,
    nextEligibleAt: null,
    expiresAt: event.expiresAt,
    countsAt: null,
    fallback: false,
    suppressionReason: reason,
    renderKey: `${event.notificationKey}.${channel}`,
    renderVersion: event.version,
    position: facts.inbox.position,
    decisionId: planning.newId(),
    answers: [{ rule: 'channel_selection', verdict: 'suppress', reason, facts: {} }],
    attemptId: null,
  })
  return { id, status: 'suppressed', suppressionReason: reason, arrival: null }
}

/**
 * Adds one recipient's notification and deliveries, with the decisions about them, and its workflow's run to `rows`, and
 * moves that recipient's facts on, so that whatever is planned next in the same transaction sees them.
 */
export const expandRecipient = (
  rows: Expansion,
  event: PlannedEvent,
  {
    prepared,
    facts,
    planning,
  }: { readonly prepared: PreparedRecipient; readonly facts: MovingFacts; readonly planning: Planning },
): void => {
  const { recipientId, given, workflow } = prepared
  const notificationId = planning.newId()
  if (!isBareRecipient(given)) facts.recipient = mergeRecipient(facts.recipient, given)
  let arrival: PlannedDelivery['arrival'] = null
  const add = (channel: PreparedChannel, stepKey = ''): PlannedDelivery => {
    const place = { notificationId, recipientId, stepKey, inRun: workflow !== null, facts, planning }
    const planned = planDelivery(rows, event, { ...place, channel })
    arrival = planned.arrival ?? arrival
    return planned
  }
  const skip = (channel: string, stepKey: string): PlannedDelivery => {
    const place = { notificationId, recipientId, stepKey, inRun: true, facts, planning }
    return skipDelivery(rows, event, { ...place, channel, reason: 'channel_not_selected' })
  }
  if (workflow) {
    const subject = { event, notificationId, recipientId, others: prepared.channels, planning }
    rows.runs.push(beginRun(workflow, { ...subject, add, skip }))
  } else for (const channel of prepared.channels) add(channel)
  const { content = null, version = null } = (arrival as PlannedDelivery['arrival']) ?? {}
  if (version !== null) facts.inbox.arrivals += 1
  rows.notifications.push({
    tenantId: event.tenantId,
    recipientId,
    id: notificationId,
    eventId: event.id,
    notificationKey: event.notificationKey,
    category: event.category,
    content,
    arrivalVersion: version,
  })
}

/** Adds a recipient whom the notifier's own code failed for, time and again: its deliveries are cancelled, and say why. */
export const expandFailedRecipient = (
  rows: Expansion,
  event: PlannedEvent,
  {
    recipientId,
    channels,
    facts,
    newId,
  }: {
    readonly recipientId: string
    readonly channels: readonly { readonly channel: string; readonly fallback: boolean }[]
    readonly facts: MovingFacts
    readonly newId: () => string
  },
): void => {
  const notificationId = newId()
  const subject = {
    tenantId: event.tenantId,
    recipientId,
    eventId: event.id,
    notificationKey: event.notificationKey,
    category: event.category,
  }
  rows.notifications.push({ ...subject, id: notificationId, content: null, arrivalVersion: null })
  for (const { channel, fallback } of channels) {
    facts.inbox.position += 1
    rows.deliveries.push({
      ...subject,
      id: newId(),
      notificationId,
      channel,
      stepKey: '',
      inRun: false,
      status: 'cancelled',
      orchestrationState: 'ready',
      planningReason: null,
      planningContext: null,
      nextEligibleAt: null,
      expiresAt: event.expiresAt,
      countsAt: null,
      fallback,
      suppressionReason: 'planning_failed',
      renderKey: `${event.notificationKey}.${channel}`,
      renderVersion: event.version,
      position: facts.inbox.position,
      decisionId: newId(),
      answers: [],
      attemptId: null,
    })
  }
}
