import { createHash } from 'node:crypto'
import type { InboxKey } from '../../core/cursor.ts'
import { type EventRow, loadEventsByKey } from '../../db/sql/load-events-by-key.ts'
import { loadPreferences, type PreferenceRow } from '../../db/sql/load-preferences.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { type TriedKeyRow, tryKeys } from '../../db/sql/try-keys.ts'
import { writeAudience } from '../../db/sql/write-audience.ts'
import { writePlans } from '../../db/sql/write-plans.ts'
import { inTransaction, type Transaction } from '../../db/transaction.ts'
import { CarillonError } from '../../errors.ts'
import { newId } from '../../ids.ts'
import type { Capabilities } from '../capabilities.ts'
import { detailStatements } from '../recipient-details.ts'
import { type Expansion, expandRecipient, plannedEvent } from './expand.ts'
import { bookFacts } from './facts.ts'
import type { PreparedTrigger } from './prepare.ts'

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
  ...new Map(inboxes.map((inbox) => [`${inbox.tenantId}\n${inbox.recipientId}`, inbox])).values(),
]

const newEvent = (
  { tenantId, request, definition, fingerprint, recipientIds, recipients }: PreparedTrigger,
  now: Date,
): EventRow => ({
  tenant_id: tenantId,
  id: newId(),
  notification_key: definition.key,
  notification_version: definition.version,
  idempotency_key: request.idempotencyKey,
  fingerprint,
  correlation_id: request.correlationId ?? null,
  actor_id: request.actorId?.trim() ?? null,
  payload: request.payload,
  category: definition.category ?? null,
  required: definition.required ?? false,
  urgent: definition.urgent ?? false,
  status: recipients ? 'planned' : 'planning',
  is_digest: false,
  recipient_count: recipientIds.length,
  planned_recipient_count: recipients ? recipientIds.length : 0,
  failed_recipient_count: 0,
  inserted_at: now,
})

const repeatOf = (event: EventRow, item: PreparedTrigger): CommitOutcome =>
  event.fingerprint.equals(item.fingerprint)
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
  const [tried, inboxes, [clock], events, preferences] = await Promise.all([
    tx.query<TriedKeyRow>(tryKeys(items.map(keyHash))),
    tx.query<InboxRow>(lockInboxes(wanted, { skipLocked: !wait })),
    tx.query<ClockRow>(readClock(now)),
    tx.query<EventRow>(loadEventsByKey(idempotencyKeys)),
    tx.query<PreferenceRow>(loadPreferences(wanted)),
  ])
  return {
    now: (clock as ClockRow).now,
    ours: new Set(tried.filter(({ locked }) => locked).map(({ ordinal }) => ordinal - 1)),
    existing: new Map(events.map((event) => [`${event.tenant_id}\n${event.idempotency_key}`, event])),
    facts: bookFacts(inboxes, preferences),
  }
}

/**
 * Commits a batch of triggers in one transaction of as many round trips as for a single one, each with an outcome of
 * its own. Their idempotency keys differ. With `wait: false` it never waits for another transaction: what it would
 * have to wait for comes back as contested.
 */
export const commitTriggers = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  items: readonly PreparedTrigger[],
  { wait }: { readonly wait: boolean },
): Promise<readonly CommitOutcome[]> =>
  inTransaction(db.system, async (tx) => {
    const { now, ours, existing, facts } = await lockAndLook(tx, items, { wait, now: clock.now() })
    const rows: Expansion = { notifications: [], deliveries: [] }
    const created: EventRow[] = []
    const stored: PreparedTrigger[] = []
    const outcomes = items.map((item, index): CommitOutcome => {
      if (!ours.has(index)) return { kind: 'contested', missing: [] }
      const earlier = existing.get(`${item.tenantId}\n${item.request.idempotencyKey}`)
      if (earlier) return repeatOf(earlier, item)
      const missing = inboxesOf(item).filter((inbox) => !facts.of(inbox))
      if (missing.length > 0) return { kind: 'contested', missing }
      const event = newEvent(item, now)
      created.push(event)
      stored.push(item)
      const planned = plannedEvent(event)
      for (const prepared of item.recipients ?? []) {
        const known = facts.of({ tenantId: item.tenantId, recipientId: prepared.recipientId })
        if (known) expandRecipient(rows, planned, { prepared, facts: known, newId })
      }
      return { kind: 'created', event }
    })

    if (created.length > 0) {
      const audience = stored.flatMap((item, index) =>
        item.recipients
          ? []
          : item.recipientIds.map((recipientId) => ({
              tenantId: item.tenantId,
              eventId: (created[index] as EventRow).id,
              recipientId,
            })),
      )
      const given = stored.flatMap(({ tenantId, given }) => given.map((recipient) => ({ tenantId, given: recipient })))
      await tx.commitWith([
        ...detailStatements(given, now),
        writePlans({ ...rows, events: created, inboxes: facts.advances() }, now),
        ...(audience.length > 0 ? [writeAudience(audience, now)] : []),
      ])
    }
    return outcomes
  })
