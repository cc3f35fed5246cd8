import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runIn } from '../support/npm.ts'
import { databaseFolder, followScratchUser, type ScratchReport } from './scratch-user.ts'

/*
 * npm run verify:published -- 0.1.0: installs that version from the registry of npm into a new project, and follows a new
 * user's steps there. Ends with code 1 where the version does not exist, or a step fails.
 */

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const exists = (spec: string): Promise<boolean> =>
  runIn('/', ['npm', 'view', spec, 'version', '--prefer-online', '--loglevel=silent']).then(
    (output) => output.trim() !== '',
    () => false,
  )

const faultsOf = ({ first, second, leftovers }: ScratchReport): string[] => [
  ...(first.live.includes('Order first is on its way') ? [] : ['the first notification did not come live']),
  ...(second.before.includes('Order first is on its way') ? [] : ['the data was gone after the second start']),
  ...(second.live.includes('Order second is on its way') ? [] : ['the second notification did not come live']),
  ...leftovers.map((line) => `left behind: ${line}`),
]

const verify = async (version: string): Promise<readonly string[]> => {
  const spec = `carillon@${version}`
  if (!(await exists(spec))) {
    return [`The registry has no ${spec}: publish it first, look for a typing error, or see whether it can be reached.`]
  }
  const folder = await mkdtemp(join(tmpdir(), 'carillon-published-'))
  await chmod(folder, 0o755)
  try {
    const report = await followScratchUser({ folder, spec, onStep: (step, ms) => say(`${step}: ${ms} ms`) })
    say(`explained: ${report.first.summary}`)
    const database = await databaseFolder(folder)
    if (!database.startsWith(folder)) await rm(database, { recursive: true, force: true })
    return faultsOf(report)
  } catch (error) {
    return [(error as Error).message]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const [version, ...others] = process.argv.slice(2)
const faults =
  version === undefined || others.length > 0
    ? ['Say which version: npm run verify:published -- 0.1.0']
    : await verify(version)
for (const fault of faults) say(fault)
if (faults.length === 0) say(`carillon@${version} works for a new user.`)
process.exit(faults.length === 0 ? 0 : 1)
