import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { type InputFault, idFault } from '../core/json-limits.ts'
import { payloadFault } from '../core/trigger-request.ts'
import { isInnerSignal } from '../core/workflow/ending.ts'
import type { InboxRow } from '../db/sql/lock-inboxes.ts'
import { lockInboxes } from '../db/sql/lock-inboxes.ts'
import { lockListeningRuns, type RunRow } from '../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { readNotificationOf, readSignalByKey, type SignalRow, writeSignal } from '../db/sql/write-signal.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput, CarillonError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Capabilities } from './capabilities.ts'
import { advanceRuns, NOTHING_ADVANCED } from './workflows/advance-runs.ts'
import { announceRuns } from './workflows/announce.ts'

/** Something that a host says happened. */
export interface SignalRequest {
  readonly name: string
  readonly recipientId: string
  /** The one notification that it concerns; `null` where the caller's id is none, absent where it names none. */
  readonly notificationId?: string | null
  readonly payload?: unknown
  readonly idempotencyKey?: string | null
}

/** One accepted signal. */
export interface Signalled {
  readonly signal: SignalRow
  /** The idempotency key had been used for this same signal before. */
  readonly deduplicated: boolean
}

const PATH = ['input']

const refuse = (fault: InputFault | null): void => {
  if (fault) throw badInput(`Cannot signal: ${fault.path.slice(PATH.length).join('.')} ${fault.message}`, fault.path)
}

const check = ({ name, recipientId, payload, idempotencyKey }: SignalRequest): void => {
  refuse(idFault(name, [...PATH, 'name']))
  if (isInnerSignal(name)) {
    const message = `"${name}" is Carillon's own to give: names do not begin with notification. or delivery.`
    throw badInput(`Cannot signal: ${message}`, [...PATH, 'name'])
  }
  refuse(idFault(recipientId, [...PATH, 'recipientId']))
  if (payload !== undefined) refuse(payloadFault(payload, [...PATH, 'payload']))
  if (idempotencyKey != null) refuse(idFault(idempotencyKey, [...PATH, 'idempotencyKey']))
}

const fingerprintOf = ({ name, recipientId, notificationId, payload }: SignalRequest): Buffer =>
  createHash('sha256')
    .update(canonicalJson({ name, recipientId, notificationId: notificationId ?? null, payload: payload ?? null }))
    .digest()

/**
 * Keeps a signal, and moves the runs on that wait for it, in one transaction: those of the recipient, or that of one
 * notification alone. One that nobody waits for yet counts when a run that is under way does.
 */
export const signal = async (
  capabilities: Capabilities,
  { tenantId, request: given }: { readonly tenantId: string; readonly request: SignalRequest },
): Promise<Signalled> => {
  check(given)
  const request = { ...given, recipientId: given.recipientId.trim() }
  const { name, recipientId, payload, idempotencyKey = null } = request
  const missing = () =>
    new CarillonError('NOT_FOUND', 'There is no such notification of this recipient', {
      path: [...PATH, 'notificationId'],
    })
  const { notificationId } = request
  if (notificationId === null) throw missing()
  const inbox = { tenantId, recipientId }
  const fingerprint = fingerprintOf(request)
  const kept = await asTenant(capabilities.db.tenant, tenantId, async (tx) => {
    const [said] = await tx.query<ClockRow>(readClock(capabilities.clock.now()))
    const id = newId()
    const row = { ...inbox, id, name, notificationId: notificationId ?? null, payload, idempotencyKey, fingerprint }
    const [stored] = await tx.query<SignalRow>(writeSignal(row, (said as ClockRow).now))
    if (!stored) {
      const [earlier] = await tx.query<SignalRow>(readSignalByKey(tenantId, idempotencyKey ?? ''))
      return { signal: earlier as SignalRow, deduplicated: true, advanced: NOTHING_ADVANCED }
    }
    const [inboxes, runs, owned] = await Promise.all([
      tx.query<InboxRow>(lockInboxes([inbox], { skipLocked: false })),
      tx.query<RunRow>(lockListeningRuns(inbox, { name, notificationId: notificationId ?? null })),
      notificationId === undefined ? null : tx.query<{ id: string }>(readNotificationOf(inbox, notificationId)),
    ])
    if (owned?.length === 0) throw missing()
    // Anew: whoever had the locks may have moved these runs since the signal was written.
    const [time] = await tx.query<ClockRow>(readClock(capabilities.clock.now()))
    const { now } = time as ClockRow
    const events = [{ kind: 'signal', name, signalId: id } as const]
    const causes = runs.map((run) => ({ tenantId, id: run.id, events }))
    const advanced = await advanceRuns(tx, capabilities, { runs, causes, inboxes, now })
    return { signal: stored, deduplicated: false, advanced }
  })
  if (kept.deduplicated && !kept.signal.fingerprint.equals(fingerprint)) {
    throw new CarillonError(
      'IDEMPOTENCY_CONFLICT',
      `The idempotency key "${idempotencyKey}" was used for another signal`,
      {
        path: [...PATH, 'idempotencyKey'],
      },
    )
  }
  await announceRuns(capabilities, kept.advanced)
  return { signal: kept.signal, deduplicated: kept.deduplicated }
}
