import type { Routes } from '../../adapters/routing.ts'
import type { InboxKey } from '../../core/cursor.ts'
import { isTerminal } from '../../core/delivery.ts'
import { nameOf } from '../../core/name-of.ts'
import { providerReason } from '../../core/provider-reason.ts'
import { mergeRecipient } from '../../core/recipient.ts'
import { type CallResult, settleTry } from '../../core/settlement.ts'
import { type Arrival, arriveInApp } from '../../db/sql/arrive-in-app.ts'
import { beginDeliveries } from '../../db/sql/begin-deliveries.ts'
import { type Claim, releaseDue } from '../../db/sql/claim-due.ts'
import { leaveBuckets } from '../../db/sql/leave-buckets.ts'
import { loadEvents } from '../../db/sql/load-events.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { loadRecipients, type RecipientRow } from '../../db/sql/load-recipients.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import { lockRuns, type RunRow } from '../../db/sql/lock-runs.ts'
import { type ClaimedSubjectRow, readClaimedDeliveries } from '../../db/sql/read-claimed-deliveries.ts'
import { settleDeliveries } from '../../db/sql/settle-deliveries.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { loadDigests } from '../digests/contents.ts'
import { toRecipient } from '../recipients-known.ts'
import type { Rendered } from '../render-content.ts'
import { renderDelivery } from '../render-delivery.ts'
import { advanceRuns, NOTHING_ADVANCED } from '../workflows/advance-runs.ts'
import { announceRuns } from '../workflows/announce.ts'
import { causesOf } from '../workflows/causes.ts'
import { performClaims } from './perform.ts'
import { settledRow } from './settled-row.ts'

/*
 * An in-app delivery that was put off, or is made by a later step, has no provider: what carries it out is the
 * transaction that asks the planner. Its content is made before that opens, as a trigger's is.
 */

type Content = Rendered | { readonly failed: CallResult }

const failure = (problem: string): Content => ({
  failed: { ended: 'render_failed', reason: providerReason(problem), retryAfterMs: 0 },
})

/** The part of a lease that the host's code may use up: what is carried out after its lease is work for nothing. */
const RENDERING_PART_OF_LEASE = 1 / 3

/**
 * The content of each, by the delivery's id, or how its notifier failed: also by taking too long, so that it does not
 * hold up the others. Those whose turn did not come in time are left over.
 */
const renderAll = async (
  capabilities: Capabilities,
  subjects: readonly ClaimedSubjectRow[],
  withinMs: number,
): Promise<{ readonly made: ReadonlyMap<string, Content>; readonly leftOver: ReadonlySet<string> }> => {
  const { db, telemetry } = capabilities
  const [{ rows: events }, { rows: recipients }] = await Promise.all([
    db.system.query<EventRow>(loadEvents(subjects.map((row) => ({ tenantId: row.tenant_id, id: row.event_id })))),
    db.system.query<RecipientRow>(
      loadRecipients(subjects.map((row) => ({ tenantId: row.tenant_id, recipientId: row.recipient_id }))),
    ),
  ])
  const eventById = new Map(events.map((event) => [nameOf(event.tenant_id, event.id), event]))
  const digests = await loadDigests(
    db,
    subjects
      .filter((row) => eventById.get(nameOf(row.tenant_id, row.event_id))?.is_digest)
      .map((row) => ({ tenantId: row.tenant_id, id: row.id })),
  )
  const stored = new Map(recipients.map((row) => [nameOf(row.tenant_id, row.recipient_id), toRecipient(row)]))
  const made = new Map<string, Content>()
  const leftOver = new Set<string>()
  const until = performance.now() + withinMs

  const renderOne = async (subject: ClaimedSubjectRow): Promise<void> => {
    const { tenant_id: tenantId, id, event_id: eventId, recipient_id: recipientId, channel } = subject
    const { step_key: stepKey } = subject
    const event = eventById.get(nameOf(tenantId, eventId))
    if (!event) return
    // A notifier that does not wait for anything has used up the time of those behind it.
    if (performance.now() > until) return void leftOver.add(id)
    made.set(id, failure(`took longer than ${Math.round(withinMs)} ms`))
    try {
      const recipient = mergeRecipient(stored.get(nameOf(tenantId, recipientId)), { id: recipientId })
      const digest = digests.get(id)
      made.set(id, (await renderDelivery(capabilities, { event, channel, stepKey, recipient, digest })).rendered)
    } catch (cause) {
      const error = cause as Error
      telemetry.emit('notifier.failed', { tenantId, notificationKey: event.notification_key, error })
      made.set(id, failure(error.message))
    }
  }

  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, withinMs)
  })
  await Promise.race([Promise.all(subjects.map(renderOne)), overdue])
  clearTimeout(timer)
  // As it is now: what comes later is for nobody.
  return { made: new Map(made), leftOver }
}

