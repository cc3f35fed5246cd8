import { access, constants, mkdir, realpath, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SetupError } from '../../errors.ts'
import { type Account, isRoot, ownerOf, serviceAccount } from './account.ts'
import { keepElsewhere, pointedAt } from './elsewhere.ts'
import { give, hasCluster, mayWork } from './folder.ts'

/** Where a cluster lives and whom its Postgres runs as. */
export interface Place {
  /** The service's data directory, absolute. */
  readonly dataDir: string
  /** Holds the cluster (`data`), its password, port, lock and log; mode 700. */
  readonly folder: string
  /** `null` is the account of this process. */
  readonly account: Account | null
}

export interface PlaceOptions {
  readonly ephemeral: boolean
  readonly onNotice: (message: string) => void
}

const notWritable = (path: string, error: unknown): SetupError =>
  new SetupError(
    `Cannot write to the data directory ${path}: ${(error as Error).message}. ` +
      'Give this account the right to, choose another data directory, or set DATABASE_URL to a Postgres of your own.',
  )

/** The account that a folder's cluster was made for, else the one for new clusters. */
const accountFor = async (folder: string): Promise<Account> => {
  const owners = [await ownerOf(join(folder, 'data')), await ownerOf(folder)]
  return owners.find((owner) => owner !== null && owner.uid !== 0) ?? (await serviceAccount())
}

const placeAsRoot = async (dataDir: string, options: PlaceOptions): Promise<Place> => {
  const elsewhere = await pointedAt(dataDir)
  const here = join(dataDir, 'postgres')
  const account = await accountFor(elsewhere ?? here)
  if (!elsewhere) {
    await give(here, account).catch((error: NodeJS.ErrnoException) => {
      // A mount may refuse to give files away, which is one more reason to keep them elsewhere.
      if (error.code !== 'EPERM' && error.code !== 'EINVAL') throw notWritable(dataDir, error)
    })
    if (await mayWork(account, here)) return { dataDir, folder: here, account }
    if (await hasCluster(here)) {
      throw new SetupError(
        `The database in ${here} belongs to the account ${account.name}, which cannot enter that folder now. ` +
          'Let it pass through the folders above (chmod o+x), or move the data directory to where it can.',
      )
    }
    await rmdir(here).catch(() => undefined)
  }
  return { dataDir, folder: await keepElsewhere(dataDir, account, options), account }
}

/**
 * Finds or makes the folder of a cluster: `<dataDir>/postgres`, or, where this process is root and the account that
 * Postgres then needs cannot enter that, one in `/var/lib/carillon`, named in a text file in the data directory.
 */
export const placeCluster = async (dataDir: string, options: PlaceOptions): Promise<Place> => {
  const absolute = resolve(dataDir)
  const path = await mkdir(absolute, { recursive: true })
    .then(() => realpath(absolute))
    .catch((error: unknown) => {
      throw notWritable(absolute, error)
    })
  if (isRoot()) return placeAsRoot(path, options)

  const folder = join(path, 'postgres')
  await mkdir(folder, { mode: 0o700, recursive: true }).catch((error: unknown) => {
    throw notWritable(path, error)
  })
  const owner = await ownerOf(folder)
  if (owner && process.getuid && owner.uid !== process.getuid()) {
    throw new SetupError(
      `The database in ${folder} belongs to the account ${owner.name}. ` +
        'Run carillon as that account or as root, or choose another data directory.',
    )
  }
  await access(folder, constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw notWritable(path, error)
  })
  return { dataDir: path, folder, account: null }
}
