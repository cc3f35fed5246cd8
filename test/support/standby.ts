import { execFile } from 'node:child_process'
import { chmod, chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../server/db/embedded.ts'

const run = promisify(execFile)

/** A database, and another that follows it. */
export interface Pair {
  readonly primaryUrl: string
  readonly standbyUrl: string
  /** Holds the standby where it is, or lets it go on. */
  pause(whether: boolean): Promise<void>
  /** Ends the standby alone. */
  stopStandby(): Promise<void>
  stop(): Promise<void>
}

const ask = async <Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row | undefined> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows[0]
  } finally {
    await client.end()
  }
}

const folderOf = async ({ url }: EmbeddedPostgres): Promise<string> =>
  (await ask<{ at: string }>(url, `select current_setting('data_directory') as at`))?.at as string

const emptyDirectory = async (): Promise<string> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'carillon-standby-'))
  await chmod(dataDir, 0o755)
  return dataDir
}

/**
 * Copies the folder of a cluster at work. Files that are gone before they are read are no loss: what replaced them is
 * replayed.
 */
const copyRunning = async (from: string, to: string): Promise<void> => {
  try {
    // Not by Node, which would make the copy its own account's.
    await run('cp', ['-a', from, to], { env: { ...process.env, LC_ALL: 'C' } })
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? '').trim()
    const onlyVanished = said !== '' && said.split('\n').every((line) => line.endsWith('No such file or directory'))
    if (!onlyVanished) throw error
  }
}

/** Makes the cluster in one folder a copy of a running one that follows it. */
const copyAsStandby = async (primary: EmbeddedPostgres, from: string, to: string): Promise<void> => {
  const { uid, gid } = await stat(from)
  const put = async (name: string, text: string) => {
    await writeFile(join(to, name), text)
    await chown(join(to, name), uid, gid)
  }
  await rm(to, { recursive: true })
  const client = new pg.Client({ connectionString: primary.url })
  await client.connect()
  try {
    await client.query(`select pg_backup_start('standby', true)`)
    await copyRunning(from, to)
    await rm(join(to, 'postmaster.pid'))
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    await put('backup_label', rows[0]?.labelfile as string)
  } finally {
    await client.end()
  }
  const { hostname, port, username, password } = new URL(primary.url)
  await put(
    'postgresql.auto.conf',
    `primary_conninfo = 'host=${hostname} port=${port} user=${username} password=${password}'\n`,
  )
  await put('standby.signal', '')
}

/** Makes a second cluster that streams from the first. */
const startStandby = async (primary: EmbeddedPostgres, dataDir: string): Promise<EmbeddedPostgres> => {
  const draft = await startEmbeddedPostgres({ dataDir, ephemeral: true })
  const [from, to] = await Promise.all([folderOf(primary), folderOf(draft)]).finally(() => draft.stop())
  await copyAsStandby(primary, from, to)
  // The role and its password are those of the original.
  await run('cp', ['-a', join(dirname(from), 'password'), join(dirname(to), 'password')])
  return startEmbeddedPostgres({ dataDir, ephemeral: true })
}

/** Starts two clusters of which the second streams from the first. */
export const startPair = async (): Promise<Pair> => {
  const [here, there] = [await emptyDirectory(), await emptyDirectory()]
  const primary = await startEmbeddedPostgres({ dataDir: here, ephemeral: true })
  const stopPrimary = async () => {
    await primary.stop()
    await Promise.all([here, there].map((dataDir) => rm(dataDir, { recursive: true, force: true })))
  }
  const standby = await startStandby(primary, there).catch(async (error: unknown) => {
    await stopPrimary()
    throw error
  })
  return {
    primaryUrl: primary.url,
    standbyUrl: standby.url,
    async pause(whether) {
      await ask(standby.url, whether ? 'select pg_wal_replay_pause()' : 'select pg_wal_replay_resume()')
    },
    stopStandby: () => standby.stop(),
    async stop() {
      await standby.stop()
      await stopPrimary()
    },
  }
}
