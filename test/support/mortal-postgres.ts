import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { applyMigrations } from '../../prisma/migrate.ts'
import { startEmbeddedPostgres } from '../../server/db/embedded.ts'
import { chosenPostgres } from './chosen-postgres.ts'

/** A PostgreSQL of a test's own that can be killed, with a migrated database. */
export interface MortalPostgres {
  readonly url: string
  /** Kills it and all its processes, as a machine does that fails, and starts it again on what is left on the disk. */
  killAndRestart(): Promise<void>
  /** Kills it and all its processes, until `restart`. */
  kill(): Promise<void>
  /** Starts it again where it was killed, at the same address. */
  restart(): Promise<void>
  /** Stops all its processes where they stand: connections stay, and nobody answers. Answers what lets them go on. */
  freeze(): Promise<() => void>
  /** Rows, read on a connection of its own that sees every tenant; the owner's rights. */
  read<Row extends pg.QueryResultRow>(text: string): Promise<readonly Row[]>
  close(): Promise<void>
}

/** The number of a process's parent; `null` where it has ended. */
const parentOf = async (pid: string): Promise<number | null> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return stat === null ? null : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

const familyOf = async (postmaster: number): Promise<readonly number[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const parents = await Promise.all(pids.map(parentOf))
  return [postmaster, ...pids.filter((_, index) => parents[index] === postmaster).map(Number)]
}

export const startMortalPostgres = async (): Promise<MortalPostgres> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'carillon-mortal-'))
  // The account that runs PostgreSQL has to reach it.
  await chmod(dataDir, 0o755)
  // Not a throwaway one: what that has committed may be lost when it is killed.
  let postgres = await startEmbeddedPostgres({ dataDir, ...chosenPostgres() })
  const { url } = postgres
  await applyMigrations(url)

  const read = async <Row extends pg.QueryResultRow>(text: string): Promise<readonly Row[]> => {
    const client = new pg.Client({ connectionString: url, options: '-c carillon.tenant=*' })
    // It may be lost in the midst of it; whoever waits is told by the statement.
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Row>(text)).rows
    } finally {
      await client.end()
    }
  }

  // Processes are killed here, not the machine: what was written is there, whether or not the disk has it yet.
  await read('alter system set fsync = off')
  await read('select pg_reload_conf()')
  const family = async (): Promise<readonly number[]> => {
    const [row] = await read<{ file: string }>("select pg_read_file('postmaster.pid') as file")
    return familyOf(Number.parseInt(row?.file ?? '', 10))
  }
  const signal = (pids: readonly number[], name: NodeJS.Signals): void => {
    for (const pid of pids) {
      try {
        process.kill(pid, name)
      } catch {
        // It has ended by itself, the first one being gone.
      }
    }
  }
  const kill = async (): Promise<void> => signal(await family(), 'SIGKILL')
  const restart = async (): Promise<void> => {
    await postgres.stop()
    postgres = await startEmbeddedPostgres({ dataDir, ...chosenPostgres() })
    if (postgres.url !== url) throw new Error(`PostgreSQL came back at ${postgres.url}, and not where it was`)
  }
  return {
    url,
    read,
    async killAndRestart() {
      await kill()
      await restart()
    },
    kill,
    restart,
    async freeze() {
      const pids = await family()
      signal(pids, 'SIGSTOP')
      return () => signal(pids, 'SIGCONT')
    },
    async close() {
      await postgres.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
