import pg from 'pg'
import { SetupError } from '../server/errors.ts'

const NOT_A_URL =
  'The database URL (DATABASE_URL) is not one: write postgresql://user:password@host:5432/database, with any of : / ? # @ % in the password percent-encoded'

// A "/", "?" or "#" left as it is in a password ends the host there: what follows "@" is then no host, and what is taken
// for host and port are parts of the credentials, which no message may show.
const HOST_IS_CUT_SHORT = /^[^:]+:\/\/[^/?#@]*[/?#][^@]*@/

const openClient = (databaseUrl: string): pg.Client => {
  if (!URL.canParse(databaseUrl) || HOST_IS_CUT_SHORT.test(databaseUrl)) throw new SetupError(NOT_A_URL)
  try {
    return new pg.Client({
      connectionString: databaseUrl,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
      fallback_application_name: 'carillon migrate',
    })
  } catch {
    // Not passed on: the parser's own error may quote the URL, with the password in it.
    throw new SetupError(NOT_A_URL)
  }
}

// Where a name has several addresses, Node's error has no message of its own, only one for each.
const reasonOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** One connection of its own, outside any pool; a SetupError that names host and port where it cannot be made. */
export const connect = async (databaseUrl: string): Promise<pg.Client> => {
  const client = openClient(databaseUrl)
  // A connection lost between two statements is told here first; the next statement rejects with it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (cause) {
    await client.end().catch(() => {})
    const error = new SetupError(
      `Cannot connect to Postgres at host ${client.host}, port ${client.port}: ${reasonOf(cause)}. Check that it runs there and accepts this user, and that the database URL (DATABASE_URL) says so`,
    )
    error.cause = cause
    throw error
  }
  return client
}
