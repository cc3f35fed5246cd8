import type { InboxKey } from '../core/cursor.ts'
import { idFault } from '../core/json-limits.ts'
import {
  type Found,
  findRecipient,
  MAX_DELIVERIES_EXPLAINED,
  MAX_EVENTS_LOOKED_AT,
  type SeenEvent,
} from '../core/recipient-finding.ts'
import { type RecipientDeliveriesRow, readRecipientDeliveries } from '../db/sql/read-recipient-deliveries.ts'
import { readRecipientEvents, type SeenEventRow } from '../db/sql/read-recipient-events.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'

/** Of whom and of what it is asked, and since when; since ever where `null`. */
export interface RecipientQuestion extends InboxKey {
  readonly notificationKey: string
  readonly since: Date | null
}

export interface ExplainedRecipient extends Found {
  readonly recipientId: string
  readonly notificationKey: string
  /** Newest first. */
  readonly deliveryIds: readonly string[]
}

const check = (name: 'recipientId' | 'notificationKey', value: string): void => {
  const fault = idFault(value, [name])
  if (fault) throw badInput(`${name} ${fault.message}`, fault.path)
}

const toSeenEvent = (row: SeenEventRow): SeenEvent => ({
  status: row.status as SeenEvent['status'],
  insertedAt: row.inserted_at,
  sendAt: row.send_at,
  ownAct: row.own_act,
  inAudience: row.in_audience,
  subscribed: row.subscribed,
  tries: row.tries,
  withoutChannel: row.without_channel,
  cutShort: row.cut_short,
})

/** Why a recipient got a notification, or did not: the deliveries there are, or why there are none. */
export const explainRecipient = async (
  { db, notifiers }: Pick<Capabilities, 'db' | 'notifiers'>,
  { tenantId, recipientId, notificationKey, since }: RecipientQuestion,
): Promise<ExplainedRecipient> => {
  check('recipientId', recipientId)
  check('notificationKey', notificationKey)
  const recipient = { tenantId, recipientId: recipientId.trim() }
  const asked = { notificationKey, since }
  // Deliveries after events: one that is planned in between is then seen as planned, and never as neither.
  const [events, [stored]] = await asTenant(db.tenant, tenantId, (tx) =>
    Promise.all([
      tx.query<SeenEventRow>(readRecipientEvents(recipient, { ...asked, limit: MAX_EVENTS_LOOKED_AT })),
      tx.query<RecipientDeliveriesRow>(
        readRecipientDeliveries(recipient, { ...asked, limit: MAX_DELIVERIES_EXPLAINED + 1 }),
      ),
    ]),
  )
  const deliveryIds = stored?.delivery_ids ?? []
  const found = findRecipient({
    ...asked,
    hasNotifier: notifiers.has(notificationKey),
    isKnown: stored?.known ?? false,
    deliveryCount: deliveryIds.length,
    events: events.map(toSeenEvent),
    prunedUpTo: stored?.pruned_up_to ?? null,
  })
  return {
    ...found,
    recipientId: recipient.recipientId,
    notificationKey,
    deliveryIds: deliveryIds.slice(0, MAX_DELIVERIES_EXPLAINED),
  }
}
