import { mergeRecipient } from '../../core/recipient.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import {
  type AudienceRow,
  advanceFanOut,
  checkFanOut,
  type FanOutStatusRow,
  readAudience,
} from '../../db/sql/fan-out.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { writePlans } from '../../db/sql/write-plans.ts'
import { createRuns } from '../../db/sql/write-runs.ts'
import { inTransaction } from '../../db/transaction.ts'
import { newId } from '../../ids.ts'
import type { GivenPayload } from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import { workflowOf } from '../../notifiers/workflow.ts'
import type { Capabilities } from '../capabilities.ts'
import { NO_DIGESTS, readDigests, writeDigests } from '../digests/accumulate.ts'
import { bookFacts, readFacts } from '../facts.ts'
import { channelsOf } from '../notifiers.ts'
import { tellOfPlanned } from '../planned.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { storedDefinition } from '../render-content.ts'
import { storedPayload } from '../stored-payload.ts'
import { expandFailedRecipient, expandRecipient, newExpansion, plannedEvent } from '../trigger/expand.ts'
import { asksForDigest, fallbackMsOf, type PreparedRecipient, prepareRecipient } from '../trigger/prepare.ts'

/** One chunk is one transaction: its duration is the worst wait of a single trigger to one of its recipients. */
const CHUNK = 200
/** The part of a lease that the notifier's code may use up: a chunk that outlives its lease is work for nothing. */
const PREPARING_PART_OF_LEASE = 1 / 3

/** A fan-out that is under way: who has claimed it, and what it is about. */
export interface FanOut {
  readonly claim: Claim
  readonly event: EventRow
  /** How often it was put off: this round is for those who have failed no oftener. */
  readonly round: number
  readonly leaseMs: number
  readonly known: KnownRecipients
}

/** The next of an audience with the notifier's code run for each: what is left is to decide and to write. */
export interface Chunk {
  readonly recipients: readonly PreparedRecipient[]
  /** Those whose notifier failed: to be tried again in a later round, or given up. */
  readonly failed: readonly string[]
  readonly givenUp: readonly string[]
  /** Whom the next chunk comes after; `null` where this is the last of the round. */
  readonly nextAfter: string | null
}

/** Reads the next of an audience, and asks the notifier about each. Writes nothing but missing inboxes. */
export const prepareChunk = async (
  capabilities: Capabilities,
  { event, round, leaseMs, known }: FanOut,
  after: string | null,
): Promise<Chunk> => {
  const key = { tenantId: event.tenant_id, id: event.id }
  // One more than is planned, to know whether there is another chunk.
  const { rows } = await capabilities.db.system.query<AudienceRow>(
    readAudience(key, { after, round, limit: CHUNK + 1 }),
  )
  const audience = rows.slice(0, CHUNK)
  const stored = await known.load(
    key.tenantId,
    audience.map((row) => row.recipient_id),
  )
  const recipients: PreparedRecipient[] = []
  const failed: string[] = []
  const givenUp: string[] = []
  let last: string | null = null
  let payload: GivenPayload | null = null
  const until = performance.now() + leaseMs * PREPARING_PART_OF_LEASE
  for (const { recipient_id: id, tries } of audience) {
    if (performance.now() > until) return { recipients, failed, givenUp, nextAfter: last }
    last = id
    try {
      const definition = storedDefinition(capabilities, event.notification_key)
      const recipient = mergeRecipient(stored.get(id), { id })
      payload ??= storedPayload(capabilities, definition, event)
      recipients.push(await prepareRecipient(capabilities, definition, { payload, recipient, given: { id } }))
    } catch (cause) {
      capabilities.telemetry.emit('notifier.failed', {
        tenantId: event.tenant_id,
        notificationKey: event.notification_key,
        error: cause as Error,
      })
      ;(tries + 1 >= capabilities.retry.attempts ? givenUp : failed).push(id)
    }
  }
  return { recipients, failed, givenUp, nextAfter: rows.length > CHUNK ? last : null }
}

