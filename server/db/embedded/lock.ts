import { link, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../../errors.ts'
import type { Place } from './place.ts'
import { isRunning, startOf } from './process.ts'
import { writeDraft } from './record.ts'

/*
 * The lock names its holder by pid and start. It appears with its text in it, by a hard link, which fails where there
 * is one. A stale one is replaced under a second lock of the same kind, so that of two processes that find it stale
 * the slower cannot replace the faster one's.
 *
 *   free ──link──► held ──release──► free
 *                   │ holder dies
 *                   ▼
 *                 stale ──under lock.takeover, looked at again──► held
 */

const linked = (draft: string, path: string): Promise<boolean> =>
  link(draft, path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )

interface Seen {
  readonly state: 'free' | 'held' | 'stale'
  readonly pid?: number
}

const look = async (path: string): Promise<Seen> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return { state: 'free' }
  const [pid, started] = text.split(' ')
  return started && (await isRunning(Number(pid), started)) ? { state: 'held', pid: Number(pid) } : { state: 'stale' }
}

/** `true` where the stale lock is now ours; `false` where it is to be looked at again. */
const takeOver = async (draft: string, path: string): Promise<boolean> => {
  const guard = `${path}.takeover`
  if (!(await linked(draft, guard))) {
    // Whoever takes over needs a millisecond for it; one that died in that millisecond must not bar everybody.
    if ((await look(guard)).state === 'stale') await unlink(guard).catch(() => undefined)
    return false
  }
  try {
    // One that is free by now is anybody's to link; to rename over it could undo that.
    if ((await look(path)).state !== 'stale') return false
    await rename(draft, path)
    return true
  } finally {
    await unlink(guard)
  }
}

/**
 * Takes a cluster's folder for this process and returns what gives it back. Throws where another process holds it; a
 * lock whose holder died is taken over.
 */
export const acquireLock = async ({ folder, account, dataDir }: Place): Promise<() => Promise<void>> => {
  const path = join(folder, 'lock')
  const text = `${process.pid} ${await startOf(process.pid)}`
  const draft = await writeDraft(path, text, { mode: 0o644, account })
  try {
    while (!(await linked(draft, path))) {
      const { state, pid } = await look(path)
      if (state === 'held') {
        throw new SetupError(
          `Another carillon (pid ${pid}) uses the data directory ${dataDir}. ` +
            'Stop that one, or give this one another data directory with CARILLON_DATA_DIR=...',
        )
      }
      if (state === 'stale' && (await takeOver(draft, path))) break
    }
  } finally {
    await unlink(draft).catch(() => undefined)
  }
  return async () => {
    const held = await readFile(path, 'utf8').catch(() => null)
    if (held === text) await unlink(path).catch(() => undefined)
  }
}
