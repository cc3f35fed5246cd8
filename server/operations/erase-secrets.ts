import type { EventKey, SealedEventRow } from '../db/sql/erase-secrets.ts'
import { eraseSecrets, lockNextSealed, lockSealed } from '../db/sql/erase-secrets.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import { inTransaction, type Transaction } from '../db/transaction.ts'
import type { Capabilities } from './capabilities.ts'
import { coalesce } from './coalesce.ts'

/** Events of more recipients are left to the sweep: to look at all their deliveries whenever one has ended would cost the square. */
const MAX_LOOKED_AT_ONCE = 200
const MAX_ERASED_AT_ONCE = 100

const toKey = (row: SealedEventRow): EventKey => ({ tenantId: row.tenant_id, id: row.id })

/** Erases in a transaction that has done all else what is to be done; the events are locked last, and those that somebody else holds are left to the sweep. */
export const eraseSecretsIn = async (tx: Transaction, events: readonly EventKey[]): Promise<void> => {
  const locked = await tx.query<SealedEventRow>(lockSealed(events))
  if (locked.length > 0) await tx.query(eraseSecrets(locked.map(toKey)))
}

/** Erases the secret fields of these events, of which something has just ended, where it was the last. */
export type EraseSecrets = (
  events: readonly Pick<EventRow, 'tenant_id' | 'id' | 'has_secrets' | 'recipient_count'>[],
) => Promise<void>

/** Resolves whatever happens: what is not erased now is found by the sweep. */
export const createEraseSecrets = ({ db, telemetry }: Pick<Capabilities, 'db' | 'telemetry'>): EraseSecrets => {
  const erase = coalesce(
    async (asked: readonly EventKey[]) => {
      const events = [...new Map(asked.map((event) => [`${event.tenantId}\n${event.id}`, event])).values()]
      await inTransaction(db.system, (tx) => eraseSecretsIn(tx, events))
      return asked
    },
    { limit: MAX_ERASED_AT_ONCE },
  )
  return async (events) => {
    const spent = events.filter((event) => event.has_secrets && event.recipient_count <= MAX_LOOKED_AT_ONCE)
    try {
      await Promise.all(spent.map((event) => erase({ tenantId: event.tenant_id, id: event.id })))
    } catch (error) {
      telemetry.emit('worker.failed', { error: error as Error })
    }
  }
}

/** Erases the secret fields of all events of which nothing is left to be sent, a bounded number at a time; answers how many. */
export const sweepSecrets = async (
  { db }: Pick<Capabilities, 'db'>,
  { batch = MAX_ERASED_AT_ONCE }: { readonly batch?: number } = {},
): Promise<number> => {
  let erased = 0
  let after: EventKey | null = null
  do {
    const from: EventKey | null = after
    after = await inTransaction(db.system, async (tx): Promise<EventKey | null> => {
      const rows = await tx.query<SealedEventRow>(lockNextSealed(from, batch))
      const events = rows.map(toKey)
      if (events.length > 0) erased += (await tx.query<SealedEventRow>(eraseSecrets(events))).length
      return events.length < batch ? null : (events.at(-1) ?? null)
    })
  } while (after)
  return erased
}
