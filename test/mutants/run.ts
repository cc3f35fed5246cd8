import { Stryker } from '@stryker-mutator/core'
import { GROUPS, groupNamed, type Part } from './groups.ts'
import { type Ended, MUST_BE_KILLED, type Score, scoreOf, tableOf } from './score.ts'

/*
 * npm run mutants: breaks the guards in every way that Stryker knows, one at a time, and looks whether their tests notice.
 * `npm run mutants -- auth verify` takes these groups alone. What survived is in reports/mutants/<group>-<part>.html.
 */

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const run = async (name: string, { mutate }: Part, index: number): Promise<readonly Ended[]> => {
  process.env['CARILLON_MUTANTS_GROUP'] = name
  process.env['CARILLON_MUTANTS_PART'] = String(index)
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutants/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    // Two would share two cores with a PostgreSQL each.
    concurrency: Number(process.env['CARILLON_MUTANTS_AT_ONCE'] || 1),
    // Generous: a machine that is busy kills no mutant.
    timeoutMS: 20_000,
    timeoutFactor: 3,
    ignorePatterns: ['dist', 'docs', 'coverage', '.carillon', '*.md', '*.txt'],
    disableTypeChecks: false,
    // Stryker would read the real one with TypeScript's former API; nothing here is compiled by it.
    tsconfigFile: 'none',
    reporters: ['progress-append-only', 'clear-text', 'html', 'json'],
    clearTextReporter: { reportTests: false, logTests: false, allowColor: false },
    htmlReporter: { fileName: `reports/mutants/${name}-${index}.html` },
    jsonReporter: { fileName: `reports/mutants/${name}-${index}.json` },
    cleanTempDir: 'always',
    allowConsoleColors: false,
  })
  return stryker.runMutationTest()
}

const names = process.argv.slice(2)
const scores: Score[] = []
for (const { name, parts } of names.length > 0 ? names.map(groupNamed) : GROUPS) {
  const ended: Ended[] = []
  // One after the other: each is told by the environment which it is.
  for (const [index, part] of parts.entries()) ended.push(...(await run(name, part, index)))
  scores.push(scoreOf(name, ended))
}
say(`\n${tableOf(scores)}\n`)
const short = scores.filter(({ percent }) => percent < MUST_BE_KILLED)
say(
  short.length === 0
    ? `At least ${MUST_BE_KILLED} % were killed`
    : `Too few were killed: ${short.map(({ name }) => name).join(', ')}`,
)
process.exitCode = short.length === 0 ? 0 : 1
