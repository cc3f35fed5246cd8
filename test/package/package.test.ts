import { chmod, chown, cp, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { databaseUrl } from '../support/database.ts'
import { INSTALL, registryAnswers, runIn } from '../support/npm.ts'
import { startContainer } from './container.ts'
import { filesOf, undeclaredImports } from './contents.ts'
import { commandOf, readDockerfile, variablesOf } from './dockerfile.ts'
import { replayStage } from './image.ts'
import { packPackage } from './pack.ts'
import { databaseFolder, followScratchUser, type ScratchReport } from './scratch-user.ts'

const ROOT = resolve(import.meta.dirname, '../..')

const SLOW = 600_000

const NOBODY = 65_534

const isRoot = process.getuid?.() === 0

const online = await registryAnswers()

let scratch: string
let tarball: string
/** The copy that it was built in. */
let sources: string
/** What is in the tarball. */
let unpacked: string
/** A new user's project, with the package installed. */
let project: string

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'carillon-package-'))
  await chmod(scratch, 0o755)
  ;({ tarball, sources } = await packPackage(scratch))
  await runIn(scratch, ['tar', '-xzf', tarball])
  unpacked = join(scratch, 'package')
  project = join(scratch, 'private-project')
}, SLOW)
afterAll(() => rm(scratch, { recursive: true, force: true }))

test('the package holds what runs, and nothing that only the repository needs', async () => {
  const files = await filesOf(unpacked)
  const migrations = (await filesOf(join(ROOT, 'prisma/migrations'))).map((file) => `prisma/migrations/${file}`)
  const wanted = [
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'dist/server/main.js',
    'dist/generated/prisma/client.js',
    'dist/client-sdk/demo/demo.js',
    'dist/client-sdk/console/console.js',
    'dist/client-sdk/console/console.css',
    'client-sdk/generated/persisted-operations.json',
    'client-sdk/react/styles.css',
    'schema/schema.graphql',
    ...migrations,
  ]
  expect(wanted.filter((file) => !files.includes(file))).toEqual([])
  const stray = files.filter((file) =>
    /\.test\.|\.map$|^dist\/(?:bench|test)\/|(?<!\.d)\.tsx?$|(?:^|\/)\.[^/]+$/.test(file),
  )
  expect(stray).toEqual([])
  const { size } = await stat(tarball)
  expect(size).toBeLessThan(1_500_000)
})

test('all that its code and its types import is among its dependencies', async () => {
  expect(await undeclaredImports(unpacked)).toEqual([])
})

test(
  'publint finds nothing',
  async () => {
    const output = await runIn(unpacked, [process.execPath, join(ROOT, 'node_modules/publint/src/cli.js'), '--strict'])
    expect(output).toContain('All good!')
  },
  SLOW,
)

const worksWell = (report: ScratchReport): void => {
  expect(report.first).toMatchObject({ before: [], live: ['Order first is on its way'] })
  expect(report.first.summary).toMatch(/^Sent at .* by log/)
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
    const folder = project
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

const USER_CODE = `import { defineConfig, defineNotifier, log } from 'carillon'
import { createClient, createInboxStore, type InboxNotification } from 'carillon/client'
import { Inbox, useInbox } from 'carillon/react'
import 'carillon/react/styles.css'
import { adapterContract, tryNotifier } from 'carillon/testing'
import { z } from 'zod'

const hello = defineNotifier({
  key: 'hello',
  version: 1,
  payload: z.object({ name: z.string() }),
  channels: ['in_app'],
  render: { in_app: ({ payload }) => ({ title: payload.name }) },
})
export default defineConfig({ notifiers: [hello], adapters: { email: log() } })
export const title = ({ content }: InboxNotification) => content?.title
export const all = [createClient, createInboxStore, Inbox, useInbox, adapterContract, tryNotifier]
`

/** Type-checks a program in the installed project, down into the package's own declarations. */
const typeCheck = async (code: string, moduleResolution: string): Promise<string> => {
  await writeFile(join(project, 'program.ts'), code)
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    moduleResolution,
    module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable'],
    jsx: 'react-jsx',
    types: [],
    noEmit: true,
  }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  return runIn(project, [process.execPath, tsc, '--pretty', 'false']).catch((error: Error) => error.message)
}

test.skipIf(!online)(
  "a program of the project's type-checks by itself as Node resolves it and as bundlers do, and a wrong one does not (needs the registry of npm)",
  async () => {
    // React's types are the one thing that a user of carillon/react brings along.
    await mkdir(join(project, 'node_modules/@types'), { recursive: true })
    for (const name of ['@types/react', 'csstype']) {
      await cp(join(ROOT, 'node_modules', name), join(project, 'node_modules', name), { recursive: true })
    }
    for (const resolution of ['nodenext', 'bundler']) {
      expect([resolution, await typeCheck(USER_CODE, resolution)]).toEqual([resolution, ''])
      expect(await typeCheck(USER_CODE.replace('title: payload.name', 'title: payload.nome'), resolution)).toContain(
        "Property 'nome' does not exist",
      )
    }
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

const CONTAINER_CONFIG = `import { defineConfig, defineNotifier } from 'carillon'
import { z } from 'zod'
const hello = defineNotifier({
  key: 'hello', version: 1, payload: z.object({}), channels: ['in_app'], render: { in_app: () => ({ title: 'Hello' }) },
})
export default defineConfig({ notifiers: [hello] })
`

const emptyDatabase = async (): Promise<string> => {
  const client = new pg.Client({ connectionString: inject('clusterUrl') })
  await client.connect()
  await client.query('create database package_image')
  await client.end()
  return databaseUrl(inject('clusterUrl'), 'package_image')
}

test.skipIf(!online)(
  "what the Dockerfile's last stage holds suffices to start on an empty database, is healthy, and ends on SIGTERM as process 1 (needs the registry of npm)",
  async () => {
    const stage = (await readDockerfile(join(ROOT, 'Dockerfile'))).at(-1)
    if (!stage) throw new Error('The Dockerfile has no stage')
    const { root, workdir } = await replayStage(stage, { root: join(scratch, 'image'), context: ROOT, built: sources })
    await writeFile(join(workdir, 'carillon.config.ts'), CONTAINER_CONFIG)
    const variables = variablesOf(stage)
    expect(variables).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' })
    const container = await startContainer(commandOf(stage, 'CMD'), {
      root,
      workdir,
      env: {
        ...variables,
        // On this machine alone, and where nobody else is.
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: await emptyDatabase(),
        CARILLON_SECRET_KEY: 'a-secret-key-for-tests-of-32-characters',
      },
    })
    try {
      const health = commandOf(stage, 'HEALTHCHECK')
      await container.run(health)
      const said = await container.run(['carillon', 'keys', 'create', '--tenant', 'acme', '--scope', 'TRIGGER'])
      const key = /ck_\S+/.exec(said)?.[0]
      const answer = await fetch(container.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        body: JSON.stringify({
          query: `mutation { trigger(input: { notificationKey: "hello", idempotencyKey: "1", payload: {}, recipients: [{ id: "bob" }] }) { deduplicated } }`,
        }),
      })
      expect(await answer.json()).toEqual({ data: { trigger: { deduplicated: false } } })
      expect(await container.terminate()).toBe(0)
      await expect(container.run(health)).rejects.toThrow('failed')
    } finally {
      await container.terminate()
    }
  },
  SLOW,
)
