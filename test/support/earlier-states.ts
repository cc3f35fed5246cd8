import { cp, mkdir, mkdtemp, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { applyMigrations } from '../../prisma/migrate.ts'
import { createEmptyDatabase } from './database.ts'

const MIGRATIONS = resolve(import.meta.dirname, '../../prisma/migrations')

/** The names of this version's migrations, oldest first. */
export const migrationNames = async (): Promise<string[]> =>
  (await readdir(MIGRATIONS, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()

/** Copies the migrations of these names into a folder, which is then the `directory` of an earlier version. */
export const copyMigrations = async (names: readonly string[], folder: string): Promise<string> => {
  await mkdir(folder, { recursive: true })
  for (const name of names) await cp(join(MIGRATIONS, name), join(folder, name), { recursive: true })
  return folder
}

export type Rows = ReadonlyMap<string, readonly Record<string, unknown>[]>

const tableNames = async (sql: pg.Pool): Promise<string[]> => {
  const { rows } = await sql.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> '_prisma_migrations' order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** Every row of every table, in no order that means anything but the same one each time. */
export const readRows = async (sql: pg.Pool): Promise<Rows> => {
  const found = new Map<string, Record<string, unknown>[]>()
  for (const name of await tableNames(sql)) {
    const { rows } = await sql.query(
      `select to_jsonb(t) as row from "${name}" t order by to_jsonb(t)::text collate "C"`,
    )
    found.set(
      name,
      rows.map(({ row }) => row),
    )
  }
  return found
}

/**
 * Writes rows as an earlier schema would hold them: into the tables that it has, with the columns that it has. Triggers
 * and foreign keys are not asked, as when a copy of a database is restored; its checks are.
 */
const writeRows = async (sql: pg.Pool, rows: Rows): Promise<void> => {
  const client = await sql.connect()
  try {
    await client.query('begin')
    await client.query('set local session_replication_role = replica')
    const known = new Set(await tableNames(sql))
    for (const [name, ofTable] of rows) {
      if (!known.has(name)) continue
      // What it does not know is left out; what it knows and the rows lack would be null, and is refused.
      await client.query(`insert into "${name}" select * from jsonb_populate_recordset(null::"${name}", $1)`, [
        JSON.stringify(ofTable),
      ])
    }
    await client.query('commit')
  } finally {
    client.release()
  }
}

/** A database as the migrations of these names leave it, with rows of a later life as far as it can hold them. */
export const earlierDatabase = async (
  names: readonly string[],
  { rows, scratch }: { readonly rows: Rows; readonly scratch: string },
) => {
  const { url, drop } = await createEmptyDatabase()
  const directory = await copyMigrations(names, await mkdtemp(join(scratch, 'earlier-')))
  await applyMigrations(url, { directory })
  const sql = new pg.Pool({ connectionString: url, options: '-c carillon.tenant=*', max: 2 })
  await writeRows(sql, rows)
  return {
    url,
    sql,
    async drop() {
      await sql.end()
      await drop()
    },
  }
}
