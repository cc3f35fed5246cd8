import type { QueryConfig } from 'pg'

export interface TriedKeyRow {
  ordinal: number
  locked: boolean
}

/**
 * Tries to take the idempotency keys of a batch until its transaction ends, without ever waiting: with a plain insert
 * one competitor that is slow to commit would stall the whole batch. Locks: one advisory lock a key.
 */
export const tryKeys = (hashes: readonly bigint[]): QueryConfig => ({
  name: 'try_keys',
  text: `select ordinal::int4, pg_try_advisory_xact_lock(hash) as locked from unnest($1::int8[]) with ordinality as k (hash, ordinal)`,
  values: [hashes.map(String)],
})
