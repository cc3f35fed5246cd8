import { idFault } from '../core/json-limits.ts'
import { addSubscriptions, removeSubscriptions } from '../db/sql/change-subscriptions.ts'
import { ensureTopic, type LockedTopicRow, lockTopic, type TopicKey } from '../db/sql/lock-topic.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { ensureRecipients } from '../db/sql/upsert-recipients.ts'
import { asTenant, type Transaction } from '../db/transaction.ts'
import { badInput, CarillonError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Capabilities } from './capabilities.ts'

/** How many recipients one call may subscribe or unsubscribe. */
const MAX_RECIPIENTS = 1_000

/** Who is to be subscribed to what, or no longer. */
export interface SubscriptionRequest {
  readonly tenantId: string
  readonly topicKey: string
  readonly recipientIds: readonly string[]
}

const checked = ({ tenantId, topicKey, recipientIds }: SubscriptionRequest) => {
  const path = ['input', 'recipientIds']
  const keyFault = idFault(topicKey, ['input', 'topicKey'])
  if (keyFault) throw badInput(`topicKey ${keyFault.message}`, keyFault.path)
  if (recipientIds.length > MAX_RECIPIENTS) {
    throw badInput(`recipientIds holds more than ${MAX_RECIPIENTS}; give the others in a further call`, path)
  }
  for (const [index, id] of recipientIds.entries()) {
    const fault = idFault(id, [...path, index])
    if (fault) throw badInput(`recipientIds.${index} ${fault.message}`, fault.path)
  }
  return {
    topic: { tenantId, key: topicKey.trim() },
    recipientIds: [...new Set(recipientIds.map((id) => id.trim()))],
  }
}

/** Locks a topic until the transaction ends, and makes it where it is missing. */
const lockOneTopic = async (tx: Transaction, topic: TopicKey, now: Date | null): Promise<string> => {
  const [row] = await tx.query<LockedTopicRow>(lockTopic(topic))
  if (row) return row.id
  await tx.query(ensureTopic(topic, newId(), now))
  return lockOneTopic(tx, topic, now)
}

/** Subscribes recipients to a topic, and makes both where they are missing. Who is subscribed already stays so. Answers the topic's id. */
export const subscribeToTopic = async ({ db, clock }: Capabilities, request: SubscriptionRequest): Promise<string> => {
  const { topic, recipientIds } = checked(request)
  const { tenantId } = topic
  return asTenant(db.tenant, tenantId, async (tx) => {
    const id = await lockOneTopic(tx, topic, clock.now())
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    const recipients = recipientIds.map((recipientId) => ({ tenantId, given: { id: recipientId } }))
    await tx.commitWith([ensureRecipients(recipients, now), addSubscriptions({ tenantId, id }, recipientIds, now)])
    return id
  })
}

/** Ends recipients' subscriptions to a topic. Who has none is passed over; the topic stays. Answers the topic's id. */
export const unsubscribeFromTopic = async ({ db }: Capabilities, request: SubscriptionRequest): Promise<string> => {
  const { topic, recipientIds } = checked(request)
  return asTenant(db.tenant, topic.tenantId, async (tx) => {
    const [row] = await tx.query<LockedTopicRow>(lockTopic(topic))
    if (!row) throw new CarillonError('NOT_FOUND', 'There is no such topic', { path: ['input', 'topicKey'] })
    await tx.commitWith([removeSubscriptions({ tenantId: topic.tenantId, id: row.id }, recipientIds)])
    return row.id
  })
}
