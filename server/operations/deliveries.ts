import { type OperatorAction, operatorFault } from '../core/delivery.ts'
import type { NewTransition } from '../db/sql/begin-deliveries.ts'
import { holdSecrets, holdSecretsOfDigest } from '../db/sql/erase-secrets.ts'
import { leaveBuckets } from '../db/sql/leave-buckets.ts'
import type { InboxRow } from '../db/sql/lock-inboxes.ts'
import { lockRunOfDelivery, type RunRow } from '../db/sql/lock-runs.ts'
import {
  type ChangedRow,
  cancelDelivery,
  lockDelivery,
  type OperatedRow,
  releaseDelivery,
} from '../db/sql/operate-delivery.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { asTenant, type Transaction } from '../db/transaction.ts'
import { CarillonError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Capabilities } from './capabilities.ts'
import { checkWords } from './words.ts'
import { advanceRuns } from './workflows/advance-runs.ts'
import { announceRuns } from './workflows/announce.ts'
import { causesOf } from './workflows/causes.ts'

/** What an operator asks for. */
export interface OperatorCall {
  readonly tenantId: string
  /** `null` where the caller's id is none. */
  readonly id: string | null
  /** The operator's own words, kept and shown in the timeline. */
  readonly words: string
}

const TRANSITIONS: Readonly<Record<OperatorAction, Pick<NewTransition, 'event' | 'reason'>>> = {
  retry: { event: 'retried', reason: null },
  cancel: { event: 'cancelled', reason: 'cancelled_by_operator' },
  resume: { event: 'resumed', reason: null },
}

/** Keeps the secret fields that a delivery's content is made of, its own event's or those of all that a digest holds, and says which are there yet. */
const holdSecretsFor = async (
  tx: Transaction,
  tenantId: string,
  { id, event_id: eventId, has_secrets: hasSecrets, is_digest: isDigest }: OperatedRow & { readonly id: string },
): Promise<readonly { readonly sealed: boolean }[]> => {
  if (isDigest) return tx.query<{ sealed: boolean }>(holdSecretsOfDigest({ tenantId, id }))
  return hasSecrets ? tx.query<{ sealed: boolean }>(holdSecrets({ tenantId, id: eventId })) : []
}

/**
 * Retries, cancels or resumes one delivery. The loser of a race, against a worker or another operator, gets
 * INVALID_STATE, and changes nothing.
 */
export const operateDelivery = async (
  capabilities: Capabilities,
  action: OperatorAction,
  { tenantId, id, words }: OperatorCall,
): Promise<string> => {
  const { db, clock, hints, eraseSecrets } = capabilities
  checkWords(words, ['input', 'reason'])
  const missing = () => new CarillonError('NOT_FOUND', 'There is no such delivery', { path: ['input', 'deliveryId'] })
  if (id === null) throw missing()
  const operated = await asTenant(db.tenant, tenantId, async (tx) => {
    // Each begins after the one before has ended, and so sees what that had waited for.
    const [lockInbox, lockRun] = lockRunOfDelivery({ tenantId, id })
    const [lockEvent, lockDue, lockItself] = lockDelivery({ tenantId, id })
    // What goes on tells its run nothing; what ends may plan the next step.
    const ends = action === 'cancel'
    const [inboxes, , runs, , [row], [time]] = await Promise.all([
      ends ? tx.query<InboxRow>(lockInbox) : [],
      tx.query(lockEvent),
      ends ? tx.query<RunRow>(lockRun) : [],
      tx.query(lockDue),
      tx.query<OperatedRow>(lockItself),
      tx.query<ClockRow>(readClock(clock.now())),
    ])
    if (!row) throw missing()
    const { now } = time as ClockRow
    const sealed =
      action === 'retry' && row.channel !== 'in_app' ? await holdSecretsFor(tx, tenantId, { ...row, id }) : []
    const fault = operatorFault(action, {
      status: row.status,
      orchestrationState: row.orchestration_state,
      suppressionReason: row.suppression_reason,
      queued: row.queued,
      eventCancelled: row.event_status === 'cancelled',
      erased: row.erased,
      expired: row.expires_at !== null && row.expires_at <= now,
      secretsErased: sealed.some((one) => !one.sealed),
    })
    if (fault) {
      throw new CarillonError('INVALID_STATE', `Cannot ${action} this delivery: it ${fault}`, {
        path: ['input', 'deliveryId'],
      })
    }
    const scheduledAt = action === 'resume' ? { scheduledAt: row.next_eligible_at?.toISOString() ?? null } : {}
    const transition = { ...TRANSITIONS[action], id: newId(), context: { source: 'operator', ...scheduledAt, words } }
    const change = ends ? cancelDelivery : releaseDelivery
    const [changed] = await tx.query<ChangedRow>(change({ tenantId, id }, now, transition))
    if (row.orchestration_state === 'digest_held') await tx.query(leaveBuckets([{ tenantId, id }], now))
    const causes = runs.flatMap((run) => {
      const subject = { tenantId, runId: run.id, deliveryId: id, isStep: row.step_key !== '' }
      const { status, suppression_reason: suppressionReason } = changed as ChangedRow
      return causesOf([{ ...subject, status, suppressionReason }], { source: 'operator', words })
    })
    return { ...row, advanced: await advanceRuns(tx, capabilities, { runs, causes, inboxes, now }) }
  })
  await announceRuns(capabilities, operated.advanced)
  hints.deliveriesChanged([{ tenantId, id }])
  if (action === 'cancel') await eraseSecrets([{ ...operated, tenant_id: tenantId, id: operated.event_id }])
  else hints.workDue()
  return id
}
