import { randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { SetupError } from '../server/errors.ts'
import { connect } from './connection.ts'
import { applyOutside, isOutside } from './migrate-outside.ts'
import { checksumOf, type Migration, readMigrations } from './migration-files.ts'
import { findHistory, pendingMigrations, readHistory } from './migration-history.ts'
import { packageRoot } from './package-root.ts'
import { type ServerFacts, unsuitableServer } from './server-requirements.ts'

export interface MigrateOptions {
  /** Where the migrations are; this package's own `prisma/migrations` by default. */
  readonly directory?: string
  /** Told of each migration before it begins: which of how many that is, from 1 on. */
  readonly onApplying?: (name: string, step: number, of: number) => void
  /** Told of each migration once it is committed. */
  readonly onApplied?: (name: string) => void
}

const ownMigrations = async (): Promise<string> =>
  join(await packageRoot(dirname(fileURLToPath(import.meta.url))), 'prisma', 'migrations')

const LOCK_NOT_AVAILABLE = '55P03'
const DEADLOCK = '40P01'
const INSUFFICIENT_PRIVILEGE = '42501'

// A role's own time limit is meant for requests, and a migration may take longer.
const SESSION = `
  set client_min_messages to warning;
  set timezone to 'UTC';
  set statement_timeout to 0`

// A script that waits for a table lock makes everybody wait who comes after it for that table. So it waits for a moment,
// gives way to them, and tries again.
const SCRIPT_LOCK_TIMEOUT = `set lock_timeout to '2s'`
const TRIES = 10
const GIVE_WAY_MS = 1_000

// Waiting for another process to finish migrating delays nobody else, and is what a second replica should do.
const TURN_TIMEOUT_MS = 300_000
const TURN_EVERY_MS = 200

// Prisma's own key, so that `prisma migrate deploy` and this wait for each other. The end of the session releases it.
const TAKE_TURN = 'select pg_try_advisory_lock(72707369) as mine'

const checkServer = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<ServerFacts>(
    `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
  )
  const reason = rows[0] && unsuitableServer(rows[0])
  if (reason !== undefined) throw new SetupError(reason)
}

const takeTurn = async (client: pg.Client): Promise<void> => {
  // Asked again and again: an index that is made beside others waits for every statement under way, and one that stood
  // waiting for the turn would be among those.
  const until = performance.now() + TURN_TIMEOUT_MS
  while (!(await client.query<{ mine: boolean }>(TAKE_TURN)).rows[0]?.mine) {
    if (performance.now() > until) {
      throw new SetupError(
        'Another process has been migrating this database for 5 minutes: see pg_stat_activity, and migrate again once it is done',
      )
    }
    await pause(TURN_EVERY_MS)
  }
}

const advice = (code: string | undefined): string => {
  if (code === LOCK_NOT_AVAILABLE)
    return 'Another session holds a lock that it needs: see pg_stat_activity, and migrate again once that one is done'
  if (code === INSUFFICIENT_PRIVILEGE) return 'Migrate as a role that owns the database and may create roles'
  return 'Set that right, then migrate again'
}

const lineOf = (script: string, position: string | undefined): string =>
  position === undefined
    ? ''
    : ` at line ${script.slice(0, Number(position) - 1).split('\n').length} of its migration.sql`

const asSetupError = (error: unknown, what: string, script = ''): unknown => {
  if (!(error instanceof pg.DatabaseError)) return error
  const { message, code, detail, hint, position } = error
  const said = [`${what} failed${lineOf(script, position)}: ${message} (${code})`, detail, hint, advice(code)]
  const explained = new SetupError(said.flatMap((text) => text?.replace(/[.;]$/, '') ?? []).join('. '))
  explained.cause = error
  return explained
}

// A script that commits by itself leaves its row unfinished: this run says so, and the next refuses to go on.
const refuseOwnTransaction = (name: string, results: readonly pg.QueryResult[]): void => {
  if (results.some(({ command }) => command === 'COMMIT' || command === 'ROLLBACK')) {
    throw new SetupError(
      `The migration ${name} ends its transaction itself, and so could be left half done: take "commit" and "rollback" out of it`,
    )
  }
}

const applyWithin = async (client: pg.Client, migration: Migration): Promise<void> => {
  const { name, script } = migration
  const id = randomUUID()
  await client.query(SCRIPT_LOCK_TIMEOUT)
  await client.query('begin')
  await client.query(
    'insert into _prisma_migrations (id, checksum, migration_name, started_at) values ($1, $2, $3, clock_timestamp())',
    [id, checksumOf(migration), name],
  )
  // Without values the whole text goes to the server as one simple query: nothing here has to know where its
  // statements end, and the server's error positions are those of the file.
  refuseOwnTransaction(name, [await client.query(script)].flat())
  await client.query(
    'update _prisma_migrations set finished_at = clock_timestamp(), applied_steps_count = 1 where id = $1',
    [id],
  )
  await client.query('commit')
}

const apply = async (client: pg.Client, migration: Migration): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await (isOutside(migration) ? applyOutside : applyWithin)(client, migration)
    } catch (error) {
      // A request may have locked the tables in another order. What runs outside a transaction has been patient already.
      const isLocked = error instanceof pg.DatabaseError && [LOCK_NOT_AVAILABLE, DEADLOCK].includes(error.code ?? '')
      const again = isLocked && tries < TRIES && !isOutside(migration)
      if (!again) throw asSetupError(error, `The migration ${migration.name}`, migration.script)
      await client.query('rollback')
      await pause(GIVE_WAY_MS)
    }
  }
}

const takeStock = async (client: pg.Client, migrations: readonly Migration[]): Promise<readonly Migration[]> => {
  try {
    await client.query(SESSION)
    await checkServer(client)
    await takeTurn(client)
    return pendingMigrations(migrations, await readHistory(client))
  } catch (error) {
    throw asSetupError(error, 'Migrating')
  }
}

/**
 * Brings a database to the newest migration and answers the names of those applied, in order; none where it was there
 * already. Each is applied whole or not at all, and once, however many processes try at a time. Wants a connection to
 * the server itself: a pooler that gives each transaction another session would lose the lock.
 */
export const applyMigrations = async (
  databaseUrl: string,
  options: MigrateOptions = {},
): Promise<readonly string[]> => {
  const migrations = await readMigrations(options.directory ?? (await ownMigrations()))
  const client = await connect(databaseUrl)
  try {
    const applied: string[] = []
    const pending = await takeStock(client, migrations)
    for (const [index, migration] of pending.entries()) {
      options.onApplying?.(migration.name, index + 1, pending.length)
      await apply(client, migration)
      applied.push(migration.name)
      options.onApplied?.(migration.name)
    }
    return applied
  } finally {
    // Rolls back what a failure left open, and releases the lock.
    await client.end()
  }
}

export interface MigrationStatus {
  readonly applied: readonly string[]
  readonly pending: readonly string[]
}

/**
 * What was applied to a database and what is left, oldest first, as of now. Changes nothing and waits for nobody; a
 * SetupError where history and files cannot both be right.
 */
export const migrationStatus = async (
  databaseUrl: string,
  { directory }: Pick<MigrateOptions, 'directory'> = {},
): Promise<MigrationStatus> => {
  const migrations = await readMigrations(directory ?? (await ownMigrations()))
  const client = await connect(databaseUrl)
  try {
    await checkServer(client)
    const history = (await findHistory(client)) ?? []
    const pending = pendingMigrations(migrations, history)
    return { applied: history.map(({ name }) => name), pending: pending.map(({ name }) => name) }
  } catch (error) {
    throw asSetupError(error, 'Reading the migrations')
  } finally {
    await client.end()
  }
}
