import { setImmediate as nextTurn } from 'node:timers/promises'
import { mergeRecipient, type Recipient } from '../core/recipient.ts'
import { DEFAULT_RETRY, retryDelayMs } from '../core/retry.ts'
import { type Claim, releaseDue } from '../db/sql/claim-due.ts'
import {
  type AudienceRow,
  advanceFanOut,
  type FanOutRow,
  lockFanOut,
  putOffFanOut,
  readAudience,
  readFanOutTries,
} from '../db/sql/fan-out.ts'
import { loadEvents } from '../db/sql/load-events.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import { loadPreferences, type PreferenceRow } from '../db/sql/load-preferences.ts'
import { type InboxRow, lockInboxes } from '../db/sql/lock-inboxes.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { writePlans } from '../db/sql/write-plans.ts'
import { inTransaction } from '../db/transaction.ts'
import { newId } from '../ids.ts'
import type { AnyDefinition } from '../notifiers/notifier.ts'
import type { Capabilities } from './capabilities.ts'
import type { KnownRecipients } from './recipients-known.ts'
import { type Expansion, expandFailedRecipient, expandRecipient, plannedEvent } from './trigger/expand.ts'
import { bookFacts } from './trigger/facts.ts'
import { type PreparedRecipient, prepareRecipient } from './trigger/prepare.ts'

/** One chunk is one transaction: its duration is the worst wait of a single trigger to one of its recipients. */
const CHUNK = 200

/** The part of a lease that the notifier's code may use up: a chunk that outlives its lease is work for nothing. */
const PREPARING_PART_OF_LEASE = 1 / 3

interface FanOutOptions {
  readonly known: KnownRecipients
  readonly leaseMs: number
}

interface Prepared {
  readonly recipients: readonly PreparedRecipient[]
  /** Those whose notifier failed: to be tried again, or given up. */
  readonly failed: readonly string[]
  readonly givenUp: readonly string[]
}

/** The worker's side of a fan-out. */
interface FanOutShift {
  readonly finished: (claim: Claim) => void
  readonly draining: boolean
}

/**
 * Plans the audience of large events, a chunk a transaction, several events at a time. What it stops at, the next claim
 * goes on from; when the worker drains it stops after a chunk.
 */
export const createFanOut = (
  capabilities: Capabilities,
  options: FanOutOptions,
): ((claims: readonly Claim[], shift: FanOutShift) => Promise<void>) => {
  const { db, clock } = capabilities

  const planAudience = async (claim: Claim, shift: FanOutShift): Promise<void> => {
    let progress: 'more' | 'stalled' | 'over' = 'more'
    while (progress === 'more') {
      if (shift.draining) return void (await db.system.query(releaseDue([claim])))
      progress = await planChunk(capabilities, claim, options)
      // Requests that share this process come first.
      await nextTurn()
    }
    if (progress === 'stalled') await putOff(capabilities, claim, clock.now())
  }

  return async (claims, shift) => {
    const planned = await Promise.allSettled(
      claims.map((claim) => planAudience(claim, shift).finally(() => shift.finished(claim))),
    )
    const failed = planned.find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
  }
}

const prepareChunk = async (
  capabilities: Capabilities,
  {
    event,
    audience,
    stored,
    withinMs,
  }: {
    readonly event: EventRow
    readonly audience: readonly AudienceRow[]
    readonly stored: ReadonlyMap<string, Recipient>
    /** After this long the rest is left to the next chunk. */
    readonly withinMs: number
  },
): Promise<Prepared> => {
  const definition: AnyDefinition | undefined = capabilities.notifiers.get(event.notification_key)
  const recipients: PreparedRecipient[] = []
  const failed: string[] = []
  const givenUp: string[] = []
  const until = performance.now() + withinMs
  for (const { recipient_id: id, tries } of audience) {
    if (performance.now() > until) break
    try {
      if (!definition) throw new Error(`There is no notifier "${event.notification_key}" any more`)
      const recipient = mergeRecipient(stored.get(id), { id })
      recipients.push(await prepareRecipient(capabilities, definition, { payload: event.payload, recipient }))
    } catch (cause) {
      capabilities.telemetry.emit('notifier.failed', {
        tenantId: event.tenant_id,
        notificationKey: event.notification_key,
        error: cause as Error,
      })
      ;(tries + 1 >= DEFAULT_RETRY.attempts ? givenUp : failed).push(id)
    }
  }
  return { recipients, failed, givenUp }
}

