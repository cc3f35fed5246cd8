import { readdir, readFile, readlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../../errors.ts'
import { run } from './command.ts'
import type { Place } from './place.ts'
import { gone, isTaken, POLITE_SECONDS } from './process.ts'

const numbers = (names: readonly string[]): number[] => names.map(Number).filter((pid) => Number.isInteger(pid))

const worksIn = async (pid: number, data: string): Promise<boolean> => {
  if (process.platform === 'linux') {
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    // Each process of a Postgres stands in its data directory, wherever that has been moved since.
    return name.trim() === 'postgres' && (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === data
  }
  const { output } = await run('ps', ['-o', 'command=', '-p', String(pid)], { account: null, cwd: '/' })
  return output.includes('postgres') && output.includes(data)
}

/**
 * All processes that work on the data; elsewhere than on Linux only the first among them can be known. `null` where
 * the system does not let itself be asked.
 */
const workersOn = async (data: string, postmaster: number): Promise<number[] | null> => {
  const isLinux = process.platform === 'linux'
  const candidates = isLinux ? await readdir('/proc').then(numbers, () => null) : [postmaster]
  if (!candidates) return null
  const works = await Promise.all(candidates.map((pid) => worksIn(pid, data)))
  return candidates.filter((_, index) => works[index])
}

/** Sends a signal and waits; `false` where some still run after `seconds`. */
const tell = (pids: readonly number[], signal: NodeJS.Signals, waitFor: readonly number[], seconds: number) => {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended meanwhile.
    }
  }
  return gone(waitFor, seconds)
}

const end = async (workers: readonly number[], postmaster: number): Promise<boolean> => {
  // To the first among them SIGINT means a fast shutdown; the others alone understand SIGTERM.
  const politely = workers.includes(postmaster)
    ? tell([postmaster], 'SIGINT', workers, POLITE_SECONDS)
    : tell(workers, 'SIGTERM', workers, 5)
  return (await politely) || (await tell(workers, 'SIGQUIT', workers, 5)) || tell(workers, 'SIGKILL', workers, 5)
}

/**
 * Ends the Postgres of a process that was killed, politely as far as it listens; Postgres recovers from all of it.
 * Only the holder of the cluster's lock may call this. Does nothing after a clean stop.
 */
export const stopLeftovers = async (
  { folder }: Place,
  pgCtl: string,
  onNotice: (message: string) => void,
): Promise<void> => {
  const data = join(folder, 'data')
  const pidFile = join(data, 'postmaster.pid')
  const text = await readFile(pidFile, 'utf8').catch(() => null)
  if (text === null) return
  if (process.platform === 'win32') {
    // Goes through a pipe that only a Postgres listens on, so a pid in other use comes to no harm.
    await run(pgCtl, ['stop', '-D', data, '-m', 'fast'], { account: null, cwd: folder })
    return
  }

  const postmaster = Number.parseInt(text, 10)
  const workers = await workersOn(data, postmaster)
  if (!workers) return
  if (workers.length > 0) {
    onNotice(`Stopping the Postgres (pid ${postmaster}) that an earlier run left behind in ${folder}.`)
    if (!(await end(workers, postmaster))) {
      throw new SetupError(`The Postgres (pid ${postmaster}) left behind in ${folder} does not stop. Stop it yourself.`)
    }
  }
  // Postgres takes any process of this number, even one that only waits to be reaped, for its predecessor.
  if (isTaken(postmaster)) await unlink(pidFile).catch(() => undefined)
}
