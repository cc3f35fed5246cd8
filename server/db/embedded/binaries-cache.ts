import { access, chmod, constants, cp, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { besides } from './record.ts'

export interface CopyOptions {
  /** The folder with `bin`, `lib` and `share`. */
  readonly native: string
  readonly version: string
  /** Completes a copy before others see it. */
  readonly finish: (copy: string) => Promise<void>
  readonly onNotice: (message: string) => void
}

/** Nobody but root and this account can have put anything there: programs are run from it. */
const isOurs = async (folder: string): Promise<boolean> => {
  const stats = await lstat(folder).catch(() => null)
  if (!stats?.isDirectory()) return false
  if (!process.getuid) return true
  return (stats.uid === 0 || stats.uid === process.getuid()) && (stats.mode & 0o022) === 0
}

const isWritable = (folder: string): Promise<boolean> =>
  access(folder, constants.W_OK).then(
    () => true,
    () => false,
  )

/** Static libraries serve compilers only. */
const isWanted = (path: string): boolean => !path.endsWith('.a')

const filesIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && isWanted(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

/** Cleaners of temporary folders take single files that were not read for long. */
const isWhole = async (native: string, copy: string): Promise<boolean> => {
  const [source, present] = await Promise.all([filesIn(native), filesIn(copy).catch(() => [])])
  const found = new Set(present)
  return source.every((file) => found.has(file))
}

/** An install under a strict umask leaves modes that shut the account out in the copy too. */
const openUp = async (folder: string): Promise<void> => {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const isProgram = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644)
  }
}

const moved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false,
  )

const copyTo = async (target: string, { native, finish, onNotice }: CopyOptions): Promise<void> => {
  onNotice(`Copying the programs of Postgres to ${target}, because they cannot be run from ${native}.`)
  const draft = besides(target)
  try {
    await cp(native, draft, { recursive: true, verbatimSymlinks: true, filter: isWanted })
    await openUp(draft)
    await finish(draft)
    if (await moved(draft, target)) return
    // Another process was as quick, and may run from its copy by now; one with files missing is in the way.
    if (await isWhole(native, target)) return
    const spoilt = besides(target)
    await moved(target, spoilt)
    await rm(spoilt, { recursive: true, force: true })
    await rename(draft, target)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/**
 * Yields whole copies of the programs, each made where it is missing, in the order of preference: in `/var/cache`,
 * else in a folder of this account's for temporary files. Places that cannot be written are passed over.
 */
export async function* copyToCache(options: CopyOptions): AsyncGenerator<string> {
  const own = join(tmpdir(), `carillon-${process.getuid?.() ?? 'cache'}`)
  for (const folder of ['/var/cache/carillon', own]) {
    const target = join(folder, `postgres-${options.version}`)
    const made = await mkdir(folder).catch(() => null)
    if (made === undefined) await chmod(folder, 0o755)
    if (!(await isOurs(folder))) continue
    if (!(await isWhole(options.native, target))) {
      if (!(await isWritable(folder))) continue
      const failure = await copyTo(target, options).then(
        () => null,
        (error: Error) => error,
      )
      if (failure) options.onNotice(`Could not copy the programs of Postgres to ${target}: ${failure.message}`)
      if (failure) continue
    }
    yield target
  }
}