const planChunk = async (
  capabilities: Capabilities,
  claim: Claim,
  { known, leaseMs }: FanOutOptions,
): Promise<'more' | 'stalled' | 'over'> => {
  const { db, clock, hints } = capabilities
  const key = { tenantId: claim.tenant_id, id: claim.subject_id }
  const [{ rows: audience }, { rows: events }] = await Promise.all([
    db.system.query<AudienceRow>(readAudience(key, CHUNK)),
    db.system.query<EventRow>(loadEvents([key])),
  ])
  const [event] = events
  if (!event) return 'over'
  const stored = await known.load(
    key.tenantId,
    audience.map((row) => row.recipient_id),
  )
  const prepared = await prepareChunk(capabilities, {
    event,
    audience,
    stored,
    withinMs: leaseMs * PREPARING_PART_OF_LEASE,
  })
  const touched = [...prepared.recipients.map((one) => one.recipientId), ...prepared.givenUp]
  const inboxes = touched.map((recipientId) => ({ tenantId: key.tenantId, recipientId }))

  const outcome = await inTransaction(db.system, async (tx) => {
    const locked = await tx.query<InboxRow>(lockInboxes(inboxes, { skipLocked: false }))
    const [[time], preferences, [fanOut]] = await Promise.all([
      tx.query<ClockRow>(readClock(clock.now())),
      tx.query<PreferenceRow>(loadPreferences(inboxes)),
      tx.query<FanOutRow>(lockFanOut({ ...key, token: claim.token })),
    ])
    if (!fanOut) return 'over'
    const { now } = time as ClockRow
    const facts = bookFacts(locked, preferences)
    const rows: Expansion = { notifications: [], deliveries: [] }
    const planned: string[] = []
    // An inbox that is not there any more is made anew for the next chunk.
    known.forget(inboxes.filter((inbox) => !facts.of(inbox)))
    const subject = plannedEvent(event)
    for (const recipient of prepared.recipients) {
      const own = facts.of({ tenantId: key.tenantId, recipientId: recipient.recipientId })
      if (!own) continue
      expandRecipient(rows, subject, { prepared: recipient, facts: own, newId })
      planned.push(recipient.recipientId)
    }
    const definition = capabilities.notifiers.get(event.notification_key)
    const declared = definition && Array.isArray(definition.channels) ? (definition.channels as readonly string[]) : []
    let gaveUp = 0
    for (const recipientId of prepared.givenUp) {
      const own = facts.of({ tenantId: key.tenantId, recipientId })
      if (!own) continue
      gaveUp += 1
      expandFailedRecipient(rows, subject, { recipientId, channels: declared, facts: own, newId })
      planned.push(recipientId)
    }
    const [, [advanced]] = await Promise.all([
      tx.query(writePlans({ ...rows, events: [], inboxes: facts.advances() }, now)),
      tx.query<{ remaining: number }>(advanceFanOut(key, { planned, failed: prepared.failed, gaveUp, now, leaseMs })),
    ])
    if ((advanced?.remaining ?? 0) === 0) return 'over'
    return planned.length > 0 ? 'more' : 'stalled'
  })
  hints.inboxesMoved(inboxes)
  hints.workDue()
  return outcome
}

/** Only recipients are left whose notifier failed: they are tried again like a delivery that failed. */
const putOff = async ({ db }: Capabilities, claim: Claim, now: Date | null): Promise<void> => {
  const fanOut = { tenantId: claim.tenant_id, id: claim.subject_id, token: claim.token }
  const { rows } = await db.system.query<{ tries: number }>(readFanOutTries(fanOut))
  // Each recipient counts its own tries; the event itself is put off as long as any is left.
  const delayMs = retryDelayMs(
    { ...DEFAULT_RETRY, attempts: Number.POSITIVE_INFINITY },
    { tries: (rows[0]?.tries ?? 0) + 1, random: Math.random() },
  )
  await db.system.query(putOffFanOut(fanOut, { now, delayMs: delayMs ?? 0 }))
}
