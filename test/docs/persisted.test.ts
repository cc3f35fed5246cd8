import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readPersistedOperations } from '../../server/cli/persisted-operations.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting } from '../support/notifiers.ts'
import { trigger } from '../support/trigger.ts'
import { ROOT, readPage } from './support/pages.ts'

/** A host's front end, as docs/limits.md has it, with its code generated and bundled. */
let host: string
let carillon: TestCarillon | undefined

beforeAll(async () => {
  host = await mkdtemp(join(tmpdir(), 'carillon-front-end-'))
  await mkdir(join(host, 'node_modules'))
  await mkdir(join(host, 'src'))
  await symlink(ROOT, join(host, 'node_modules/carillon'))
  for (const name of ['@graphql-codegen', '@graphql-typed-document-node', 'graphql']) {
    await symlink(join(ROOT, 'node_modules', name), join(host, 'node_modules', name))
  }
  await writeFile(join(host, 'package.json'), '{ "type": "module" }')
  for (const { text } of readPage('docs/limits.md').blocks) {
    const file = /^\/\/ (\S+\.ts)\n/.exec(text)?.[1]
    if (file !== undefined) await writeFile(join(host, file), text)
  }
})
afterAll(async () => {
  await carillon?.close()
  await rm(host, { recursive: true, force: true })
})

test('what the guide has code generation write is what a server lists, and the page asks for it by its hash', async () => {
  const codegen = join(ROOT, 'node_modules/@graphql-codegen/cli/esm/bin.js')
  await promisify(execFile)(process.execPath, [codegen, '--config', 'codegen.ts'], { cwd: host })
  const bundle = join(host, 'badge.mjs')
  await build({
    entryPoints: [join(host, 'src/badge.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['carillon-source'],
    external: ['ws'],
    logLevel: 'silent',
  })
  const { unread } = (await import(pathToFileURL(bundle).href)) as {
    readonly unread: (url: string, token: string) => Promise<number>
  }

  const file = join(host, 'src/gql/persisted-documents.json')
  const persisted = await readPersistedOperations(
    { persistedOperations: [file], persistedOnly: 'recipients' },
    { introspection: false },
  )
  carillon = await startCarillon({ notifiers: [greeting] }, { door: { persisted, introspection: false } })
  await trigger(carillon)
  await carillon.drainJobs()
  const token = await carillon.tokenFor('ada')
  expect(await unread(carillon.graphqlUrl, token)).toBe(1)
  const other = await carillon.ask(token, '{ inbox { counts { unread } } }')
  expect(other.errors[0]?.extensions['code']).toBe('PERSISTED_QUERY_ONLY')
}, 120_000)
