import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { SetupError } from '../../errors.ts'
import type { Binaries } from './binaries.ts'
import { run, spawnOptions } from './command.ts'
import { HOST } from './connection.ts'
import { type Log, openLog } from './log.ts'
import type { Place } from './place.ts'
import { gone, POLITE_SECONDS } from './process.ts'

/** A running Postgres: the process that its other processes belong to. */
export interface Postmaster {
  readonly pid: number
  readonly log: Log
  /** Settles when it has ended, with how. */
  readonly ended: Promise<string>
  readonly hasEnded: () => boolean
  /** Lets this process end while it runs; it is then shut down. */
  readonly unref: () => void
  /** Shuts it down: sessions are ended, data is written. */
  readonly stop: () => Promise<void>
}

const SETTINGS = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
  max_connections: '200',
  shared_buffers: '128MB',
  idle_in_transaction_session_timeout: '60s',
  // Queues are tables whose rows die young.
  autovacuum_naptime: '15s',
}

/** Whatever a crash of the machine costs is nothing to a throwaway cluster. */
const EPHEMERAL = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/**
 * Shuts Postgres down when this process ends in a way that leaves it no time to, such as SIGKILL: the pipe closes with
 * it, whatever the way.
 */
const watch = (pid: number, place: Place): ChildProcess | null => {
  if (process.platform === 'win32') return null
  const script = 'read -r _; kill -INT "$1"'
  const watcher = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    ...spawnOptions({ account: place.account, cwd: '/' }),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without it there is still the next start, which ends what it finds.
  watcher.on('error', () => undefined)
  watcher.stdin?.on('error', () => undefined)
  return watcher
}

const unrefAll = (watcher: ChildProcess | null, child: ChildProcess): void => {
  child.unref()
  watcher?.unref()
  // Typed as a stream, but a pipe is a socket, whose handle would keep this process alive.
  ;(watcher?.stdin as { unref?: () => void } | null)?.unref?.()
}

/** Starts Postgres on a cluster; it is not ready to answer yet. Rejects where it could not be run at all. */
export const startPostmaster = async (
  place: Place,
  { postgres, pgCtl }: Binaries,
  { port, ephemeral }: { port: number; ephemeral: boolean },
): Promise<Postmaster> => {
  const log = await openLog(place)
  const settings = Object.entries({ ...SETTINGS, port: String(port), ...(ephemeral ? EPHEMERAL : {}) })
  let watcher: ChildProcess | null = null
  let isOver = false
  const launch = () => {
    const child = spawn(
      postgres,
      ['-D', join(place.folder, 'data'), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...spawnOptions({ account: place.account, cwd: place.folder }),
        // A group of its own: Ctrl-C in the terminal is for this process, which stops Postgres when it is done with it.
        detached: true,
        stdio: ['ignore', log.file.fd, log.file.fd],
      },
    )
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ? `signal ${signal}` : `exit code ${code}`))
      child.once('error', (error) => resolve(error.message))
    }).then((how) => {
      isOver = true
      watcher?.kill('SIGKILL')
      return how
    })
    return { child, ended }
  }
  const { child, ended } = await Promise.resolve()
    .then(launch)
    .finally(() => log.file.close())
  const { pid } = child
  if (pid === undefined) throw new SetupError(`Could not run ${postgres}: ${await ended}`)
  if (!isOver) watcher = watch(pid, place)

  const tell = async (signal: 'INT' | 'QUIT' | 'KILL', seconds: number): Promise<boolean> => {
    if (isOver) return true
    if (process.platform === 'win32')
      await run(pgCtl, ['kill', signal, String(pid)], { account: null, cwd: place.folder })
    else child.kill(`SIG${signal}`)
    return gone([pid], seconds)
  }
  return {
    pid,
    log,
    ended,
    hasEnded: () => isOver,
    unref: () => unrefAll(watcher, child),
    stop: async () => {
      child.ref()
      ;(await tell('INT', POLITE_SECONDS)) || (await tell('QUIT', 5)) || (await tell('KILL', 5))
      await ended
    },
  }
}
