import type { Database } from '../db/client.ts'
import { noteKeysUsed } from '../db/sql/find-api-key.ts'

/** How long uses are gathered, in milliseconds, so that one statement notes them all. */
const GATHER_MS = 1_000

/** Notes by its hash that a key is in use. Nobody waits for it, and what cannot be noted is noted at a later use. */
export type NoteKeyUsed = (hash: Buffer) => void

/** Gathers which keys are in use, and notes it aside from their requests. */
export const noteUses = ({ system }: Pick<Database, 'system'>): NoteKeyUsed => {
  const used = new Map<string, Buffer>()
  const write = (): void => {
    const hashes = [...used.values()]
    used.clear()
    system.query(noteKeysUsed(hashes)).catch(() => {})
  }
  return (hash) => {
    if (used.size === 0) setTimeout(write, GATHER_MS).unref()
    used.set(hash.toString('base64'), hash)
  }
}
