import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { databaseFailure } from './db/errors.ts'
import type { Telemetry } from './telemetry.ts'

/** An error without what drivers hang on it: the details of a failed row are its content. */
const plainError = (error: Error & { code?: unknown; constraint?: unknown; table?: unknown }) => ({
  type: error.name,
  message: error.message,
  code: error.code,
  constraint: error.constraint,
  table: error.table,
  stack: error.stack,
})

/** Lines of JSON to standard output, from that level on: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
export const createLogger = (level: LevelWithSilent, destination?: DestinationStream): Logger => {
  const options = { level, serializers: { err: plainError } }
  return destination ? pino(options, destination) : pino(options)
}

/** Writes what operators have to know of. Ids alone: no payload, no content, no address. */
export const logTelemetry = (telemetry: Telemetry, logger: Logger): void => {
  telemetry.on('notifier.failed', ({ tenantId, notificationKey, error }) => {
    logger.error({ tenantId, notificationKey, err: (error.cause as Error | undefined) ?? error }, error.message)
  })
  telemetry.on('adapter.misbehaved', ({ adapter, deliveryId, problem, error }) => {
    logger.error({ adapter, deliveryId, err: error }, `adapter ${adapter} ${problem}; the delivery is tried again`)
  })
  telemetry.on('attempt.unknown', ({ tenantId, deliveryId }) => {
    logger.warn(
      { tenantId, deliveryId },
      'a worker died while it handed this delivery over; its attempt is recorded as UNKNOWN',
    )
  })
  telemetry.on('result.too_late', ({ tenantId, deliveryId }) => {
    logger.warn({ tenantId, deliveryId }, 'a result came after its lease had gone to another worker, and was dropped')
  })
  telemetry.on('webhook.refused', ({ adapter, problem }) => {
    logger.warn({ adapter }, `a webhook for ${adapter} was not taken: ${problem}`)
  })
  telemetry.on('report.failed', ({ tenantId, reportId, givenUp, error }) => {
    const then = givenUp ? 'it is given up' : 'it is tried again'
    logger.error({ tenantId, reportId, err: error }, `a provider's report could not be carried out; ${then}`)
  })
  telemetry.on('setting.unmatched', ({ tenantId, kind, name }) => {
    logger.warn({ tenantId, [kind]: name }, `a setting names a ${kind} that no notifier has: is it misspelt?`)
  })
  let away = false
  /** Said once, when the database is lost, and not with each request and each look at the queue until it is back. */
  const levelOf = (error: Error, level: 'warn' | 'error') =>
    away && databaseFailure(error) === 'unavailable' ? 'debug' : level
  telemetry.on('worker.failed', ({ error }) =>
    logger[levelOf(error, 'error')]({ err: error }, 'the job loop failed; it goes on by itself'),
  )
  telemetry.on('request.failed', ({ error }) => logger[levelOf(error, 'error')]({ err: error }, 'a request failed'))
  telemetry.on('bus.failed', ({ error }) =>
    logger[levelOf(error, 'warn')]({ err: error }, 'a hint was lost; the sweep makes it good'),
  )
  telemetry.on('bus.lost', ({ error }) => logger.warn({ err: error }, 'not listening any more; it is tried again'))
  telemetry.on('history.pruned', (pruned) => logger.info(pruned, 'pruned what was old enough'))
  telemetry.on('bus.reconnected', () => logger.info('listening again; every open inbox is looked at'))
  telemetry.on('database.connection_lost', ({ error }) =>
    logger[away ? 'debug' : 'warn']({ err: error }, 'an idle database connection died; it is replaced'),
  )
  telemetry.on('database.state', ({ state, error }) => {
    if (state === 'silent') {
      logger.warn('the database has not answered for a second; this process is not ready')
      return
    }
    away = state === 'gone'
    if (away) {
      logger.error(
        { err: error },
        'the database is lost; requests are answered UNAVAILABLE and no work is claimed until it is back',
      )
    } else logger.info('the database answers; this process is ready')
  })
}
