import { nameOf } from '../core/name-of.ts'
import {
  type EventKey,
  eraseSecrets,
  type LookedAtRow,
  lockSealed,
  lookForSpent,
  type SealedEventRow,
} from '../db/sql/erase-secrets.ts'
import type { EventRow } from '../db/sql/load-events-by-key.ts'
import { inTransaction, type Transaction } from '../db/transaction.ts'
import type { Capabilities } from './capabilities.ts'
import { coalesce } from './coalesce.ts'

/** Events of more recipients are left to the sweep: to look at all their deliveries whenever one has ended would cost the square. */
const MAX_LOOKED_AT_ONCE = 200
const MAX_ERASED_AT_ONCE = 100

const toKey = (row: SealedEventRow): EventKey => ({ tenantId: row.tenant_id, id: row.id })

/** Erases in a transaction that has done all else what is to be done; the events are locked last, and those that somebody else holds are left to the sweep. Answers how many were erased. */
export const eraseSecretsIn = async (tx: Transaction, events: readonly EventKey[]): Promise<number> => {
  const locked = await tx.query<SealedEventRow>(lockSealed(events))
  if (locked.length === 0) return 0
  return (await tx.query<SealedEventRow>(eraseSecrets(locked.map(toKey)))).length
}

/**
 * Erases the secret fields of these events, of which something has just ended, where it was the last. `ofAnySize` is for
 * what happens once in an event, such as the end of its planning.
 */
export type EraseSecrets = (
  events: readonly Pick<EventRow, 'tenant_id' | 'id' | 'has_secrets' | 'recipient_count'>[],
  options?: { readonly ofAnySize?: boolean },
) => Promise<void>

/** Resolves whatever happens: what is not erased now is found by the sweep. */
export const createEraseSecrets = ({ db, telemetry }: Pick<Capabilities, 'db' | 'telemetry'>): EraseSecrets => {
  const erase = coalesce(
    async (asked: readonly EventKey[]) => {
      const events = [...new Map(asked.map((event) => [nameOf(event.tenantId, event.id), event])).values()]
      await inTransaction(db.system, (tx) => eraseSecretsIn(tx, events))
      return asked
    },
    { limit: MAX_ERASED_AT_ONCE },
  )
  return async (events, { ofAnySize = false } = {}) => {
    const isLookedAt = (count: number): boolean => ofAnySize || count <= MAX_LOOKED_AT_ONCE
    const spent = events.filter((event) => event.has_secrets && isLookedAt(event.recipient_count))
    try {
      await Promise.all(spent.map((event) => erase({ tenantId: event.tenant_id, id: event.id })))
    } catch (error) {
      telemetry.emit('worker.failed', { error: error as Error })
    }
  }
}

/** One sweep looks at so many events that have secret fields, and at events of so many recipients in all. */
const MAX_SWEPT_EVENTS = 1_000
const MAX_SWEPT_RECIPIENTS = 100_000

/** What one sweep looks at. */
export interface SweepBounds {
  readonly events: number
  readonly recipients: number
}

/**
 * Looks for events of which nothing is left to be sent, and erases their secret fields; answers how many that were. Each
 * call looks at the next few, and begins anew after the last one: however many wait, a sweep stays as short.
 */
export const createSecretsSweep = (
  { db }: Pick<Capabilities, 'db'>,
  bounds: SweepBounds = { events: MAX_SWEPT_EVENTS, recipients: MAX_SWEPT_RECIPIENTS },
): (() => Promise<number>) => {
  let after: EventKey | null = null

  const look = async () => (await db.system.query<LookedAtRow>(lookForSpent(after, bounds))).rows
  return async () => {
    let rows = await look()
    if (rows.length === 0 && after) {
      after = null
      rows = await look()
    }
    const last = rows.at(-1)
    after = last ? toKey(last) : null
    const spent = rows.filter((row) => row.spent).map(toKey)
    if (spent.length === 0) return 0
    return inTransaction(db.system, (tx) => eraseSecretsIn(tx, spent))
  }
}