/** Whether a channel is used by steps of a workflow alone that follow the first. */
const comesLater = (definition: AnyDefinition, channel: string): boolean => {
  const [first, ...others] = workflowOf(definition)?.steps ?? []
  return first?.channel !== channel && others.some((step) => step.channel === channel)
}

/** What those are recorded with whom the notifier's code failed for: every channel that it could have chosen. */
const possibleChannels = (definition: AnyDefinition | undefined) =>
  definition === undefined
    ? []
    : channelsOf(definition)
        .filter((channel) => !comesLater(definition, channel))
        .map((channel) => ({ channel, fallback: fallbackMsOf(definition, channel) !== null }))

/** Rolls a chunk back: its event was cancelled meanwhile, or its lease went to another worker. */
class ClaimLost extends Error {}

/** Decides about a chunk and writes it, in one transaction. Answers how many are left; `null` where the claim was lost. */
export const commitChunk = async (
  { db, clock, hints, telemetry, defaultTimeZone, notifiers }: Capabilities,
  { claim, event, known }: FanOut,
  chunk: Chunk,
): Promise<number | null> => {
  const key = { tenantId: event.tenant_id, id: event.id }
  const touched = [...chunk.recipients.map((one) => one.recipientId), ...chunk.givenUp]
  const inboxes = touched.map((recipientId) => ({ tenantId: key.tenantId, recipientId }))
  const left = await inTransaction(db.system, async (tx) => {
    const keys = inboxes.map((inbox) => ({ ...inbox, position: null }))
    const holds = chunk.recipients.some(asksForDigest)
    const [locked, [time], read, [fanOut], digests] = await Promise.all([
      tx.query<InboxRow>(lockInboxes(inboxes, { skipLocked: false })),
      tx.query<ClockRow>(readClock(clock.now())),
      readFacts(tx, keys),
      tx.query<FanOutStatusRow>(checkFanOut({ ...key, token: claim.token })),
      holds ? readDigests(tx, inboxes) : NO_DIGESTS,
    ])
    if (!fanOut) return null
    const { now } = time as ClockRow
    const facts = bookFacts(locked, { keys, facts: read })
    // An inbox that is not there any more is made anew for the next round.
    known.forget(inboxes.filter((inbox) => !facts.of(inbox)))
    const rows = newExpansion()
    const subject = plannedEvent(event)
    const planning = { now, defaultTimeZone, newId, digests }
    const factsOf = (recipientId: string) => facts.of({ tenantId: key.tenantId, recipientId })
    const planned = chunk.recipients.filter(({ recipientId }) => factsOf(recipientId))
    for (const prepared of planned) {
      const own = factsOf(prepared.recipientId)
      if (own) expandRecipient(rows, subject, { prepared, facts: own, planning })
    }
    const gaveUp = chunk.givenUp.filter((recipientId) => factsOf(recipientId))
    const channels = possibleChannels(notifiers.get(event.notification_key))
    for (const recipientId of gaveUp) {
      const own = factsOf(recipientId)
      if (own) expandFailedRecipient(rows, subject, { recipientId, channels, facts: own, newId })
    }
    const progress = {
      planned: [...planned.map(({ recipientId }) => recipientId), ...gaveUp],
      failed: chunk.failed,
      gaveUp: gaveUp.length,
    }
    // In this order, though none is waited for: the last one locks the event.
    const writes = [
      writePlans({ ...rows, events: [], inboxes: facts.advances() }, now),
      ...(rows.runs.length > 0 ? [createRuns(rows.runs, now)] : []),
      ...writeDigests(rows.digests, now),
    ].map((statement) => tx.query(statement))
    const [[advanced]] = await Promise.all([
      tx.query<{ remaining: number }>(advanceFanOut({ ...key, token: claim.token }, progress)),
      ...writes,
    ])
    if (!advanced) throw new ClaimLost()
    return { remaining: advanced.remaining, deliveries: rows.deliveries, runs: rows.runs }
  }).catch((error: unknown) => {
    if (error instanceof ClaimLost) return null
    throw error
  })
  if (left === null) return null
  hints.inboxesMoved(inboxes)
  hints.deliveriesChanged(left.deliveries)
  tellOfPlanned(telemetry, left)
  hints.workDue()
  return left.remaining
}
