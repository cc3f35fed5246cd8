import { type Result, type RuleAnswer, readAnswers, resultOf, storedAnswers } from '../core/decision.ts'
import { normaliseRecipients, type Recipient } from '../core/recipient.ts'
import type { Occurrence } from '../core/trigger-request.ts'
import { countTopicAudience } from '../db/sql/count-topic-audience.ts'
import { type AsStoredRow, readAsStored } from '../db/sql/read-as-stored.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { readTopicAudience, type SubscriberRow } from '../db/sql/read-topic-audience.ts'
import { readAsTenant, type Transaction } from '../db/transaction.ts'
import type { InputPath } from '../errors.ts'
import { newId } from '../ids.ts'
import type { AnyDefinition } from '../notifiers/notifier.ts'
import type { Capabilities } from './capabilities.ts'
import { type DigestSight, readDigests } from './digests/accumulate.ts'
import { bookFacts, type FactBook, readFacts } from './facts.ts'
import { expandRecipient, newExpansion, type PlannedEvent, type Planning } from './trigger/expand.ts'
import { type CheckedTrigger, checkTrigger, prepareFor } from './trigger/prepare.ts'

/** For how many recipients a simulation says what would happen; the others are counted. */
const MAX_SIMULATED = 100

/** What would become of one channel of one recipient when it is planned. */
export interface SimulatedDelivery extends Result {
  readonly channel: string
  /** The workflow step that it would be for; `null` where it would be for none. */
  readonly stepKey: string | null
  /** What every rule would say, as it would be read back once it had been stored. */
  readonly answers: readonly RuleAnswer[]
}

export interface SimulatedRecipient {
  readonly recipientId: string
  readonly deliveries: readonly SimulatedDelivery[]
}

export interface Simulation {
  /** The instant that was decided for. */
  readonly at: Date
  /** In order of id, the first 100. */
  readonly recipients: readonly SimulatedRecipient[]
  /** How many there are in all. */
  readonly recipientCount: number
}

interface Audience {
  readonly simulated: readonly Recipient[]
  readonly count: number
}

/** The first of those who are named or subscribed, each once, in order of id, and how many they all are. */
const readAudience = async (
  tx: Transaction,
  tenantId: string,
  { named, topics, actorId }: CheckedTrigger,
): Promise<Audience> => {
  if (topics.length === 0) return { simulated: named.slice(0, MAX_SIMULATED), count: named.length }
  const ids = named.map(({ id }) => id)
  const [subscribers, [others]] = await Promise.all([
    tx.query<SubscriberRow>(readTopicAudience(tenantId, { topics, actorId, limit: MAX_SIMULATED })),
    tx.query<{ count: number }>(countTopicAudience(tenantId, { topics, actorId, named: ids })),
  ])
  const all = normaliseRecipients([...named, ...subscribers.map((row) => ({ id: row.recipient_id }))], actorId)
  return { simulated: all.slice(0, MAX_SIMULATED), count: named.length + (others?.count ?? 0) }
}

interface Sight extends Audience {
  readonly now: Date
  readonly facts: FactBook
  readonly digests: DigestSight
}

/** Reads all that a trigger would read under its locks; nobody waits for a simulation, and it waits for nobody. */
const look = (
  { db }: Capabilities,
  checked: CheckedTrigger,
  { tenantId, at }: { readonly tenantId: string; readonly at: Date | null },
): Promise<Sight> =>
  readAsTenant(db.tenant, tenantId, async (tx) => {
    const [[clock], audience] = await Promise.all([
      tx.query<ClockRow>(readClock(at)),
      readAudience(tx, tenantId, checked),
    ])
    const { now } = clock as ClockRow
    const keys = audience.simulated.map(({ id }) => ({ tenantId, recipientId: id, position: null }))
    // Whoever has no inbox yet would get one; where it stands decides nothing.
    const inboxes = keys.map((key) => ({
      tenant_id: key.tenantId,
      recipient_id: key.recipientId,
      version: 0,
      position: 0,
    }))
    const [facts, digests] = await Promise.all([readFacts(tx, keys, { live: false }), readDigests(tx, keys)])
    return { ...audience, now, facts: bookFacts(inboxes, { keys, facts }), digests }
  })

const eventOf = (definition: AnyDefinition, tenantId: string): PlannedEvent => ({
  tenantId,
  id: newId(),
  notificationKey: definition.key,
  version: definition.version,
  category: definition.category ?? null,
  required: definition.required ?? false,
  urgent: definition.urgent ?? false,
  expiresAt: null,
})

interface Deciding {
  readonly tenantId: string
  readonly checked: CheckedTrigger
  readonly sight: Sight
}

/** Runs the notifier's code for each recipient, and asks what the trigger asks about what comes of it. */
const decide = async (
  capabilities: Capabilities,
  { tenantId, checked, sight }: Deciding,
): Promise<readonly SimulatedRecipient[]> => {
  const { payload } = checked
  const { now, digests } = sight
  const planning: Planning = { now, defaultTimeZone: capabilities.defaultTimeZone, newId, digests }
  const event = eventOf(checked.definition, tenantId)
  const recipients: SimulatedRecipient[] = []
  for (const given of sight.simulated) {
    const facts = sight.facts.of({ tenantId, recipientId: given.id })
    if (!facts) continue
    const stored = facts.recipient
    const prepared = await prepareFor(capabilities, checked, { tenantId, payload, given, stored })
    const rows = newExpansion()
    expandRecipient(rows, event, { prepared, facts, planning })
    const deliveries = rows.deliveries.map(({ channel, stepKey, answers }) => ({
      channel,
      stepKey: stepKey || null,
      answers,
      ...resultOf(answers),
    }))
    recipients.push({ recipientId: given.id, deliveries })
  }
  return recipients
}

/** Gives the answers the form that an explanation reads them back in, down to the order of names. */
const asExplained = async (
  { db }: Capabilities,
  recipients: readonly SimulatedRecipient[],
): Promise<readonly SimulatedRecipient[]> => {
  const deliveries = recipients.flatMap((recipient) => recipient.deliveries)
  if (deliveries.length === 0) return recipients
  const { rows } = await db.tenant.query<AsStoredRow>(
    readAsStored(deliveries.map(({ answers }) => storedAnswers(answers))),
  )
  const stored = new Map(deliveries.map((delivery, index) => [delivery, readAnswers(rows[index]?.value)]))
  return recipients.map((recipient) => ({
    ...recipient,
    deliveries: recipient.deliveries.map((delivery) => ({ ...delivery, answers: stored.get(delivery) ?? [] })),
  }))
}

/**
 * What a trigger of this would decide at an instant, by default now: the same checks, the same code of the host's and
 * the same planner, on facts read in one transaction that cannot write. Details that are given are used, not stored. A
 * notifier that fails for one of the recipients fails the whole. Errors name `path`.
 */
export const simulateTrigger = async (
  capabilities: Capabilities,
  {
    tenantId,
    request,
    path,
    at,
  }: {
    readonly tenantId: string
    readonly request: Occurrence
    readonly path: InputPath
    readonly at?: Date | null
  },
): Promise<Simulation> => {
  const checked = await checkTrigger(capabilities, { tenantId, request, path })
  const sight = await look(capabilities, checked, { tenantId, at: at ?? capabilities.clock.now() })
  const recipients = await decide(capabilities, { tenantId, checked, sight })
  return { at: sight.now, recipients: await asExplained(capabilities, recipients), recipientCount: sight.count }
}
