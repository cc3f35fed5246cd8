import { type DestinationStream, type LevelWithSilent, type Logger, pino } from 'pino'
import { encodeNodeId } from './core/node-id.ts'
import { databaseFailure } from './db/errors.ts'
import { loggedError } from './logged-error.ts'
import type { Telemetry } from './telemetry.ts'

/** Lines of JSON to standard output, from that level on: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
export const createLogger = (level: LevelWithSilent, destination?: DestinationStream): Logger => {
  return destination ? pino({ level }, destination) : pino({ level })
}

/** A delivery as the log names it: by the API's id, to be pasted into an explanation, and by its row's. */
const named = (deliveryId: string) => ({ delivery: encodeNodeId('Delivery', deliveryId), deliveryId })

/**
 * Writes what operators have to know of. Ids alone: no payload, no content, no address. `words`: what the host's own code
 * and adapters threw is told in their words, which may quote any of that; for development.
 */
export const logTelemetry = (
  telemetry: Telemetry,
  logger: Logger,
  { words = false }: { readonly words?: boolean } = {},
): void => {
  const own = (error: unknown) => loggedError(error, { origin: 'service', words })
  const hosts = (error: unknown) => loggedError(error, { origin: 'host', words })
  telemetry.on('notifier.failed', ({ tenantId, notificationKey, error }) => {
    const said = error.name === 'NotifierError'
    const thrown = said ? error.cause : error
    logger.error(
      { tenantId, notificationKey, ...(thrown !== undefined && { err: hosts(thrown) }) },
      said ? error.message : `Notifier "${notificationKey}" failed`,
    )
  })
  telemetry.on('adapter.misbehaved', ({ adapter, deliveryId, problem, error }) => {
    logger.error(
      { adapter, ...named(deliveryId), ...(error && { err: hosts(error) }) },
      `adapter ${adapter} ${problem}; the delivery is tried again`,
    )
  })
  telemetry.on('attempt.unknown', ({ tenantId, deliveryId }) => {
    logger.warn(
      { tenantId, ...named(deliveryId) },
      'a worker died while it handed this delivery over; its attempt is recorded as UNKNOWN',
    )
  })
  telemetry.on('result.too_late', ({ tenantId, deliveryId }) => {
    logger.warn(
      { tenantId, ...named(deliveryId) },
      'a result came after its lease had gone to another worker, and was dropped',
    )
  })
  telemetry.on('webhook.refused', ({ adapter, problem }) => {
    logger.warn({ adapter }, `a webhook for ${adapter} was not taken: ${problem}`)
  })
  telemetry.on('report.failed', ({ tenantId, reportId, givenUp, error }) => {
    const then = givenUp ? 'it is given up' : 'it is tried again'
    logger.error(
      { tenantId, webhookIngress: encodeNodeId('WebhookIngress', reportId), reportId, err: own(error) },
      `a provider's report could not be carried out; ${then}`,
    )
  })
  telemetry.on('setting.unmatched', ({ tenantId, kind, name }) => {
    logger.warn({ tenantId, [kind]: name }, `a setting names a ${kind} that no notifier has: is it misspelt?`)
  })
  let away = false
  /** Said once, when the database is lost, and not with each request and each look at the queue until it is back. */
  const levelOf = (error: Error, level: 'warn' | 'error') =>
    away && databaseFailure(error) === 'unavailable' ? 'debug' : level
  telemetry.on('worker.failed', ({ error }) =>
    logger[levelOf(error, 'error')]({ err: own(error) }, 'the job loop failed; it goes on by itself'),
  )
  telemetry.on('request.failed', ({ error, errorId }) =>
    logger[levelOf(error, 'error')]({ err: own(error), ...(errorId && { errorId }) }, 'a request failed'),
  )
  telemetry.on('bus.failed', ({ error }) =>
    logger[levelOf(error, 'warn')]({ err: own(error) }, 'a hint was lost; the sweep makes it good'),
  )
  telemetry.on('bus.lost', ({ error }) => logger.warn({ err: own(error) }, 'not listening any more; it is tried again'))
  telemetry.on('history.pruned', (pruned) => logger.info(pruned, 'pruned what was old enough'))
  telemetry.on('bus.reconnected', () => logger.info('listening again; every open inbox is looked at'))
  telemetry.on('database.connection_lost', ({ to, error }) =>
    logger[away && to === 'primary' ? 'debug' : 'warn'](
      { err: own(error), to },
      `an idle connection to the ${to === 'replica' ? 'replica' : 'database'} died; it is replaced`,
    ),
  )
  telemetry.on('database.state', ({ state, error }) => {
    if (state === 'silent') {
      logger.warn('the database has not answered for a second; this process is not ready')
      return
    }
    away = state === 'gone'
    if (away) {
      logger.error(
        { err: own(error) },
        'the database is lost; requests are answered UNAVAILABLE and no work is claimed until it is back',
      )
    } else logger.info('the database answers; this process is ready')
  })
}
