import { chmod, chown, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { INSTALL, registryAnswers, runIn } from '../support/npm.ts'
import { packPackage } from './pack.ts'
import { databaseFolder, followScratchUser, type ScratchReport } from './scratch-user.ts'

const SLOW = 600_000

const NOBODY = 65_534

const isRoot = process.getuid?.() === 0

const online = await registryAnswers()

let scratch: string
let tarball: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'carillon-package-'))
  await chmod(scratch, 0o755)
  tarball = await packPackage(scratch)
}, SLOW)
afterAll(() => rm(scratch, { recursive: true, force: true }))

const worksWell = (report: ScratchReport): void => {
  expect(report.first).toMatchObject({ before: [], live: ['Order first is on its way'] })
  expect(report.first.summary).toMatch(/accepted/)
  expect(report.first.decisions).toBeGreaterThan(0)
  expect(report.second).toMatchObject({
    before: ['Order first is on its way'],
    live: ['Order second is on its way'],
  })
  expect(report.leftovers).toEqual([])
}

/** npm of another major version, as a package of its own. */
const otherNpm = async (version: string) => {
  const folder = join(scratch, `npm-${version}`)
  await mkdir(folder)
  await runIn(folder, ['npm', ...INSTALL, '--ignore-scripts', '--prefix', folder, `npm@${version}`])
  const bin = join(folder, 'node_modules', 'npm', 'bin')
  return {
    npm: [process.execPath, join(bin, 'npm-cli.js')] as const,
    npx: [process.execPath, join(bin, 'npx-cli.js')] as const,
  }
}

test.skipIf(!online)(
  'a new project installs the tarball, runs it, sees its own notification live, stops and goes on, in a directory that its owner alone may enter (needs the registry of npm)',
  async () => {
    const folder = join(scratch, 'private-project')
    await mkdir(folder, { mode: 0o700 })
    const report = await followScratchUser({ folder, spec: tarball })
    worksWell(report)
    // Secrets are the owner's alone.
    expect((await stat(join(folder, '.carillon', 'dev.json'))).mode & 0o077).toBe(0)
    const database = await databaseFolder(folder)
    if (!database.startsWith(folder)) await rm(database, { recursive: true })
  },
  SLOW,
)

test.skipIf(!online || !isRoot)(
  'an ordinary user with npm 10 does the same (needs the registry of npm, and root to become one)',
  async () => {
    const folder = join(scratch, 'project-of-nobody')
    await mkdir(folder)
    await chown(folder, NOBODY, NOBODY)
    worksWell(await followScratchUser({ folder, spec: tarball, uid: NOBODY, ...(await otherNpm('10.9.9')) }))
  },
  SLOW,
)
