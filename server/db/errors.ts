import pg from 'pg'

/** What a failed statement allows one to do next. */
export type DatabaseFailure =
  /** The data was refused: part of a batch is bad. */
  | 'bad_data'
  /** It lost a race (deadlock, lock time-out, a number that was just given): the same again may succeed. */
  | 'contention'
  /** The database cannot be reached or is going away; whether it had committed is unknown. */
  | 'unavailable'
  /** Anything else: a fault of ours. */
  | 'fault'

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
])
// As Prisma says that it has no connection, or got none in time.
const PRISMA_AWAY = /^P(1001|1002|1008|1017|2024|2028)$/
const PRISMA_CONTENTION = 'P2034'
// pg reports these as plain errors, without any code.
const CONNECTION_MESSAGES =
  /connection terminated|timeout expired|timeout exceeded when trying to connect|query read timeout|not queryable|cannot use a pool after calling end/i

/**
 * Two transactions gave an attempt of one delivery the same number: a call's end and its provider's report were recorded
 * at the same time, and the second had counted before it had waited for the first.
 */
const ATTEMPT_NUMBER = 'delivery_attempt_tenant_id_delivery_id_attempt_number_key'

/** Sorts a failure of the database; `null` where it is not one. */
export const databaseFailure = (error: unknown): DatabaseFailure | null => {
  if (!(error instanceof Error)) return null
  const { code } = error as { code?: unknown }
  if (error instanceof pg.DatabaseError && typeof code === 'string') {
    if (error.constraint === ATTEMPT_NUMBER) return 'contention'
    const family = code.slice(0, 2)
    if (family === '22' || family === '23') return 'bad_data'
    if (family === '40' || family === '55') return 'contention'
    // 25006: the server has become a replica; the next connection finds the new primary.
    return code === '25006' || family === '08' || family === '53' || family === '57' ? 'unavailable' : 'fault'
  }
  if (code === PRISMA_CONTENTION) return 'contention'
  if (typeof code === 'string' && (UNREACHABLE.has(code) || PRISMA_AWAY.test(code))) return 'unavailable'
  return CONNECTION_MESSAGES.test(error.message) ? 'unavailable' : null
}
