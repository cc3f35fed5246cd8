import { createHash } from 'node:crypto'
import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { isTerminal } from '../../core/delivery.ts'
import { inboxName, nameOf } from '../../core/name-of.ts'
import { MAX_ADDRESSES } from '../../core/recipient.ts'
import { topicsOf } from '../../core/trigger-request.ts'
import { isOver } from '../../core/workflow/run.ts'
import { type EventRow, loadEventsByKey } from '../../db/sql/load-events-by-key.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { type TriedKeyRow, tryKeys } from '../../db/sql/try-keys.ts'
import type { CrowdedRow } from '../../db/sql/upsert-recipients.ts'
import {
  type AudienceCountRow,
  addSubscribers,
  type FanOutLane,
  queueFanOuts,
  writeAudience,
} from '../../db/sql/write-audience.ts'
import { writePlans } from '../../db/sql/write-plans.ts'
import { createRuns } from '../../db/sql/write-runs.ts'
import { inTransaction, type Transaction } from '../../db/transaction.ts'
import { badInput, CarillonError } from '../../errors.ts'
import { newId } from '../../ids.ts'
import { traceparentOf } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import { NO_DIGESTS, readDigests, writeDigests } from '../digests/accumulate.ts'
import { bookFacts, readFacts } from '../facts.ts'
import { BatchFault } from '../halving.ts'
import { tellOfPlanned } from '../planned.ts'
import { detailStatements } from '../recipient-details.ts'
import { type Expansion, expandRecipient, newExpansion, plannedEvent } from './expand.ts'
import { asksForDigest, type PreparedTrigger } from './prepare.ts'

/** What became of one trigger of a batch. */
export type CommitOutcome =
  | { readonly kind: 'created' | 'repeated'; readonly event: EventRow }
  | { readonly kind: 'refused'; readonly error: CarillonError }
  /** Another transaction holds its key or one of its inboxes: to be tried again by itself. */
  | { readonly kind: 'contested'; readonly missing: readonly InboxKey[] }

const keyHash = ({ tenantId, request }: PreparedTrigger): bigint =>
  createHash('sha256').update(`${tenantId}\n${request.idempotencyKey}`).digest().readBigInt64BE()

const inboxesOf = ({ tenantId, recipients }: PreparedTrigger): readonly InboxKey[] =>
  (recipients ?? []).map(({ recipientId }) => ({ tenantId, recipientId }))

const distinct = (inboxes: readonly InboxKey[]): readonly InboxKey[] => [
  ...new Map(inboxes.map((inbox) => [inboxName(inbox), inbox])).values(),
]

/** One that is planned later waits for its instant, or is planned at once by a job. */
const statusOf = ({ recipients, request }: PreparedTrigger, now: Date): 'planned' | 'planning' | 'scheduled' => {
  if (recipients) return 'planned'
  return request.sendAt && request.sendAt > now ? 'scheduled' : 'planning'
}

const newEvent = (item: PreparedTrigger, now: Date): EventRow => {
  const { tenantId, request, definition, fingerprint, recipientIds, recipients, open, secrets } = item
  const status = statusOf(item, now)
  return {
    tenant_id: tenantId,
    id: newId(),
    notification_key: definition.key,
    notification_version: definition.version,
    idempotency_key: request.idempotencyKey,
    fingerprint,
    correlation_id: request.correlationId ?? null,
    actor_id: request.actorId?.trim() ?? null,
    payload: open,
    has_secrets: secrets.length > 0,
    sealed_payload: null,
    category: definition.category ?? null,
    required: definition.required ?? false,
    urgent: definition.urgent ?? false,
    status,
    send_at: request.sendAt ?? null,
    expires_at: request.expiresAt ?? null,
    topics: topicsOf(request),
    is_digest: false,
    traceparent: traceparentOf(item.span),
    erased_at: null,
    recipient_count: recipientIds.length,
    planned_recipient_count: recipients ? recipientIds.length : 0,
    failed_recipient_count: 0,
    pruned_recipient_count: 0,
    inserted_at: now,
  }
}

