import { planningContextOf, statusAfter } from '../../core/decision.ts'
import { isCappedBy } from '../../core/delivery-cap.ts'
import { type DigestPlace, findPlace } from '../../core/digest-bucket.ts'
import { type Plan, plan } from '../../core/plan.ts'
import { isBareRecipient, mergeRecipient } from '../../core/recipient.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { NewDelivery, NewNotification } from '../../db/sql/write-plans.ts'
import { type DigestRows, type DigestSight, joinBucket, noDigestRows } from '../digests/accumulate.ts'
import { type MovingFacts, planFacts } from '../facts.ts'
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
}

export const newExpansion = (): Expansion => ({ notifications: [], deliveries: [], digests: noDigestRows() })

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

/**
 * Adds one recipient's notification and deliveries, with the decisions about them, to `rows`, and moves that
 * recipient's facts on, so that whatever is planned next in the same transaction sees them.
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
  const { recipientId, given } = prepared
  const { inbox } = facts
  const { newId, now } = planning
  if (!isBareRecipient(given)) facts.recipient = mergeRecipient(facts.recipient, given)
  const notificationId = newId()
  let arrival: { readonly content: unknown; readonly version: number } | null = null
  for (const channel of prepared.channels) {
    const place = placeOf(event, channel, facts, planning)
    const decided = decide(event, channel, { facts, planning, place })
    const { verdict, reason, nextEligibleAt, answers } = decided
    const waits = verdict === 'defer' || verdict === 'digest'
    const arrives = channel.channel === 'in_app' && verdict === 'pass' && channel.content !== null
    if (arrives) {
      inbox.version += 1
      inbox.arrivals += 1
      arrival = { content: channel.content, version: inbox.version }
    }
    inbox.position += 1
    const id = newId()
    const at = countsAt(event, decided, now)
    if (at) {
      for (const [index, cap] of facts.policy.caps.entries()) {
        if (isCappedBy(cap, { channel: channel.channel, category: event.category }))
          facts.counted[index]?.push({ id, at })
      }
    }
    if (verdict === 'digest' && place) {
      const member = { tenantId: event.tenantId, recipientId, deliveryId: id, position: inbox.position }
      joinBucket(rows.digests, member, { place, planning })
    }
    rows.deliveries.push({
      tenantId: event.tenantId,
      recipientId,
      id,
      notificationId,
      eventId: event.id,
      notificationKey: event.notificationKey,
      category: event.category,
      channel: channel.channel,
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
    })
  }
  rows.notifications.push({
    tenantId: event.tenantId,
    recipientId,
    id: notificationId,
    eventId: event.id,
    notificationKey: event.notificationKey,
    category: event.category,
    content: arrival?.content ?? null,
    arrivalVersion: arrival?.version ?? null,
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
