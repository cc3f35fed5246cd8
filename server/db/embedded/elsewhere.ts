import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { SetupError } from '../../errors.ts'
import type { Account } from './account.ts'
import { exists, give } from './folder.ts'
import { writeRecord } from './record.ts'

/*
 * Where root keeps the cluster of a data directory that Postgres's account cannot enter. A text file in the data
 * directory leads there, so a data directory that is deleted and made anew begins with an empty database.
 */

const ROOT = '/var/lib/carillon'
const POINTER = 'postgres-is-elsewhere.txt'

/** In the folder of a throwaway cluster: the data directory with which it may go. */
const THROWAWAY = 'throwaway-of'

/** The folder that the data directory leads to; `null` where its cluster is its own. */
export const pointedAt = async (dataDir: string): Promise<string | null> => {
  const text = await readFile(join(dataDir, POINTER), 'utf8').catch(() => '')
  const folder = text.split('\n').find((line) => line.startsWith('/'))
  // Root follows this file, so it leads to a folder of carillon's or nowhere.
  return folder && dirname(resolve(folder)) === ROOT ? resolve(folder) : null
}

/** Named by the data directory's path; one that a deleted data directory left is not used again. */
const freeFolder = async (dataDir: string): Promise<string> => {
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 12)
  for (let count = 1; ; count += 1) {
    const folder = join(ROOT, count === 1 ? name : `${name}-${count}`)
    if (!(await exists(folder))) return folder
  }
}

/** Tests delete their data directories and know nothing of this place. */
const discardThrowaways = async (): Promise<void> => {
  for (const name of await readdir(ROOT).catch(() => [])) {
    const owner = await readFile(join(ROOT, name, THROWAWAY), 'utf8').catch(() => null)
    if (owner && !(await exists(owner))) {
      await rm(join(ROOT, name), { recursive: true, force: true }).catch(() => undefined)
    }
  }
}

const make = async (folder: string, account: Account): Promise<void> => {
  if (await mkdir(ROOT, { recursive: true })) await chmod(ROOT, 0o755)
  await give(folder, account)
}

/** Makes the folder for a data directory's cluster, and the file that leads to it. */
export const keepElsewhere = async (
  dataDir: string,
  account: Account,
  { ephemeral, onNotice }: { ephemeral: boolean; onNotice: (message: string) => void },
): Promise<string> => {
  const known = await pointedAt(dataDir)
  if (!known) await discardThrowaways()
  const folder = known ?? (await freeFolder(dataDir))
  try {
    if (!known) {
      const text =
        `The account ${account.name}, as which Postgres runs here because root may not, cannot enter this directory.\n` +
        `So its database is kept in\n\n${folder}\n\nWithout this file the next start begins with an empty database.\n`
      await writeRecord(join(dataDir, POINTER), text, { mode: 0o644, account: null })
    }
    await make(folder, account)
    if (ephemeral) await writeRecord(join(folder, THROWAWAY), dataDir, { mode: 0o644, account })
  } catch (error) {
    throw new SetupError(
      `The account ${account.name}, as which Postgres runs because root may not, cannot enter ${dataDir}, and ` +
        `${folder} cannot be made: ${(error as Error).message}. Choose a data directory that it can enter, or set ` +
        'DATABASE_URL to a Postgres of your own.',
    )
  }
  onNotice(
    `The database is kept in ${folder}, because Postgres's account ${account.name} cannot enter ${dataDir}: ` +
      `${POINTER} there says so too.`,
  )
  return folder
}
