import pg from 'pg'
import { type App, type AppOptions, createApp } from '../../server/app.ts'
import type { CarillonConfig } from '../../server/config.ts'
import { type HttpOptions, serveHttp } from '../../server/http/server.ts'
import type { StreamLimits } from '../../server/http/streams.ts'
import type { Metrics } from '../../server/metrics/metrics.ts'
import { createApiKey, ensureTenant } from '../../server/operations/credentials.ts'
import { createTestDatabase } from './database.ts'
import { brokenInvariants } from './invariants.ts'

export interface GraphQLAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the query asked for.
  readonly data: any
  readonly errors: readonly {
    readonly message: string
    readonly extensions: Record<string, unknown>
    readonly path?: readonly unknown[]
  }[]
}

/** A whole server on a database of its own, spoken to as a user does. */
export interface TestCarillon {
  readonly app: App
  readonly databaseUrl: string
  /** `http://127.0.0.1:1234/graphql`. */
  readonly graphqlUrl: string
  readonly wsUrl: string
  readonly tenantId: string
  readonly backendKey: string
  readonly operatorKey: string
  /** Looks behind the API: every tenant's rows, as the owner of the tables. */
  readonly sql: pg.Pool
  /** Sends an operation as whoever has the credential. */
  ask(credential: string | null, query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer>
  /** Like `ask`, and fails where there are errors. */
  ok(credential: string, query: string, variables?: Record<string, unknown>): Promise<GraphQLAnswer['data']>
  /** A recipient's own token. */
  tokenFor(recipientId: string): Promise<string>
  /** Another tenant's keys, on the same server. */
  addTenant(tenantId: string): Promise<{ readonly backendKey: string; readonly operatorKey: string }>
  /** Carries out all that is due; answers how much that was. */
  drainJobs(): Promise<number>
  close(): Promise<void>
}

export type TestCarillonOptions = Partial<Omit<AppOptions, 'databaseUrl' | 'config'>> & {
  /** How many streams there may be, and how they are kept. */
  readonly streams?: StreamLimits
  /** What the door lets through, and how it is kept. */
  readonly door?: Omit<HttpOptions, 'host' | 'port' | 'streams'>
  /** What is read at /metrics; nothing where left out. */
  readonly metrics?: { readonly metrics: Metrics; readonly openToLoopback: boolean }
  /** Where several servers share a database. */
  readonly databaseUrl?: string
  /** For a test that breaks the rows by hand: they are not looked at when it closes. */
  readonly brokenOnPurpose?: boolean
}

const TENANT = 'acme'
const SECRET_KEY = 'a-secret-key-for-tests-of-32-characters'

const createKeys = async (app: App, tenantId: string) => {
  await ensureTenant(app, tenantId)
  const [backendKey, operatorKey] = await Promise.all([
    createApiKey(app.db, { tenantId, scopes: ['TRIGGER'], label: 'backend' }),
    createApiKey(app.db, { tenantId, scopes: ['OPERATE', 'TRIGGER'], label: 'operator' }),
  ])
  return { backendKey, operatorKey }
}

export const startCarillon = async (
  config: CarillonConfig,
  options: TestCarillonOptions = {},
): Promise<TestCarillon> => {
  const database = options.databaseUrl ? null : await createTestDatabase()
  const databaseUrl = options.databaseUrl ?? (database?.url as string)
  const app = await createApp({ bus: 'memory', secretKey: SECRET_KEY, connections: 5, ...options, databaseUrl, config })
  // What a caller is not told is shown where it can be read.
  app.telemetry.on('request.failed', ({ error }) => void process.stderr.write(`${error.stack}\n`))
  app.telemetry.on('worker.failed', ({ error }) => void process.stderr.write(`${error.stack}\n`))
  const http = await serveHttp(app, {
    host: '127.0.0.1',
    port: 0,
    ...options.door,
    ...(options.streams && { streams: options.streams }),
    ...(options.metrics && { metrics: options.metrics }),
  })
  options.metrics?.metrics.observe(app)
  const keys = await createKeys(app, TENANT)
  const sql = new pg.Pool({ connectionString: databaseUrl, options: '-c carillon.tenant=*', max: 2 })
  const graphqlUrl = `${http.url}/graphql`

  const ask: TestCarillon['ask'] = async (credential, query, variables) => {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(credential && { authorization: `Bearer ${credential}` }) },
      body: JSON.stringify({ query, variables }),
    })
    const { data = null, errors = [] } = (await response.json()) as Partial<GraphQLAnswer>
    return { status: response.status, data, errors }
  }
  const ok: TestCarillon['ok'] = async (credential, query, variables) => {
    const { data, errors } = await ask(credential, query, variables)
    if (errors.length > 0) throw new Error(`unexpected errors: ${JSON.stringify(errors)}`)
    return data
  }

  return {
    app,
    databaseUrl,
    graphqlUrl,
    wsUrl: graphqlUrl.replace('http', 'ws'),
    tenantId: TENANT,
    ...keys,
    sql,
    ask,
    ok,
    async tokenFor(recipientId) {
      const mutation = 'mutation ($input: CreateRecipientTokenInput!) { createRecipientToken(input: $input) { token } }'
      const { createRecipientToken } = await ok(keys.backendKey, mutation, { input: { recipientId } })
      return createRecipientToken.token
    },
    addTenant: (tenantId) => createKeys(app, tenantId),
    drainJobs: () => app.worker.drain(),
    async close() {
      await http.close()
      await app.close()
      const broken = database && !options.brokenOnPurpose ? await brokenInvariants(sql) : []
      await sql.end()
      await database?.drop()
      if (broken.length > 0) throw new Error(`broken invariants: ${JSON.stringify(broken, null, 2)}`)
    },
  }
}
