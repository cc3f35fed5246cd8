import { lstat, readFile } from 'node:fs/promises'
import { SetupError } from '../../errors.ts'

/** An account of the system that Postgres runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

const passwd = async (): Promise<Account[]> => {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    return name && uid && gid ? [{ name, uid: Number(uid), gid: Number(gid) }] : []
  })
}

export const isRoot = (): boolean => process.getuid?.() === 0

/** The account that owns a file or folder, itself and not what it links to; `null` where there is none. */
export const ownerOf = async (path: string): Promise<Account | null> => {
  const stats = await lstat(path).catch(() => null)
  if (!stats) return null
  const name = (await passwd()).find((account) => account.uid === stats.uid)?.name ?? `uid ${stats.uid}`
  return { uid: stats.uid, gid: stats.gid, name }
}

/** Whom Postgres runs as when this process is root, which Postgres refuses: `postgres`, else `nobody`. */
export const serviceAccount = async (): Promise<Account> => {
  const accounts = await passwd()
  const found = ['postgres', 'nobody'].flatMap((name) => accounts.find((account) => account.name === name) ?? [])[0]
  if (found) return found
  throw new SetupError(
    'Postgres refuses to run as root, and /etc/passwd has neither an account "postgres" nor "nobody" to run it as. ' +
      'Add one, run carillon as another account, or set DATABASE_URL to a Postgres of your own.',
  )
}
