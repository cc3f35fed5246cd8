import { setTimeout as delay } from 'node:timers/promises'
import { applyMigrations } from '../../prisma/migrate.ts'
import { readConfig } from '../app.ts'
import { loadConfigFile } from '../config-file.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { graphiqlPage } from '../http/graphiql.ts'
import type { Page } from '../http/page.ts'
import { createLogger } from '../logging.ts'
import { servedConsole } from './console.ts'
import { readPersistedOperations } from './persisted-operations.ts'
import { serve } from './serve.ts'
import { untilDatabaseAnswers } from './until-database.ts'
import { untilStopped } from './until-stopped.ts'

/** Shows to anybody who comes by, so it holds no credential, and nothing of the host's notifiers. */
const bareGraphiql = (): ReadonlyMap<string, Page> =>
  new Map([['/graphiql', graphiqlPage({ credential: null, tabs: [{ query: '{ viewer { tenantId scopes } }' }] })]])

/** `carillon start`: the service in production, on a database of the operator's. */
export const start = async (given: Environment): Promise<void> => {
  // The command says so, whatever NODE_ENV does.
  const environment: Environment = { ...given, production: true }
  const { databaseUrl, secretKey } = environment
  const missing = [databaseUrl ? [] : ['DATABASE_URL'], secretKey ? [] : ['CARILLON_SECRET_KEY']].flat()
  if (!databaseUrl || !secretKey) {
    throw new SetupError(`${missing.join(' and ')} must be set in production. For a try without either: carillon dev.`)
  }
  const config = await loadConfigFile(environment.configFile)
  // Before anything is opened: a fault shows at once.
  const { routes } = readConfig(config)
  const graphiql = environment.graphiql ?? false
  const persisted = await readPersistedOperations(environment, { introspection: graphiql })
  if (environment.publicUrl === null && routes.has('email') && environment.role !== 'api') {
    process.stdout.write(
      'CARILLON_PUBLIC_URL is not set: e-mail carries no link to unsubscribe, which large mailbox providers ask for.\n',
    )
  }
  const { host, port, metrics, logLevel } = environment
  const served = await untilDatabaseAnswers(
    async () => {
      await applyMigrations(databaseUrl)
      return serve(environment, {
        databaseUrl,
        config,
        secretKey,
        introspection: graphiql,
        persisted,
        pages: async ({ telemetry }) =>
          new Map([
            ...(graphiql ? bareGraphiql() : []),
            ...servedConsole(environment, { credential: null, telemetry }),
          ]),
      })
    },
    { databaseUrl, doors: [{ host, port }, ...(metrics ? [metrics] : [])], logger: createLogger(logLevel) },
  )
  if (served.metricsUrl) process.stdout.write(`Metrics and health are at ${served.metricsUrl}\n`)
  process.stdout.write(
    environment.role === 'worker'
      ? `Carillon carries out jobs; health is at ${served.http.url}/health/ready\n`
      : `Carillon listens at ${served.http.url}/graphql\n`,
  )
  if (environment.console && environment.role !== 'worker') {
    process.stdout.write(`The console is at ${served.http.url}/console\n`)
  }
  await untilStopped((signal) => {
    // Whoever presses Ctrl-C has no load balancer that had to hear of it first, and nobody sends a worker anything.
    const drains = signal === 'SIGTERM' && environment.role !== 'worker'
    return served.close(drains ? { after: delay(environment.drainSeconds * 1_000) } : {})
  })
}