/** Carries out claimed in-app deliveries, all in one transaction. */
export const deliverInApp = async (
  capabilities: Capabilities & { readonly routes: Routes; readonly leaseMs: number },
  claims: readonly Claim[],
): Promise<void> => {
  const { db, hints, telemetry, leaseMs } = capabilities
  const { rows: claimed } = await db.system.query<ClaimedSubjectRow>(readClaimedDeliveries(claims))
  const { made, leftOver } = await renderAll(capabilities, claimed, leaseMs * RENDERING_PART_OF_LEASE)
  const subjects = claimed.filter(({ id }) => made.has(id))
  const inTime = claims.filter(({ subject_id: id }) => made.has(id))
  const late = claims.filter(({ subject_id: id }) => leftOver.has(id))
  if (late.length > 0) await db.system.query(releaseDue(late))
  if (inTime.length === 0) return
  const inboxes = [
    ...new Map(
      subjects.map((row) => [
        nameOf(row.tenant_id, row.recipient_id),
        { tenantId: row.tenant_id, recipientId: row.recipient_id },
      ]),
    ).values(),
  ]
  const runKeys = subjects.flatMap((row) => (row.in_run ? [{ tenantId: row.tenant_id, id: row.notification_id }] : []))
  const done = await inTransaction(db.system, async (tx) => {
    const [locked, runs, { now, performed }] = await Promise.all([
      tx.query<InboxRow>(lockInboxes(inboxes, { skipLocked: false })),
      runKeys.length > 0 ? tx.query<RunRow>(lockRuns(runKeys)) : [],
      performClaims(tx, capabilities, inTime),
    ])
    if (performed.length === 0) return { arrivals: [], failed: [], events: [], changed: [], advanced: NOTHING_ADVANCED }
    const versions = new Map(locked.map((row) => [nameOf(row.tenant_id, row.recipient_id), row.version]))
    const arrivals: Arrival[] = []
    const failed: ReturnType<typeof settledRow>[] = []
    const begun = performed.map(({ begun, goesOut }) => {
      const content = made.get(begun.id)
      if (!goesOut || !content) return begun
      if ('failed' in content) {
        const settlement = settleTry([content.failed], {
          policy: capabilities.retry,
          tries: goesOut.tries + 1,
          random: Math.random(),
        })
        const call = { id: goesOut.token, adapter: 'in_app', address: null, addressKey: null, result: content.failed }
        failed.push(settledRow({ delivery: goesOut, begunAt: now }, { calls: [call], settlement }))
        return begun
      }
      const name = nameOf(goesOut.tenant_id, goesOut.recipient_id)
      const version = (versions.get(name) ?? 0) + 1
      versions.set(name, version)
      arrivals.push({
        tenantId: goesOut.tenant_id,
        recipientId: goesOut.recipient_id,
        notificationId: goesOut.notification_id,
        deliveryId: goesOut.id,
        content: content.content,
        renderKey: content.renderKey,
        renderVersion: content.renderVersion,
        version,
        attemptId: goesOut.token,
        attemptNumber: goesOut.attempts + 1,
      })
      return { ...begun, status: 'succeeded' as const }
    })
    const left = performed
      .filter(({ delivery }) => delivery.orchestration_state === 'digest_held')
      .map(({ begun: { tenantId, id } }) => ({ tenantId, id }))
    const statements = [
      beginDeliveries(begun, { now, leaseMs }),
      ...(left.length > 0 ? [leaveBuckets(left, now)] : []),
      ...(arrivals.length > 0 ? [arriveInApp(arrivals, now)] : []),
      ...(failed.length > 0 ? [settleDeliveries(failed, now)] : []),
    ]
    const events = performed.map(({ event }) => event)
    if (runs.length === 0) {
      await tx.commitWith(statements)
      return { arrivals, failed, events, changed: begun, advanced: NOTHING_ADVANCED }
    }
    await Promise.all(statements.map((statement) => tx.query(statement)))
    const failedAs = new Map(failed.map((row) => [row.id, row]))
    const causes = causesOf(
      performed.flatMap(({ delivery }, index) => {
        if (!delivery.in_run) return []
        const { status, suppressionReason } = failedAs.get(delivery.id) ?? (begun[index] as (typeof begun)[number])
        const subject = { tenantId: delivery.tenant_id, runId: delivery.notification_id, deliveryId: delivery.id }
        return [{ ...subject, isStep: delivery.step_key !== '', status, suppressionReason }]
      }),
    )
    // As they stand after what has arrived.
    const moved = locked.map((row) => ({
      ...row,
      version: versions.get(nameOf(row.tenant_id, row.recipient_id)) ?? row.version,
    }))
    return {
      arrivals,
      failed,
      events,
      changed: begun,
      advanced: await advanceRuns(tx, capabilities, { runs, causes, inboxes: moved, now }),
    }
  })
  await announceRuns(capabilities, done.advanced)
  await capabilities.eraseSecrets(done.events)
  for (const { tenantId, deliveryId } of done.arrivals) {
    telemetry.emit('delivery.settled', { tenantId, deliveryId, channel: 'in_app', status: 'succeeded', reason: null })
  }
  for (const { tenantId, id, status, suppressionReason: reason } of done.failed) {
    telemetry.emit('delivery.settled', { tenantId, deliveryId: id, channel: 'in_app', status, reason })
  }
  const settled = new Set(done.arrivals.map(({ deliveryId }) => deliveryId))
  const ended = done.changed.flatMap(({ id, status, suppressionReason }) =>
    isTerminal(status) && !settled.has(id) ? [{ channel: 'in_app', status, suppressionReason }] : [],
  )
  if (ended.length > 0) telemetry.emit('deliveries.decided', { checkpoint: 'perform', deliveries: ended })
  hints.inboxesMoved(done.arrivals satisfies readonly InboxKey[])
  hints.deliveriesChanged(done.changed)
}
