import { randomUUID } from 'node:crypto'
import { databaseFailure } from '../db/errors.ts'
import { CarillonError } from '../errors.ts'
import type { Telemetry } from '../telemetry.ts'

/**
 * What a caller may be told of an error: a mistake of its own as it is, anything else without detail, but with an id by
 * which it is found in the log.
 */
export const publicError = (error: unknown, telemetry: Telemetry): CarillonError => {
  if (error instanceof CarillonError) return error
  const errorId = randomUUID()
  telemetry.emit('request.failed', { error: error instanceof Error ? error : new Error(String(error)), errorId })
  return databaseFailure(error) === 'unavailable'
    ? new CarillonError('UNAVAILABLE', 'The database is away; try again', { retryAfterSeconds: 1, errorId })
    : new CarillonError('INTERNAL', 'Something went wrong on the server; its log says what', { errorId })
}
