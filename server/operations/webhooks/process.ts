import type { Routes } from '../../adapters/routing.ts'
import { isTerminal } from '../../core/delivery.ts'
import { nameOf } from '../../core/name-of.ts'
import { providerReason } from '../../core/provider-reason.ts'
import { DEFAULT_RETRY, retryDelayMs } from '../../core/retry.ts'
import { databaseFailure } from '../../db/errors.ts'
import { applyReports } from '../../db/sql/apply-reports.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import { type FailedReportRow, failReport } from '../../db/sql/fail-report.ts'
import { leaveBuckets } from '../../db/sql/leave-buckets.ts'
import { loadRecipients, type RecipientRow } from '../../db/sql/load-recipients.ts'
import type { InboxRow } from '../../db/sql/lock-inboxes.ts'
import { lockReports } from '../../db/sql/lock-reports.ts'
import { lockReportedRuns, type RunRow } from '../../db/sql/lock-runs.ts'
import { markBounced } from '../../db/sql/mark-bounced.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import { type ReportRow, readReports } from '../../db/sql/read-reports.ts'
import { inTransaction, type Transaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { halving } from '../halving.ts'
import { toRecipient } from '../recipients-known.ts'
import { type AdvancedRuns, advanceRuns, NOTHING_ADVANCED } from '../workflows/advance-runs.ts'
import { announceRuns } from '../workflows/announce.ts'
import { type DecidedReports, decideReports } from './decide.ts'
import { causesOfReports } from './tell-runs.ts'

/*
 *   queued ──► processed     one transaction: attempt, delivery, its place in the queue, address, report
 *      │  └──► ignored       its delivery has gone
 *      └─────► failed        it could not be carried out, eight times
 */

/** How long a report waits that depends on the answer of a call under way. */
const PUT_OFF_MS = 1_000

const readRecipients = async (tx: Transaction, rows: readonly ReportRow[]) => {
  const keys = new Map(
    rows.flatMap(({ tenant_id: tenantId, recipient_id: recipientId }) =>
      recipientId === null ? [] : [[nameOf(tenantId, recipientId), { tenantId, recipientId }] as const],
    ),
  )
  const stored = keys.size > 0 ? await tx.query<RecipientRow>(loadRecipients([...keys.values()])) : []
  const found = new Map(stored.map((row) => [nameOf(row.tenant_id, row.recipient_id), toRecipient(row)]))
  return (row: ReportRow) => found.get(nameOf(row.tenant_id, row.recipient_id))
}

/** The events of which a report has ended a delivery. */
const endedEvents = (rows: readonly ReportRow[], moved: DecidedReports['moved']) => {
  const ended = new Set(moved.flatMap(({ tenantId, id, status }) => (isTerminal(status) ? [nameOf(tenantId, id)] : [])))
  return rows
    .filter((row) => ended.has(nameOf(row.tenant_id, row.delivery_id)))
    .map((row) => ({ ...row, id: row.event_id }))
}

interface Processed {
  readonly moved: DecidedReports['moved']
  readonly advanced: AdvancedRuns
}

/** Carries out a batch of claimed reports, all in one transaction. Those whose lease has gone are left out. */
const processReports = async (
  capabilities: Capabilities,
  routes: Routes,
  claims: readonly Claim[],
): Promise<Processed> => {
  const { db, clock, retry, addressKey, eraseSecrets, hints } = capabilities
  const { rows, moved, advanced } = await inTransaction(db.system, async (tx) => {
    const [lockInboxes, lockRuns] = lockReportedRuns(claims)
    const held = Promise.all([tx.query<InboxRow>(lockInboxes), tx.query<RunRow>(lockRuns)])
    const locks = lockReports(claims).map((lock) => tx.query(lock))
    const [[inboxes, runs], [time], rows] = await Promise.all([
      held,
      tx.query<ClockRow>(readClock(clock.now())),
      tx.query<ReportRow>(readReports(claims, clock.now())),
      ...locks,
    ])
    if (rows.length === 0) return { rows, moved: [], advanced: NOTHING_ADVANCED }
    const { now } = time as ClockRow
    const recipientOf = await readRecipients(tx, rows)
    const decided = decideReports(rows, { routes, retry, recipientOf, addressKey, now, random: Math.random })
    const statements = [
      applyReports(decided, { now, putOffMs: PUT_OFF_MS }),
      ...(decided.marked.length > 0 ? markBounced(decided.marked, now) : []),
      ...(rows.some((row) => row.orchestration_state === 'digest_held') ? [leaveBuckets(decided.deliveries, now)] : []),
    ]
    if (runs.length === 0) {
      await tx.commitWith(statements)
      return { rows, moved: decided.moved, advanced: NOTHING_ADVANCED }
    }
    await Promise.all(statements.map((statement) => tx.query(statement)))
    // In this transaction, so that runs are told once.
    const causes = causesOfReports(rows, decided)
    return { rows, moved: decided.moved, advanced: await advanceRuns(tx, capabilities, { runs, causes, inboxes, now }) }
  })
  hints.deliveriesChanged(moved)
  await eraseSecrets(endedEvents(rows, moved))
  return { moved, advanced }
}

/** Carries out claimed reports, as many of them at once as were claimed. One that cannot be carried out holds up no other. */
export const createReports = (
  capabilities: Capabilities,
  routes: Routes,
): ((claims: readonly Claim[], shift: { readonly finished: (claim: Claim) => void }) => Promise<void>) => {
  const { db, clock, telemetry } = capabilities

  const carryOut = (claims: readonly Claim[]) =>
    halving(claims, async (part) => {
      const { moved, advanced } = await processReports(capabilities, routes, part)
      await announceRuns(capabilities, advanced)
      for (const { tenantId, id: deliveryId, channel, status, suppressionReason: reason } of moved) {
        telemetry.emit('delivery.settled', { tenantId, deliveryId, channel, status, reason })
      }
      return part
    })

  const countFailure = async (claim: Claim, error: Error): Promise<void> => {
    const delaysMs = Array.from({ length: DEFAULT_RETRY.attempts - 1 }, (_, index) =>
      retryDelayMs(DEFAULT_RETRY, { tries: index + 1, random: Math.random() }),
    ).flatMap((delay) => delay ?? [])
    const failure = { now: clock.now(), delaysMs, reason: providerReason(error.message) }
    const { rows } = await db.system.query<FailedReportRow>(failReport(claim, failure))
    const [row] = rows
    const subject = { tenantId: claim.tenant_id, reportId: claim.subject_id }
    if (row) telemetry.emit('report.failed', { ...subject, givenUp: row.given_up, error })
  }

  /** A fault of the server's may lie in one of them alone: each is tried by itself before any is blamed. */
  const alone = async (claim: Claim): Promise<void> => {
    const [answer] = await carryOut([claim])
    if (answer?.status !== 'rejected') return
    if (databaseFailure(answer.reason) === 'unavailable') throw answer.reason
    await countFailure(claim, answer.reason instanceof Error ? answer.reason : new Error(String(answer.reason)))
  }

  return async (claims, { finished }) => {
    const answers = await carryOut(claims)
    for (const [index, claim] of claims.entries()) {
      const answer = answers[index]
      if (answer?.status === 'rejected') {
        // Left to its lease: it is nobody's fault, and counts as nobody's.
        if (databaseFailure(answer.reason) === 'unavailable') throw answer.reason
        await alone(claim)
      }
      finished(claim)
    }
  }
}
