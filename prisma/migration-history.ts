import type { Client } from 'pg'
import { SetupError } from '../server/errors.ts'
import { isChecksumOf, type Migration } from './migration-files.ts'

/** One row of the table in which Prisma keeps what was applied. Rows that were rolled back are not read. */
export interface AppliedMigration {
  readonly name: string
  readonly checksum: string
  readonly finished: boolean
}

// Prisma's own table, to the letter, so that `prisma migrate deploy` finds there what it would have written.
const CREATE_TABLE = `
  create table _prisma_migrations (
    id                  varchar(36) primary key not null,
    checksum            varchar(64) not null,
    finished_at         timestamptz,
    migration_name      varchar(255) not null,
    logs                text,
    rolled_back_at      timestamptz,
    started_at          timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`

/** What was applied, or begun, in this database; `null` where nothing ever was. Writes nothing. */
export const findHistory = async (client: Client): Promise<readonly AppliedMigration[] | null> => {
  // Not `create table if not exists`: that asks for the right to create even where there is nothing to do.
  const { rows } = await client.query<{ exists: boolean }>(
    `select to_regclass('_prisma_migrations') is not null as exists`,
  )
  if (!rows[0]?.exists) return null
  const history = await client.query<AppliedMigration>(
    `select migration_name as name, checksum, finished_at is not null as finished
       from _prisma_migrations where rolled_back_at is null order by started_at`,
  )
  return history.rows
}

/** Like `findHistory`, and makes the table where there is none; hold Prisma's lock. */
export const readHistory = async (client: Client): Promise<readonly AppliedMigration[]> => {
  const history = await findHistory(client)
  if (history === null) await client.query(CREATE_TABLE)
  return history ?? []
}

/** The migrations still to apply, oldest first; a SetupError where history and files cannot both be right. */
export const pendingMigrations = (
  migrations: readonly Migration[],
  history: readonly AppliedMigration[],
): readonly Migration[] => {
  const known = new Map(migrations.map((migration) => [migration.name, migration]))
  for (const { name, checksum, finished } of history) {
    const migration = known.get(name)
    if (migration === undefined) {
      throw new SetupError(
        `The database has the migration ${name}, which this version of Carillon does not know: a newer one was here. Run that version or a later one, or go back to a copy of the database from before it`,
      )
    }
    if (!finished) {
      throw new SetupError(
        `The migration ${name} was begun on this database and not finished. Undo what it left, delete its row from _prisma_migrations, then migrate again`,
      )
    }
    if (!isChecksumOf(migration, checksum)) {
      throw new SetupError(
        `The migration ${name} was edited after it had been applied to this database. Put its migration.sql back as it was, and write another migration for what should change; a database without anything of worth can be dropped instead`,
      )
    }
  }
  const applied = new Set(history.map(({ name }) => name))
  return migrations.filter(({ name }) => !applied.has(name))
}
