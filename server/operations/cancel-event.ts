import type { RunState } from '../core/workflow/run.ts'
import { type CancelledRow, cancelEvent as cancel, lockEvent, type OpenDeliveryRow } from '../db/sql/cancel-event.ts'
import { leaveBuckets } from '../db/sql/leave-buckets.ts'
import { loadEvents } from '../db/sql/load-events.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import { lockRunsOfEvent, type RunRow } from '../db/sql/lock-runs.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { asTenant } from '../db/transaction.ts'
import { CarillonError } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { eraseSecretsIn } from './erase-secrets.ts'
import { tellOfEnded } from './planned.ts'
import { checkWords } from './words.ts'
import { advanceRuns } from './workflows/advance-runs.ts'

export interface CancelledEvent {
  readonly event: EventRow
  /** Deliveries that this call cancelled: none of them is ever sent. */
  readonly cancelledCount: number
  /** Deliveries that had been handed over, or had arrived in an inbox. */
  readonly tooLateCount: number
}

/** Stops everything of an event that has not been handed to a provider yet. Called again: the same event, and 0. */
export const cancelEvent = async (
  capabilities: Capabilities,
  { tenantId, id, reason }: { readonly tenantId: string; readonly id: string | null; readonly reason: string | null },
): Promise<CancelledEvent> => {
  const { db, clock, hints } = capabilities
  if (reason !== null) checkWords(reason, ['input', 'reason'])
  const missing = () => new CarillonError('NOT_FOUND', 'There is no such event', { path: ['input', 'eventId'] })
  if (id === null) throw missing()
  let open: readonly OpenDeliveryRow[] = []
  let ended: readonly RunState[] = []
  const cancelled = await asTenant(db.tenant, tenantId, async (tx) => {
    const [lockItself, ...lockOthers] = lockEvent({ tenantId, id })
    await tx.query(lockItself)
    const runs = await tx.query<RunRow>(lockRunsOfEvent({ tenantId, id }))
    // The last of these locks, and names, the event's open deliveries.
    for (const lock of lockOthers) open = await tx.query<OpenDeliveryRow>(lock)
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    const [counts] = await tx.query<CancelledRow>(cancel({ tenantId, id }, { reason, code: 'event_cancelled', now }))
    await tx.query(leaveBuckets({ tenantId, eventId: id }, now))
    const context = { ...(reason !== null && { words: reason }) }
    const events = [{ kind: 'cancelled', reason: 'event_cancelled', context } as const]
    const causes = runs.map((run) => ({ tenantId, id: run.id, events }))
    // Before the secrets are looked at: a run that is under way may need them.
    const { over } = await advanceRuns(tx, capabilities, { runs, causes, inboxes: [], now })
    const [event] = await tx.query<EventRow>(loadEvents([{ tenantId, id }]))
    if (!event) throw missing()
    if (event.sealed_payload) await eraseSecretsIn(tx, [{ tenantId, id }])
    ended = over.map(({ state }) => state)
    return { event, cancelledCount: counts?.cancelled ?? 0, tooLateCount: counts?.too_late ?? 0 }
  })
  hints.deliveriesChanged(open.flatMap((row) => (row.status === 'dispatched' ? [] : [{ tenantId, id: row.id }])))
  tellOfEnded(capabilities.telemetry, ended)
  return cancelled
}
