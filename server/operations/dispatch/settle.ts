import { markBounced } from '../../db/sql/mark-bounced.ts'
import { recordOvertaken } from '../../db/sql/record-overtaken.ts'
import { type SettledDelivery, settleDeliveries } from '../../db/sql/settle-deliveries.ts'
import { inTransaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { halving } from '../halving.ts'

/**
 * What became of a result. `overtaken`: its provider had reported how it ended, so it is written down and moves nothing.
 * `too_late`: its lease had gone to another worker, and it is dropped.
 */
export type Settled = 'recorded' | 'overtaken' | 'too_late'

export const idsOf = (found: readonly { readonly id: string }[]): ReadonlySet<string> =>
  new Set(found.map(({ id }) => id))

/** The addresses that bounced, of those that were recorded. */
export const bouncedIn = (rows: readonly SettledDelivery[], recorded: ReadonlySet<string>) =>
  rows.flatMap(({ id, tenantId, recipientId, channel, bounced }) =>
    recorded.has(id) ? bounced.map((address) => ({ tenantId, recipientId, channel, address })) : [],
  )

/** A call ended by its provider's report is a rare one, and costs the others nothing. */
const recordLate = async (
  { db, telemetry }: Pick<Capabilities, 'db' | 'telemetry'>,
  rows: readonly SettledDelivery[],
  now: Date | null,
): Promise<ReadonlySet<string>> => {
  if (rows.length === 0) return new Set()
  const answers = await halving(rows, async (part) => {
    const { rows: found } = await db.system.query<{ id: string }>(recordOvertaken(part, now))
    return part.map(({ id }) => (found.some((one) => one.id === id) ? id : null))
  })
  const failed = answers.find((answer) => answer.status === 'rejected')
  if (failed) telemetry.emit('worker.failed', { error: failed.reason as Error })
  return new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? (answer.value ?? []) : [])))
}

/** Records results, and marks the addresses that bounced, in one transaction. Says of each what became of it. */
export const settle = async (
  capabilities: Pick<Capabilities, 'db' | 'telemetry' | 'hints'>,
  rows: readonly SettledDelivery[],
  now: Date | null,
): Promise<readonly Settled[]> => {
  const { db } = capabilities
  const record = settleDeliveries(rows, now)
  // Most have nothing to mark, and need no transaction of their own.
  const recorded = rows.every(({ bounced }) => bounced.length === 0)
    ? idsOf((await db.system.query<{ id: string }>(record)).rows)
    : await inTransaction(db.system, async (tx) => {
        const ids = idsOf(await tx.query<{ id: string }>(record))
        await tx.commitWith(markBounced(bouncedIn(rows, ids), now))
        return ids
      })
  return settledAs(capabilities, rows, { recorded, now })
}

/** What became of each result, those written down that were overtaken. */
export const settledAs = async (
  capabilities: Pick<Capabilities, 'db' | 'telemetry' | 'hints'>,
  rows: readonly SettledDelivery[],
  { recorded, now }: { readonly recorded: ReadonlySet<string>; readonly now: Date | null },
): Promise<readonly Settled[]> => {
  capabilities.hints.deliveriesChanged(rows.filter(({ id }) => recorded.has(id)))
  const lost = rows.filter(({ id }) => !recorded.has(id))
  const overtaken = await recordLate(capabilities, lost, now)
  return rows.map(({ id }) => (recorded.has(id) ? 'recorded' : overtaken.has(id) ? 'overtaken' : 'too_late'))
}
