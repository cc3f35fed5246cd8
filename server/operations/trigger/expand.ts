import { type Plan, plan } from '../../core/plan.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import type { NewDelivery, NewNotification } from '../../db/sql/write-plans.ts'
import type { RecipientFacts } from './facts.ts'
import type { PreparedChannel, PreparedRecipient } from './prepare.ts'

/** The event that recipients are planned for. */
export interface PlannedEvent {
  readonly tenantId: string
  readonly id: string
  readonly notificationKey: string
  readonly version: number
  readonly category: string | null
  readonly required: boolean
}

export const plannedEvent = (event: EventRow): PlannedEvent => ({
  tenantId: event.tenant_id,
  id: event.id,
  notificationKey: event.notification_key,
  version: event.notification_version,
  category: event.category,
  required: event.required,
})

/** The rows of one or more plans, gathered before one write. */
export interface Expansion {
  readonly notifications: NewNotification[]
  readonly deliveries: NewDelivery[]
}

const decide = (event: PlannedEvent, channel: PreparedChannel, { preferences }: RecipientFacts): Plan =>
  plan({
    checkpoint: 'planning',
    notificationKey: event.notificationKey,
    category: event.category,
    channel: channel.channel,
    required: event.required,
    preferences,
    needsAddress: channel.needsAddress,
    addressCount: channel.addressCount,
  })

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
    newId,
  }: { readonly prepared: PreparedRecipient; readonly facts: RecipientFacts; readonly newId: () => string },
): void => {
  const { recipientId } = prepared
  const { inbox } = facts
  const notificationId = newId()
  let arrival: { readonly content: unknown; readonly version: number } | null = null
  for (const channel of prepared.channels) {
    const { verdict, reason, answers } = decide(event, channel, facts)
    const arrives = channel.channel === 'in_app' && verdict === 'pass'
    if (arrives) {
      inbox.version += 1
      inbox.arrivals += 1
      arrival = { content: channel.content, version: inbox.version }
    }
    inbox.position += 1
    rows.deliveries.push({
      tenantId: event.tenantId,
      recipientId,
      id: newId(),
      notificationId,
      eventId: event.id,
      notificationKey: event.notificationKey,
      channel: channel.channel,
      status: arrives ? 'succeeded' : verdict === 'suppress' ? 'suppressed' : 'pending',
      suppressionReason: reason,
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
    readonly channels: readonly string[]
    readonly facts: RecipientFacts
    readonly newId: () => string
  },
): void => {
  const notificationId = newId()
  const subject = { tenantId: event.tenantId, recipientId, eventId: event.id, notificationKey: event.notificationKey }
  rows.notifications.push({
    ...subject,
    id: notificationId,
    category: event.category,
    content: null,
    arrivalVersion: null,
  })
  for (const channel of channels) {
    facts.inbox.position += 1
    rows.deliveries.push({
      ...subject,
      id: newId(),
      notificationId,
      channel,
      status: 'cancelled',
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
