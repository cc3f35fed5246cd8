import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupError } from '../server/errors.ts'
import { bytewiseText } from './bytewise-text.ts'
import { packageRoot } from './package-root.ts'
import { diffDatamodels } from './schema-diff.ts'

// Not .prisma: the Prisma CLI reads every file of that ending below prisma/, and would find each model twice.
const SNAPSHOT = 'datamodel.snapshot'
const NO_MODELS = 'datasource db {\n  provider = "postgresql"\n}\n'

/** Where the models and the migrations are: a folder with `schema.prisma`, `models/` and `migrations/`. */
export interface DraftOptions {
  /** This package's own `prisma/` by default. */
  readonly directory?: string
}

const prismaDirectory = async (options: DraftOptions): Promise<string> =>
  options.directory ?? join(await packageRoot(dirname(fileURLToPath(import.meta.url))), 'prisma')

const presentModels = async (directory: string): Promise<string> => {
  const models = (await readdir(join(directory, 'models'))).filter((file) => file.endsWith('.prisma')).sort()
  const files = ['schema.prisma', ...models.map((file) => join('models', file))]
  return (await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')))).join('\n')
}

const migrationNames = async (directory: string): Promise<string[]> => {
  await mkdir(join(directory, 'migrations'), { recursive: true })
  const entries = await readdir(join(directory, 'migrations'), { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

// A migration written wholly by hand moves no model and may have no snapshot.
const newestSnapshot = async (directory: string): Promise<string> => {
  for (const name of (await migrationNames(directory)).reverse()) {
    const files = await readdir(join(directory, 'migrations', name))
    if (files.includes(SNAPSHOT)) return readFile(join(directory, 'migrations', name, SNAPSHOT), 'utf8')
  }
  return NO_MODELS
}

/** The SQL that the newest migration lacks of the present models; '' where they agree. Needs no database. */
export const pendingModelChanges = async (options: DraftOptions = {}): Promise<string> => {
  const directory = await prismaDirectory(options)
  return bytewiseText(await diffDatamodels(await newestSnapshot(directory), await presentModels(directory)))
}

/**
 * Writes `migrations/<UTC time>_<name>/migration.sql` with what changed in the models since the newest migration, beside
 * a snapshot of the models that the next draft starts from. Answers the new folder, or undefined where nothing changed.
 * The draft is to be read, and completed by hand with what models cannot say, before it is applied anywhere.
 */
export const draftMigration = async (name: string, options: DraftOptions = {}): Promise<string | undefined> => {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    throw new SetupError(
      `Cannot name a migration ${JSON.stringify(name)}: give a name of lower-case letters, digits and _, such as add_topics`,
    )
  }
  const directory = await prismaDirectory(options)
  const sql = await pendingModelChanges({ directory })
  if (sql === '') return undefined

  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const newest = (await migrationNames(directory)).at(-1)
  const folderName = `${time}_${name}`
  if (newest !== undefined && newest >= folderName) {
    throw new SetupError(
      `${folderName} would come before ${newest}: set this machine's clock, or wait until it is later`,
    )
  }
  const folder = join(directory, 'migrations', folderName)
  await mkdir(folder)
  await writeFile(join(folder, 'migration.sql'), sql)
  await writeFile(join(folder, SNAPSHOT), await presentModels(directory))
  return folder
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const folder = await draftMigration(process.argv[2] ?? '')
    process.stdout.write(
      folder === undefined
        ? 'The models say what the newest migration says: nothing to write.\n'
        : `Wrote prisma/migrations/${basename(folder)}/migration.sql: read it, and add what models cannot say.\n`,
    )
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  }
}
