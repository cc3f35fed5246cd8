import { type Database, openDatabase } from '../db/client.ts'
import { runningClusterUrl } from '../db/embedded/running.ts'
import { databaseFailure } from '../db/errors.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'

type Place = Pick<Environment, 'databaseUrl' | 'dataDir' | 'production'>

/** The database that a command is about: DATABASE_URL, in development the one of `carillon dev`; `null` where there is neither. */
export const databaseUrlOf = async ({ databaseUrl, dataDir, production }: Place): Promise<string | null> =>
  databaseUrl ?? (production ? null : await runningClusterUrl(dataDir))

const NONE = 'DATABASE_URL says in which database; it is not set, and there is none of `carillon dev` here.'
const NOT_MIGRATED = new Set(['42P01', '42703', '3F000'])
const NO_ROLE = new Set(['22023', '42704'])

// Where a name has several addresses, Node's error has no message of its own, only one for each.
const reasonOf = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map((one) => (one as Error).message).join('; ') : error.message

/** What a failure of the database means to who typed a command, in words; the error itself where it is none of those. */
export const databaseError = (error: unknown, isDevelopment: boolean): unknown => {
  const code = String((error as { code?: unknown }).code ?? '')
  const unmigrated = NOT_MIGRATED.has(code) || (NO_ROLE.has(code) && /carillon_app/.test((error as Error).message))
  if (unmigrated)
    return new SetupError('The schema of this database is older than this Carillon: run `carillon migrate`')
  const failed = databaseFailure(error)
  // 28: the login was refused; 3D000: there is no such database.
  if (failed !== 'unavailable' && !code.startsWith('28') && code !== '3D000') return error
  const advice = isDevelopment
    ? 'It is that of `carillon dev`: start that (npm start), or name another with DATABASE_URL'
    : 'Check that it runs there and accepts this user, and that DATABASE_URL says so'
  return new SetupError(`The database cannot be used: ${reasonOf(error as Error)}. ${advice}`)
}

/** Opens the database that a command is about, does that, and closes it. */
export const withDatabase = async <T>(environment: Place, work: (db: Database) => Promise<T>): Promise<T> => {
  const url = await databaseUrlOf(environment)
  if (url === null) throw new SetupError(NONE)
  const db = openDatabase({ url, connections: 1 })
  try {
    return await work(db)
  } catch (error) {
    throw databaseError(error, environment.databaseUrl === null)
  } finally {
    await db.close()
  }
}
