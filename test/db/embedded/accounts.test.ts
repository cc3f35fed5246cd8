import { access, chmod, chown, lstat, mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Carillon, isRoot, NOBODY, postmasterOf, query } from './carillon.ts'
import { makeCheckout, PLATFORM_PACKAGE, scratchFolder } from './checkout.ts'

const SLOW = 60_000

const asRoot = test.skipIf(!isRoot)

let scratch: string
let checkout: string

beforeAll(async () => {
  scratch = await scratchFolder()
  checkout = await makeCheckout(join(scratch, 'checkout'))
}, SLOW)

afterAll(() => rm(scratch, { recursive: true, force: true }))

const folderOf = async (name: string, { uid = 0, mode = 0o755 } = {}): Promise<string> => {
  const folder = join(scratch, name)
  await mkdir(folder)
  await chmod(folder, mode)
  if (uid) await chown(folder, uid, uid)
  return folder
}

const answers = async (carillon: Carillon): Promise<void> => {
  expect(await query(await carillon.says('url'), 'select 1 as one')).toEqual([{ one: 1 }])
}

const linksIn = async (root: string): Promise<string[]> =>
  (await readdir(join(root, PLATFORM_PACKAGE, 'native', 'lib'), { withFileTypes: true }))
    .filter((entry) => entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))

const removeLinks = async (root: string): Promise<number> => {
  const links = await linksIn(root)
  for (const link of links) await rm(link)
  return links.length
}

/** Gives the programs a version of their own, so that no copy of them is there yet. */
const restamp = async (root: string): Promise<string> => {
  const file = join(root, PLATFORM_PACKAGE, 'package.json')
  const version = `0.0.0-test-${process.pid}`
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), version }))
  return `postgres-${version}`
}

const runsFrom = async (dataDir: string): Promise<string> => readlink(`/proc/${await postmasterOf(dataDir)}/exe`)

test('links that the package could not make are made', { timeout: SLOW }, async () => {
  const removed = await removeLinks(checkout)
  const carillon = new Carillon(checkout, { dataDir: join(scratch, 'links'), ephemeral: true })
  await answers(carillon)
  await carillon.stop()
  expect(removed).toBeGreaterThan(0)
  expect(await linksIn(checkout)).toHaveLength(removed)
})

test('a machine for which there is no Postgres is told to bring its own', { timeout: SLOW }, async () => {
  const bare = await makeCheckout(join(scratch, 'bare'))
  await rm(join(bare, PLATFORM_PACKAGE), { recursive: true })
  const failed = await new Carillon(bare, { dataDir: join(scratch, 'none') }).says('failed')
  expect(failed).toContain('SetupError: There is no Postgres for this machine')
  expect(failed).toContain('Set DATABASE_URL')
})

test('a creation that fails says why, in the last words of initdb', { timeout: SLOW }, async () => {
  const dataDir = join(scratch, 'limited')
  const carillon = new Carillon(checkout, { dataDir, ephemeral: true, fileSizeLimit: 1_000 })
  const failed = await carillon.says('failed')
  expect(failed).toContain(`SetupError: Could not create a database in ${dataDir}/postgres`)
  expect(failed).toMatch(/File (size limit exceeded|too large)/)
  // It can be begun again once that is mended.
  const next = new Carillon(checkout, { dataDir, ephemeral: true })
  await answers(next)
  await next.stop()
})

asRoot('an ordinary user runs Postgres as itself (needs root, to become one)', { timeout: SLOW }, async () => {
  const home = await folderOf('home', { uid: NOBODY, mode: 0o700 })
  const dataDir = join(home, 'data')
  for (const _start of ['first', 'second']) {
    const carillon = new Carillon(checkout, { dataDir, uid: NOBODY })
    await answers(carillon)
    await carillon.stop()
  }
  expect((await stat(join(dataDir, 'postgres', 'data'))).uid).toBe(NOBODY)
})

asRoot(
  'root runs Postgres as the owner of the data, who can go on with it (needs root)',
  { timeout: SLOW },
  async () => {
    const dataDir = await folderOf('shared', { uid: NOBODY })
    const launches = [{ uid: NOBODY }, {}, { uid: NOBODY }]
    for (const launch of launches) {
      const carillon = new Carillon(checkout, { dataDir, ...launch })
      await answers(carillon)
      await carillon.stop()
    }
    for (const name of await readdir(join(dataDir, 'postgres'))) {
      expect([name, (await lstat(join(dataDir, 'postgres', name))).uid]).toEqual([name, NOBODY])
    }
  },
)

