import { Stryker } from '@stryker-mutator/core'
import { GROUPS, type Group, groupNamed } from './groups.ts'
import { MUST_BE_KILLED, type Score, scoreOf, tableOf } from './score.ts'

/*
 * npm run mutants: breaks the guards in every way that Stryker knows, one at a time, and looks whether their tests notice.
 * `npm run mutants -- auth verify` takes these groups alone. What survived is in reports/mutants/<group>.html.
 */

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** How the mutants of a group ended. */
const run = async ({ name, mutate }: Group): Promise<Score> => {
  process.env['CARILLON_MUTANTS_GROUP'] = name
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    vitest: { configFile: 'test/mutants/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    // Two would share two cores with a PostgreSQL each.
    concurrency: Number(process.env['CARILLON_MUTANTS_AT_ONCE'] || 1),
    // Generous: a machine that is busy kills no mutant.
    timeoutMS: 20_000,
    timeoutFactor: 4,
    ignorePatterns: ['dist', 'docs', 'coverage', '.carillon', '*.md', '*.txt'],
    disableTypeChecks: false,
    // Stryker would read the real one with TypeScript's former API; nothing here is compiled by it.
    tsconfigFile: 'none',
    reporters: ['progress-append-only', 'html', 'json'],
    htmlReporter: { fileName: `reports/mutants/${name}.html` },
    jsonReporter: { fileName: `reports/mutants/${name}.json` },
    cleanTempDir: 'always',
    allowConsoleColors: false,
  })
  return scoreOf(name, await stryker.runMutationTest())
}

const names = process.argv.slice(2)
const scores: Score[] = []
// One after the other: each is told its group by the environment.
for (const group of names.length > 0 ? names.map(groupNamed) : GROUPS) scores.push(await run(group))
say(`\n${tableOf(scores)}\n`)
const short = scores.filter(({ percent }) => percent < MUST_BE_KILLED)
say(
  short.length === 0
    ? `At least ${MUST_BE_KILLED} % were killed`
    : `Too few were killed: ${short.map(({ name }) => name).join(', ')}`,
)
process.exitCode = short.length === 0 ? 0 : 1
