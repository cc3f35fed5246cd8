import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** A host's project with an adapter of its own, and the package installed as it was built (npm run build). */
const ROOT = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)
let host: string
let guide: string
let [adapter, suite]: string[] = []

beforeAll(async () => {
  guide = await readFile(join(ROOT, 'docs/custom-adapters.md'), 'utf8')
  ;[adapter, suite] = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code as string)
  host = await mkdtemp(join(tmpdir(), 'carillon-host-'))
  await mkdir(join(host, 'node_modules/@types'), { recursive: true })
  await symlink(ROOT, join(host, 'node_modules/carillon'))
  await symlink(join(ROOT, 'node_modules/@types/node'), join(host, 'node_modules/@types/node'))
  await writeFile(join(host, 'package.json'), '{ "type": "module" }')
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: ['node'],
    outDir: 'out',
    rewriteRelativeImportExtensions: true,
  }
  await writeFile(join(host, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
})
afterAll(() => rm(host, { recursive: true, force: true }))

/** Type-checks the adapter and its test as they stand in the guide, and runs the test by Node's own runner. */
const runSuite = async (change: (adapter: string) => string): Promise<{ passed: boolean; output: string }> => {
  await writeFile(join(host, 'pigeon.ts'), change(adapter ?? ''))
  await writeFile(join(host, 'pigeon.test.ts'), suite ?? '')
  const succeeds = async (...args: string[]) =>
    run(process.execPath, args, { cwd: host, env: { PATH: process.env['PATH'] ?? '' } }).then(
      ({ stdout }) => ({ passed: true, output: stdout }),
      ({ stdout }: { stdout: string }) => ({ passed: false, output: stdout }),
    )
  const compiled = await succeeds(join(ROOT, 'node_modules/typescript/bin/tsc'))
  return compiled.passed ? succeeds('--test', '--test-reporter=tap', 'out/pigeon.test.js') : compiled
}

const failedCases = (output: string): string[] =>
  [...output.matchAll(/^not ok \d+ - (.*)$/gm)].map(([, name]) => name ?? '')

test("the guide's adapter passes the contract by node --test, in a project of its own", async () => {
  const { passed, output } = await runSuite((code) => code)
  expect({ passed, failed: failedCases(output), output: passed ? '' : output }).toEqual({
    passed: true,
    failed: [],
    output: '',
  })
  expect(output.match(/^ok \d+ - /gm)?.length).toBeGreaterThanOrEqual(18)
}, 60_000)

test('with a new key for each try it fails the case that is about keys, and is told why', async () => {
  const { passed, output } = await runSuite((code) => code.replaceAll('idempotencyKey', 'attemptId'))
  expect(passed).toBe(false)
  expect(failedCases(output)).toEqual([
    'two tries give the provider the same idempotency key, and another delivery another',
  ])
  const fault = 'the adapter "pigeon" gave its provider another idempotency key on the second try'
  expect(output).toContain(fault)
  expect(guide).toContain(fault)
}, 60_000)

test('an adapter that is none does not type-check', async () => {
  const { passed, output } = await runSuite((code) => code.replace("outcome: 'accepted'", "outcome: 'ok'"))
  expect(passed).toBe(false)
  expect(output).toMatch(/pigeon\.ts\(\d+,\d+\): error TS.*"ok"/s)
}, 60_000)
