import type { Routes } from '../../adapters/routing.ts'
import { compare } from '../../core/compare.ts'
import { nameOf } from '../../core/name-of.ts'
import type { Claim } from '../../db/sql/claim-due.ts'
import { loadEvents } from '../../db/sql/load-events.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { type ClaimedDeliveryRow, lockClaimedDeliveries } from '../../db/sql/lock-claimed-deliveries.ts'
import { type ClockRow, readClock } from '../../db/sql/read-clock.ts'
import type { Transaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { type RecipientFacts, readFacts } from '../facts.ts'
import { type Beginning, decideClaim } from './decide.ts'

/** One claimed delivery as the perform checkpoint decided it, with what it was decided from. */
export interface Performed extends Beginning {
  readonly delivery: ClaimedDeliveryRow
  readonly event: EventRow
  readonly facts: RecipientFacts
}

export interface Performance {
  readonly now: Date
  readonly performed: readonly Performed[]
}

/** Recipient by recipient, each in its own order: a sort that took those of different recipients for equal would not keep to that. */
const inOrder = (a: ClaimedDeliveryRow, b: ClaimedDeliveryRow): number =>
  compare(a.tenant_id, b.tenant_id) || compare(a.recipient_id, b.recipient_id) || a.position - b.position

/** The facts without those deliveries that count no more: no more of each cap than it allows, as of any other reading. */
const withoutStopped = (facts: RecipientFacts, stopped: ReadonlySet<string>): RecipientFacts => ({
  ...facts,
  counted: facts.counted.map((list, index) =>
    list
      .filter(({ id }) => !stopped.has(id))
      .sort((a, b) => b.at.getTime() - a.at.getTime())
      .slice(0, facts.policy.caps[index]?.limit),
  ),
})

/**
 * The perform checkpoint for a batch of claims: locks what is still theirs, reads the facts, and asks the planner. Writes
 * nothing. Claims whose lease was lost, or whose delivery was settled by somebody else, are left out.
 */
export const performClaims = async (
  tx: Transaction,
  {
    clock,
    retry,
    needsAddress,
    addressKey,
    telemetry,
    defaultTimeZone,
    routes,
  }: Capabilities & { readonly routes: Routes },
  claims: readonly Claim[],
): Promise<Performance> => {
  const locked = [...(await tx.query<ClaimedDeliveryRow>(lockClaimedDeliveries(claims)))]
  if (locked.length === 0) return { now: new Date(0), performed: [] }
  const keys = locked.map((row) => ({
    tenantId: row.tenant_id,
    recipientId: row.recipient_id,
    position: row.position,
  }))
  const [[time], events, facts] = await Promise.all([
    tx.query<ClockRow>(readClock(clock.now())),
    tx.query<EventRow>(loadEvents(locked.map((row) => ({ tenantId: row.tenant_id, id: row.event_id })))),
    readFacts(tx, keys),
  ])
  const { now } = time as ClockRow
  const eventById = new Map(events.map((event) => [nameOf(event.tenant_id, event.id), event]))
  const factsOf = new Map(locked.map((row, index) => [row, facts[index] as RecipientFacts]))
  /** Decided a moment ago, and not to be sent: a later one of the same recipient is not held by it. */
  const stopped = new Set<string>()
  const performed: Performed[] = []
  for (const delivery of locked.sort(inOrder)) {
    const event = eventById.get(nameOf(delivery.tenant_id, delivery.event_id))
    if (!event) {
      // Somebody removed it by hand. Its lease runs out again and again, and the others go on.
      telemetry.emit('worker.failed', { error: new Error(`delivery ${delivery.id} has no event`) })
      continue
    }
    const own = withoutStopped(factsOf.get(delivery) as RecipientFacts, stopped)
    const beginning = decideClaim({
      delivery,
      event,
      facts: own,
      route: routes.get(delivery.channel),
      retry,
      needsAddress: needsAddress(delivery.channel),
      addressKey,
      defaultTimeZone,
      now,
    })
    if (beginning.begun.status !== 'dispatched' && beginning.begun.status !== 'succeeded') stopped.add(delivery.id)
    performed.push({ ...beginning, delivery, event, facts: own })
  }
  return { now, performed }
}
