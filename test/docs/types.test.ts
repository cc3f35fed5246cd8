import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DocPage, ROOT, readPages } from './support/pages.ts'

/** A project of a host's own, with this package installed, whose sources are asked for its types. */
let host: string

const COMPILER_OPTIONS = {
  strict: true,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable'],
  types: ['node'],
  jsx: 'react-jsx',
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  customConditions: ['carillon-source'],
}

/** What a snippet that imports nothing leaves to its reader: the package's names, and notifiers that stand elsewhere. */
const LEFT_OUT = `import { type Adapter, type Notifier, defineConfig, defineNotifier, log, secret, smtp, webhook } from 'carillon'
import { z } from 'zod'
declare const notifiers: readonly Notifier[]
`

/** The files that a page's snippets are: by the names that it gives them, and one that `continues` in the file before it. */
const filesOf = ({ path, blocks }: DocPage): ReadonlyMap<string, string> => {
  const files = new Map<string, string>()
  let last = ''
  for (const { language, text, line, marks } of blocks) {
    if ((language !== 'ts' && language !== 'tsx') || marks.has('not checked')) continue
    // What is refused at the start need not be well-typed.
    if (marks.has('refused')) continue
    if (!marks.has('continues')) last = marks.get('file') ?? `line-${line}.${language}`
    files.set(last, (files.get(last) ?? '') + text)
  }
  const whole = (text: string): string => (/^import /m.test(text) ? text : LEFT_OUT + text)
  return new Map([...files].map(([name, text]) => [join(basename(path, '.md'), name), whole(text)]))
}

beforeAll(async () => {
  host = await mkdtemp(join(tmpdir(), 'carillon-guides-'))
  await mkdir(join(host, 'node_modules/@types'), { recursive: true })
  await symlink(ROOT, join(host, 'node_modules/carillon'))
  for (const name of ['zod', 'react', '@types/node', '@types/react']) {
    await symlink(join(ROOT, 'node_modules', name), join(host, 'node_modules', name))
  }
  await writeFile(join(host, 'package.json'), '{ "type": "module" }')
  await writeFile(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }))
  for (const page of readPages()) {
    for (const [file, text] of filesOf(page)) {
      await mkdir(join(host, file, '..'), { recursive: true })
      // A module, whatever it imports.
      await writeFile(join(host, file), `${text}export {}\n`)
    }
  }
})
afterAll(() => rm(host, { recursive: true, force: true }))

/** What is wrong with the snippets, a line each. */
const typeFaults = async (): Promise<readonly string[]> => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const said = await promisify(execFile)(process.execPath, [tsc], { cwd: host, maxBuffer: 2 ** 26 }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  )
  // The package's own sources are checked elsewhere, with its own settings.
  return said.split('\n').filter((line) => line.includes('error TS') && !line.startsWith('..'))
}

test("every snippet of the guides type-checks in a host's project", async () => {
  await writeFile(join(host, 'wrong.ts'), `import { log } from 'carillon'\nlog({ nmae: 'a' })\n`)
  const faults = await typeFaults()
  expect(faults.filter((line) => !line.startsWith('wrong.ts'))).toEqual([])
  expect(faults).toEqual([expect.stringContaining("'nmae' does not exist")])
}, 120_000)