/** Seals what is yet to be sent will need; where nothing is, the secret fields are never stored at all. */
const sealSecrets = (
  { sealing }: Pick<Capabilities, 'sealing'>,
  event: EventRow,
  item: PreparedTrigger,
  rows: Expansion,
) => {
  if (item.secrets.length === 0) return
  const isSent = rows.deliveries.every(({ eventId, status }) => eventId !== event.id || isTerminal(status))
  const isThrough = rows.runs.every(({ eventId, run }) => eventId !== event.id || isOver(run))
  if (item.recipients && isSent && isThrough) return
  event.sealed_payload = sealing.seal({ tenantId: event.tenant_id, id: event.id }, item.secrets)
}

const repeatOf = (event: EventRow, item: PreparedTrigger): CommitOutcome =>
  [item.fingerprint, ...item.earlierFingerprints].some((one) => event.fingerprint.equals(one))
    ? { kind: 'repeated', event }
    : {
        kind: 'refused',
        error: new CarillonError(
          'IDEMPOTENCY_CONFLICT',
          `The idempotency key "${item.request.idempotencyKey}" was used for another request`,
          { eventId: event.id },
        ),
      }

/**
 * Takes a batch's locks, then reads its facts, in one round trip: the statements that read begin after the one that
 * locks has ended, and so see whatever it had waited for. In one statement with the lock they would not.
 */
const lockAndLook = async (
  tx: Transaction,
  items: readonly PreparedTrigger[],
  { wait, now }: { readonly wait: boolean; readonly now: Date | null },
) => {
  const wanted = distinct(items.flatMap(inboxesOf))
  const idempotencyKeys = items.map(({ tenantId, request }) => ({ tenantId, idempotencyKey: request.idempotencyKey }))
  const keys = wanted.map((inbox) => ({ ...inbox, position: null }))
  const held = distinct(items.filter(({ recipients }) => recipients?.some(asksForDigest)).flatMap(inboxesOf))
  const [tried, inboxes, [clock], events, facts, digests] = await Promise.all([
    tx.query<TriedKeyRow>(tryKeys(items.map(keyHash))),
    tx.query<InboxRow>(lockInboxes(wanted, { skipLocked: !wait })),
    tx.query<ClockRow>(readClock(now)),
    tx.query<EventRow>(loadEventsByKey(idempotencyKeys)),
    readFacts(tx, keys),
    held.length > 0 ? readDigests(tx, held) : NO_DIGESTS,
  ])
  return {
    now: (clock as ClockRow).now,
    ours: new Set(tried.filter(({ locked }) => locked).map(({ ordinal }) => ordinal - 1)),
    existing: new Map(events.map((event) => [nameOf(event.tenant_id, event.idempotency_key), event])),
    facts: bookFacts(inboxes, { keys, facts }),
    digests,
  }
}

const expired = ({ definition, path }: PreparedTrigger): CarillonError =>
  badInput(`Cannot trigger "${definition.key}": expiresAt is in the past`, [...path, 'expiresAt'])

/** An event that is planned later, and what it came from. */
interface Later {
  readonly event: EventRow
  readonly item: PreparedTrigger
}

const audienceOf = ({ event, item }: Later) =>
  item.recipientIds.map((recipientId) => ({ tenantId: item.tenantId, eventId: event.id, recipientId }))

/** The topics of events whose planning begins now are read now; those of a scheduled one are read at its instant. */
const countAudiences = async (tx: Transaction, later: readonly Later[]): Promise<void> => {
  const now = later.filter(({ event, item }) => event.status !== 'scheduled' && item.laterTopics.length > 0)
  if (now.length === 0) return
  const subscribers = addSubscribers(
    now.map(({ event, item }) => ({
      tenantId: item.tenantId,
      id: event.id,
      topics: item.laterTopics,
      actorId: event.actor_id,
    })),
  )
  const counts = new Map((await tx.query<AudienceCountRow>(subscribers)).map(({ id, count }) => [id, count]))
  for (const { event } of now) event.recipient_count = counts.get(event.id) ?? event.recipient_count
}

const fanOutOf = (event: EventRow, now: Date) => {
  const scheduled = event.status === 'scheduled'
  const lane: FanOutLane = scheduled ? 'scheduled' : 'fan_out'
  return { tenantId: event.tenant_id, id: event.id, lane, dueAt: (scheduled && event.send_at) || now }
}

