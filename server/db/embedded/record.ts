import { randomBytes } from 'node:crypto'
import { open, rename } from 'node:fs/promises'
import type { Account } from './account.ts'

export interface RecordOptions {
  readonly mode: number
  /** Who owns the file; `null` is the account of this process. */
  readonly account: Account | null
}

/** A name beside `path` that nobody else uses. */
export const besides = (path: string): string => `${path}.${process.pid}-${randomBytes(4).toString('hex')}`

/**
 * Writes a small file beside its final name, complete and synced, and returns where. The folder may belong to another
 * account than root's, so it is opened in a way that no link planted there can turn elsewhere.
 */
export const writeDraft = async (path: string, text: string, { mode, account }: RecordOptions): Promise<string> => {
  const draft = besides(path)
  const file = await open(draft, 'wx', mode)
  try {
    if (account) await file.chown(account.uid, account.gid)
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  return draft
}

/** Writes or replaces a small file at once: a reader, or a crash, meets the former text or the new one. */
export const writeRecord = async (path: string, text: string, options: RecordOptions): Promise<void> =>
  rename(await writeDraft(path, text, options), path)
