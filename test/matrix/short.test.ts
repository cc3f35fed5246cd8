import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { registryAnswers } from '../support/npm.ts'
import { runCell } from './run-cell.ts'
import type { Cell } from './versions.ts'

/*
 * The short form of npm run matrix: the oldest PostgreSQL, and Nodes that are not the one that runs this. Whatever else
 * there is runs on the Node and the PostgreSQL that are here.
 */

const online = await registryAnswers()

const CELLS: readonly (Cell & { readonly tests: readonly string[] })[] = [
  { node: 22, postgres: 15, tests: ['test/db/claim-due.test.ts', 'test/operations/row-level-security.test.ts'] },
  { node: 24, postgres: 17, tests: ['test/stories/first-notification.test.ts'] },
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-matrix-'))
  // The account that runs PostgreSQL has to reach it.
  await chmod(folder, 0o755)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.skipIf(!online || process.platform !== 'linux').each(CELLS)(
  'Carillon works on Node $node with PostgreSQL $postgres (needs the registry of npm, and Linux)',
  async ({ tests, ...cell }) => {
    const { passed, failed } = await runCell(folder, cell, tests)
    expect(failed).toEqual([])
    expect(passed).toBeGreaterThan(0)
  },
  300_000,
)
