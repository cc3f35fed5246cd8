import { type App, createApp } from '../app.ts'
import type { CarillonConfig } from '../config.ts'
import type { PersistedOperations } from '../core/persisted-operations.ts'
import type { Environment } from '../environment.ts'
import { type MetricsServer, serveMetrics } from '../http/metrics.ts'
import type { Page } from '../http/page.ts'
import { type Closing, type HttpServer, serveHttp } from '../http/server.ts'
import { createLogger, logTelemetry } from '../logging.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { createTelemetry } from '../telemetry.ts'
import { httpLimits, type LimitsEnvironment } from './http-limits.ts'

export interface Served {
  readonly app: App
  readonly http: HttpServer
  /** The door that metrics have of their own; `null` where there is none. */
  readonly metricsUrl: string | null
  close(options?: Closing): Promise<void>
}

/** Starts the service, or that part of it which the role says: its doors, and its job loop. */
export const serve = async (
  {
    host,
    port,
    publicUrl,
    redisUrl,
    metrics: metricsDoor,
    logLevel,
    production,
    role = 'all',
    connections,
    replicaUrl,
    earlierSecretKeys,
    ...environment
  }: Pick<Environment, 'host' | 'port' | 'publicUrl' | 'redisUrl' | 'metrics' | 'logLevel' | 'production'> &
    LimitsEnvironment &
    Partial<Pick<Environment, 'role' | 'connections' | 'replicaUrl' | 'earlierSecretKeys'>>,
  {
    databaseUrl,
    config,
    secretKey,
    pages,
    introspection = true,
    persisted,
    linksToItself = false,
  }: {
    readonly databaseUrl: string
    readonly config: CarillonConfig
    readonly secretKey: string
    /** Pages beside the API, made once the service is up. */
    readonly pages?: (app: App) => Promise<ReadonlyMap<string, Page>>
    /** Whether callers may ask for the schema. */
    readonly introspection?: boolean
    /** Operations that may be asked for by their hash, and who may ask for no others. */
    readonly persisted?: PersistedOperations
    /** Whether links lead to where the server listens, where no other address is known; they work on this machine alone. */
    readonly linksToItself?: boolean
  },
): Promise<Served> => {
  const works = role !== 'api'
  const telemetry = createTelemetry()
  logTelemetry(telemetry, createLogger(logLevel), { words: !production })
  const metrics = createMetrics(telemetry)
  let ownUrl: string | null = null
  const linkUrl = () => (linksToItself ? ownUrl : null)
  const bus = redisUrl === null ? 'postgres' : { redisUrl }
  const app = await createApp({
    databaseUrl,
    config,
    secretKey,
    telemetry,
    publicUrl,
    linkUrl,
    bus,
    cron: works,
    ...(connections && { connections }),
    ...(replicaUrl && { replicaUrl }),
    ...(earlierSecretKeys && { earlierSecretKeys }),
  })
  metrics.observe(app)
  let door: MetricsServer | null = null
  let leaving = false
  try {
    if (metricsDoor) door = await serveMetrics({ isReady: () => !leaving && app.isReady() }, metrics, metricsDoor)
    const http = await serveHttp(app, {
      host,
      port,
      healthOnly: role === 'worker',
      metrics: { metrics, openToLoopback: !production },
      ...(pages && { pages: await pages(app) }),
      introspection,
      ...(persisted && { persisted }),
      ...httpLimits({ ...environment, publicUrl }),
    })
    ownUrl = http.url
    if (works) app.worker.start()
    return {
      app,
      http,
      metricsUrl: door?.url ?? null,
      async close(options) {
        leaving = true
        // The worker claims no more from now on, however long the last answers take.
        await Promise.all([http.close(options), app.worker.stop()])
        await door?.close()
        await app.close()
      },
    }
  } catch (error) {
    await door?.close()
    await app.close()
    throw error
  }
}
