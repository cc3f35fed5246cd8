import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type CellResult, runCell } from './run-cell.ts'
import { CELLS, type Cell, NODES, POSTGRES } from './versions.ts'

/*
 * npm run matrix: the tests that meet Node and PostgreSQL most, on every pairing. `--node 22` and `--postgres 15` choose
 * some, tests named after them replace the usual ones, and `--folder` keeps what is installed for the next time.
 */

const TESTS = [
  'test/stories/first-notification.test.ts',
  'test/stories/quiet-night.test.ts',
  'test/stories/digest-of-a-thread.test.ts',
  'test/stories/unread-mention.test.ts',
  'test/db/migrate.test.ts',
  'test/db/claim-due.test.ts',
  'test/operations/row-level-security.test.ts',
  'test/operations/statements.test.ts',
  'test/realtime/sockets.test.ts',
  'test/realtime/bus.test.ts',
]

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', multiple: true },
    postgres: { type: 'string', multiple: true },
    folder: { type: 'string' },
  },
})
const isChosen = ({ node, postgres }: Cell): boolean =>
  (values.node?.includes(String(node)) ?? true) && (values.postgres?.includes(String(postgres)) ?? true)
const tests = positionals.length > 0 ? positionals : TESTS

const tableOf = (results: ReadonlyMap<Cell, CellResult>): string => {
  const cells = [...results]
  const databases = [...new Set(cells.map(([{ postgres }]) => postgres))]
  const shown = (node: number, postgres: number): string => {
    const result = cells.find(([cell]) => cell.node === node && cell.postgres === postgres)?.[1]
    if (!result) return '-'
    return result.failed.length > 0 ? `**${result.failed.length} failed**` : `${result.passed} passed`
  }
  const line = (columns: readonly string[]): string => `| ${columns.join(' | ')} |`
  return [
    line(['', ...databases.map((major) => `PostgreSQL ${POSTGRES[major].split('.0-')[0]}`)]),
    line(['---', ...databases.map(() => '---')]),
    ...[...new Set(cells.map(([{ node }]) => node))].map((node) =>
      line([`Node ${NODES[node]}`, ...databases.map((postgres) => shown(node, postgres))]),
    ),
  ].join('\n')
}

const folder = values.folder ?? (await mkdtemp(join(tmpdir(), 'carillon-matrix-')))
// The account that runs PostgreSQL has to reach it.
await chmod(folder, 0o755)
const results = new Map<Cell, CellResult>()
try {
  for (const cell of CELLS.filter(isChosen)) {
    const result = await runCell(folder, cell, tests)
    results.set(cell, result)
    say(`Node ${cell.node}, PostgreSQL ${cell.postgres}: ${result.passed} passed, ${result.seconds} s`)
    for (const failure of result.failed) say(`  failed: ${failure}`)
  }
  say(`\n${tableOf(results)}`)
} finally {
  if (values.folder === undefined) await rm(folder, { recursive: true, force: true })
}
process.exit([...results.values()].every(({ failed }) => failed.length === 0) ? 0 : 1)
