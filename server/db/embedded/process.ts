import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { run } from './command.ts'

/**
 * Seconds that Postgres gets to end sessions and write what it holds in memory before it is told to stop at once, which
 * is as safe but means a recovery at the next start. Postgres 18.4 needs telling where a shutdown meets the recovery
 * from a session that crashed: it then waits for ever.
 */
export const POLITE_SECONDS = 15

/** The system does not say when the process began. */
const UNKNOWN = 'unknown'

/** Whether the number is in use, be it by a process that has ended and waits for its parent to notice. */
export const isTaken = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/**
 * When a process began, as one word that is only compared; `null` where it is gone. A pid and this name a process for
 * good, a pid alone is used again. One that has ended and waits for its parent to notice counts as gone.
 */
export const startOf = async (pid: number): Promise<string | null> => {
  if (!isTaken(pid)) return null
  if (process.platform === 'linux') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    if (stat === null) return isTaken(pid) ? UNKNOWN : null
    // The second field is the program's name in brackets, which may hold anything; the rest is split by spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return null
    // Ticks since boot mean nothing without the boot.
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
    return `${boot.trim()}/${fields[19]}`
  }
  if (process.platform === 'win32') return UNKNOWN
  const { ok, output } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { account: null, cwd: '/' })
  if (ok) return output.replaceAll(' ', '-')
  return isTaken(pid) ? UNKNOWN : null
}

/** Whether the process that `started` was read of still runs. */
export const isRunning = async (pid: number, started: string): Promise<boolean> => {
  const now = await startOf(pid)
  return now !== null && (now === started || now === UNKNOWN || started === UNKNOWN)
}

/** Waits until all processes are gone; `false` where some still run after `seconds`. */
export const gone = async (pids: readonly number[], seconds: number): Promise<boolean> => {
  const until = performance.now() + seconds * 1_000
  for (;;) {
    const running = await Promise.all(pids.map(startOf))
    if (running.every((start) => start === null)) return true
    if (performance.now() > until) return false
    await pause(20)
  }
}
