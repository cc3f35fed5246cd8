import { constants } from 'node:fs'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Place } from './place.ts'

const ROTATE_BYTES = 10_000_000
const LAST_LINES = 15
const TAIL_BYTES = 16_000

/** What Postgres says, in `server.log` in the cluster's folder; one former file of up to 10 MB is kept. */
export interface Log {
  readonly path: string
  /** For the child to write to. */
  readonly file: FileHandle
  /** The last lines written since this log was opened. */
  readonly lastLines: () => Promise<string>
}

const tail = async (path: string, from: number): Promise<string> => {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const start = Math.max(from, size - TAIL_BYTES)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(size - start, 0)), { position: start })
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-LAST_LINES).join('\n')
  } finally {
    await file.close()
  }
}

export const openLog = async ({ folder, account }: Place): Promise<Log> => {
  const path = join(folder, 'server.log')
  const before = await stat(path).catch(() => null)
  const isFull = before !== null && before.size > ROTATE_BYTES
  if (isFull) await rename(path, `${path}.1`)
  // The folder may be another account's than root's, so a link in the place of the log is not followed.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
  const file = await open(path, flags, 0o600)
  if (account) await file.chown(account.uid, account.gid)
  const from = before && !isFull ? before.size : 0
  return { path, file, lastLines: () => tail(path, from).catch(() => '') }
}