asRoot('an ordinary user is told whose data it is that it may not use (needs root)', { timeout: SLOW }, async () => {
  const dataDir = await folderOf('not-mine')
  const first = new Carillon(checkout, { dataDir, ephemeral: true })
  await answers(first)
  await first.stop()
  const stranger = 12_345
  const failed = await new Carillon(checkout, { dataDir, uid: stranger }).says('failed')
  expect(failed).toMatch(/SetupError: The database in .*not-mine\/postgres belongs to the account (postgres|nobody)\./)
})

asRoot(
  'an ordinary user is told that it may not write to the data directory (needs root)',
  { timeout: SLOW },
  async () => {
    const dataDir = await folderOf('read-only')
    const failed = await new Carillon(checkout, { dataDir, uid: NOBODY }).says('failed')
    expect(failed).toContain(`SetupError: Cannot write to the data directory ${dataDir}: EACCES`)
  },
)

asRoot(
  'packages without links that may not be written to are copied for the user (needs root)',
  { timeout: SLOW },
  async () => {
    const home = await folderOf('home-of-copies', { uid: NOBODY, mode: 0o700 })
    await removeLinks(checkout)
    const copy = await restamp(checkout)
    const launch = { dataDir: join(home, 'data'), ephemeral: true, uid: NOBODY, temporary: home }
    const first = new Carillon(checkout, launch)
    await answers(first)
    expect(await runsFrom(launch.dataDir)).toBe(join(home, `carillon-${NOBODY}`, copy, 'bin', 'postgres'))
    await first.stop()
    expect(first.notices).toContain('Copying the programs of Postgres to ')

    const second = new Carillon(checkout, launch)
    await answers(second)
    await second.stop()
    expect(second.notices).toBe('')
    expect(await linksIn(checkout)).toEqual([])
  },
)

asRoot('a checkout that only root may enter works, from a copy made once (needs root)', { timeout: SLOW }, async () => {
  const closed = await folderOf('closed', { mode: 0o700 })
  const inside = await makeCheckout(join(closed, 'checkout'))
  const copy = join('/var/cache/carillon', await restamp(inside))
  const launch = { dataDir: join(scratch, 'open'), ephemeral: true }
  const first = new Carillon(inside, launch)
  await answers(first)
  expect(await runsFrom(launch.dataDir)).toBe(join(copy, 'bin', 'postgres'))
  await first.stop()
  expect(first.notices).toContain(`Copying the programs of Postgres to ${copy}`)

  const second = new Carillon(inside, launch)
  await answers(second)
  await second.stop()
  expect(second.notices).toBe('')
  await rm(copy, { recursive: true })
})

asRoot(
  'data in a directory that only root may enter is kept elsewhere, and found again (needs root)',
  { timeout: SLOW },
  async () => {
    const closed = await folderOf('closed-data', { mode: 0o700 })
    const dataDir = join(closed, 'data')
    const first = new Carillon(checkout, { dataDir })
    await query(await first.says('url'), 'create table kept as select 7 as seven')
    await first.stop()
    const text = await readFile(join(dataDir, 'postgres-is-elsewhere.txt'), 'utf8')
    const folder = /^\/var\/lib\/carillon\/[0-9a-f]{12}(-\d+)?$/m.exec(text)?.[0] ?? expect.fail(text)
    expect(first.notices).toContain(`The database is kept in ${folder}`)
    expect(await readdir(dataDir)).toEqual(['postgres-is-elsewhere.txt'])

    const second = new Carillon(checkout, { dataDir })
    expect(await query(await second.says('url'), 'select seven from kept')).toEqual([{ seven: 7 }])
    const third = await new Carillon(checkout, { dataDir }).says('failed')
    expect(third).toContain(`Another carillon (pid ${second.pid}) uses the data directory ${dataDir}.`)
    await second.stop()

    // Who deletes the data directory means to begin anew.
    await rm(dataDir, { recursive: true })
    const fourth = new Carillon(checkout, { dataDir, ephemeral: true })
    await expect(query(await fourth.says('url'), 'select seven from kept')).rejects.toThrow('does not exist')
    await fourth.stop()
    const other = /^\/var\/lib\/carillon\/.*$/m.exec(
      await readFile(join(dataDir, 'postgres-is-elsewhere.txt'), 'utf8'),
    )?.[0]
    await rm(folder, { recursive: true })

    // A throwaway one goes once its data directory has gone.
    await rm(dataDir, { recursive: true })
    const fifth = new Carillon(checkout, { dataDir: join(closed, 'another'), ephemeral: true })
    await answers(fifth)
    await fifth.stop()
    await expect(access(String(other))).rejects.toThrow('ENOENT')
    const last = await readFile(join(closed, 'another', 'postgres-is-elsewhere.txt'), 'utf8')
    await rm(/^\/var\/lib\/carillon\/.*$/m.exec(last)?.[0] ?? expect.fail(last), { recursive: true })
  },
)
