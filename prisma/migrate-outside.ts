import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { SetupError } from '../server/errors.ts'
import { checksumOf, type Migration } from './migration-files.ts'

const MARK = /^-- carillon: outside a transaction\r?\n/

const INDEX = /^create (?:unique )?index concurrently if not exists "([^"]+)" [^;]*;?\s*$/i

/** Whether a script says of itself, in its first line, that it is not to run in a transaction. */
export const isOutside = ({ script }: Migration): boolean => MARK.test(script)

const indexOf = ({ name, script }: Migration): string => {
  const [, index] = INDEX.exec(script.replaceAll(/^--.*\r?\n/gm, '')) ?? []
  if (index === undefined) {
    throw new SetupError(
      `The migration ${name} is to run outside a transaction, and so could be left half done: let it be one "create index concurrently if not exists" with the name in quotation marks, or take its first line out`,
    )
  }
  return index
}

// It waits for the transactions that were there before it, and nobody who reads or writes waits for it meanwhile.
const PATIENCE = `set lock_timeout to '5min'`

const IS_INVALID = 'select from pg_index where indexrelid = to_regclass(quote_ident($1)) and not indisvalid'

/**
 * Applies a migration that makes an index beside whoever reads and writes. It is recorded once it is done, so that one that
 * was interrupted is begun anew: what that left, an index that serves nobody, goes first.
 */
export const applyOutside = async (client: pg.Client, migration: Migration): Promise<void> => {
  const index = indexOf(migration)
  await client.query(PATIENCE)
  const { rowCount } = await client.query(IS_INVALID, [index])
  if (rowCount) await client.query(`drop index concurrently if exists "${index}"`)
  await client.query(migration.script)
  await client.query(
    `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     values ($1, $2, $3, clock_timestamp(), clock_timestamp(), 1)`,
    [randomUUID(), checksumOf(migration), migration.name],
  )
}