const crowdedBy = ({ definition, request, path }: PreparedTrigger, recipientId: string): CarillonError => {
  const index = request.recipients?.findIndex(({ id }) => id.trim() === recipientId) ?? -1
  const fault = `would have more than ${MAX_ADDRESSES} addresses: remove some first`
  return index === -1
    ? badInput(`Notifier "${definition.key}": recipients: ${JSON.stringify(recipientId)} ${fault}`, [
        ...path,
        'payload',
      ])
    : badInput(`Cannot trigger "${definition.key}": recipient ${index} ${fault}`, [
        ...path,
        'recipients',
        index,
        'addresses',
      ])
}

/**
 * Stores the details that came with triggers, and refuses what gives a recipient more addresses than it may have. Answers
 * what is left to be stored: without addresses there is nothing to wait for, and it travels with the commit.
 */
const storeDetails = async (
  tx: Transaction,
  items: readonly PreparedTrigger[],
  now: Date,
): Promise<readonly QueryConfig[]> => {
  const given = items.flatMap(({ tenantId, given }) => given.map((recipient) => ({ tenantId, given: recipient })))
  const { statements, check } = detailStatements(given, now)
  if (!check) return statements
  const stored = statements.map((statement) => tx.query(statement))
  const [[crowded]] = await Promise.all([tx.query<CrowdedRow>(check), ...stored])
  if (!crowded) return []
  const [only] = items
  if (only && items.length === 1) throw crowdedBy(only, crowded.recipient_id)
  throw new BatchFault('one of these triggers gives its recipient too many addresses')
}

/**
 * Commits a batch of triggers in one transaction of as many round trips as for a single one, each with an outcome of
 * its own. Their idempotency keys differ. With `wait: false` it never waits for another transaction: what it would
 * have to wait for comes back as contested.
 */
export const commitTriggers = async (
  {
    db,
    clock,
    defaultTimeZone,
    sealing,
    hints,
    telemetry,
  }: Pick<Capabilities, 'db' | 'clock' | 'defaultTimeZone' | 'sealing' | 'hints' | 'telemetry'>,
  items: readonly PreparedTrigger[],
  { wait }: { readonly wait: boolean },
): Promise<readonly CommitOutcome[]> => {
  const { outcomes, deliveries, runs } = await inTransaction(db.system, async (tx) => {
    const { now, ours, existing, facts, digests } = await lockAndLook(tx, items, { wait, now: clock.now() })
    const rows = newExpansion()
    const planning = { now, defaultTimeZone, newId, digests }
    const created: EventRow[] = []
    const stored: PreparedTrigger[] = []
    const outcomes = items.map((item, index): CommitOutcome => {
      if (!ours.has(index)) return { kind: 'contested', missing: [] }
      const earlier = existing.get(nameOf(item.tenantId, item.request.idempotencyKey))
      if (earlier) return repeatOf(earlier, item)
      if (item.request.expiresAt && item.request.expiresAt <= now) return { kind: 'refused', error: expired(item) }
      const missing = inboxesOf(item).filter((inbox) => !facts.of(inbox))
      if (missing.length > 0) return { kind: 'contested', missing }
      const event = newEvent(item, now)
      created.push(event)
      stored.push(item)
      const planned = plannedEvent(event)
      for (const prepared of item.recipients ?? []) {
        const known = facts.of({ tenantId: item.tenantId, recipientId: prepared.recipientId })
        if (known) expandRecipient(rows, planned, { prepared, facts: known, planning })
      }
      sealSecrets({ sealing }, event, item, rows)
      return { kind: 'created', event }
    })

    if (created.length > 0) {
      const later = created.flatMap((event, index) => {
        const item = stored[index] as PreparedTrigger
        return item.recipients ? [] : [{ event, item }]
      })
      // Behind the write of those named: one that is both named and subscribed is counted once.
      if (later.length > 0) await tx.query(writeAudience(later.flatMap(audienceOf)))
      await countAudiences(tx, later)
      const details = await storeDetails(tx, stored, now)
      await tx.commitWith([
        ...details,
        writePlans({ ...rows, events: created, inboxes: facts.advances() }, now),
        ...writeDigests(rows.digests, now),
        ...(rows.runs.length > 0 ? [createRuns(rows.runs, now)] : []),
        ...(later.length > 0 ? [queueFanOuts(later.map(({ event }) => fanOutOf(event, now)))] : []),
      ])
    }
    return { outcomes, deliveries: rows.deliveries, runs: rows.runs }
  })
  hints.deliveriesChanged(deliveries)
  tellOfPlanned(telemetry, { deliveries, runs })
  return outcomes
}
