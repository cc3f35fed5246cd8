import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { applyMigrations } from '../../prisma/migrate.ts'
import { type App, readConfig } from '../app.ts'
import { loadConfigFile } from '../config-file.ts'
import { startEmbeddedPostgres } from '../db/embedded.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import { demoPages } from '../http/demo.ts'
import { graphiqlPage } from '../http/graphiql.ts'
import type { Page } from '../http/page.ts'
import { createApiKey, ensureTenant } from '../operations/credentials.ts'
import { servedConsole } from './console.ts'
import { exampleTabs, shellExamples } from './examples.ts'
import { loadPageBundle } from './page-bundle.ts'
import { readPersistedOperations } from './persisted-operations.ts'
import { serve } from './serve.ts'
import { untilStopped } from './until-stopped.ts'

const TENANT = 'dev'

interface DevelopmentKeys {
  readonly backendKey: string
  readonly operatorKey: string
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Files that hold secrets are their owner's alone. */
const writePrivate = (file: string, text: string): Promise<void> => writeFile(file, text, { mode: 0o600 })

const readIfThere = (file: string): Promise<string | null> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })

const secretKeyOf = async ({ secretKey, dataDir }: Environment): Promise<string> => {
  if (secretKey) return secretKey
  const file = join(dataDir, 'secret.key')
  const kept = await readIfThere(file)
  if (kept) return kept.trim()
  const made = randomBytes(32).toString('base64url')
  await writePrivate(file, `${made}\n`)
  return made
}

const keptKeys = async (file: string): Promise<Partial<DevelopmentKeys>> => {
  const kept = await readIfThere(file)
  try {
    return kept ? (JSON.parse(kept) as Partial<DevelopmentKeys>) : {}
  } catch {
    // Damaged, such as by a full disk: new keys are made, and the file with them.
    return {}
  }
}

/** The keys of the last start where this database still knows them, else new ones. */
const developmentKeys = async (app: App, file: string): Promise<DevelopmentKeys> => {
  const { db, credentials } = app
  await ensureTenant(app, TENANT)
  const kept = await keptKeys(file)
  const keyFor = async (
    key: string | undefined,
    label: string,
    scopes: readonly ('TRIGGER' | 'OPERATE')[],
  ): Promise<string> => {
    const principal = key ? await credentials.authenticate(key) : null
    return key && principal?.tenantId === TENANT ? key : createApiKey(db, { tenantId: TENANT, scopes, label })
  }
  return {
    backendKey: await keyFor(kept.backendKey, 'development backend', ['TRIGGER']),
    operatorKey: await keyFor(kept.operatorKey, 'development operator', ['OPERATE', 'TRIGGER']),
  }
}

const makeDataDir = async (dataDir: string): Promise<void> => {
  try {
    await mkdir(dataDir, { recursive: true })
  } catch (error) {
    throw new SetupError(
      `The data directory ${dataDir} cannot be made: ${(error as Error).message}. Choose another with CARILLON_DATA_DIR=...`,
    )
  }
}

/** `carillon dev`: everything on one machine, with a database of its own, keys, and GraphiQL. */
export const dev = async (given: Environment): Promise<void> => {
  // The command says so, whatever NODE_ENV does.
  const environment: Environment = { ...given, production: false, role: 'all' }
  const { dataDir, host } = environment
  const graphiql = environment.graphiql ?? true
  const config = await loadConfigFile(environment.configFile)
  // Before anything is opened: a fault shows at once.
  readConfig(config)
  const persisted = await readPersistedOperations(environment, { introspection: graphiql })
  await makeDataDir(dataDir)
  const embedded = environment.databaseUrl ? null : await startEmbeddedPostgres({ dataDir, onNotice: say })
  const databaseUrl = environment.databaseUrl ?? (embedded?.url as string)
  try {
    await applyMigrations(databaseUrl)
    const secretKey = await secretKeyOf(environment)
    const devFile = join(dataDir, 'dev.json')
    let keys: DevelopmentKeys | null = null
    const local = host === '127.0.0.1' || host === 'localhost' || host === '::1'
    const served = await serve(environment, {
      databaseUrl,
      config,
      secretKey,
      introspection: graphiql,
      persisted,
      linksToItself: true,
      pages: async (app) => {
        const { telemetry } = app
        keys = await developmentKeys(app, devFile)
        const page = graphiqlPage({ credential: local ? keys.operatorKey : null, tabs: exampleTabs(app.notifiers) })
        const toGraphiql: Page = (_, response) => void response.writeHead(302, { location: '/graphiql' }).end()
        return new Map<string, Page>([
          ...(graphiql
            ? ([
                ['/graphiql', page],
                ['/', toGraphiql],
              ] as const)
            : []),
          ...(local
            ? demoPages({ credential: keys.operatorKey, loadBundle: () => loadPageBundle('demo'), telemetry })
            : []),
          ...servedConsole(environment, { credential: local ? keys.operatorKey : null, telemetry }),
        ])
      },
    })
    const graphqlUrl = `${served.http.url}/graphql`
    const wsUrl = graphqlUrl.replace(/^http/, 'ws')
    const { backendKey, operatorKey } = keys as unknown as DevelopmentKeys
    await writePrivate(
      devFile,
      `${JSON.stringify({ graphqlUrl, wsUrl, tenantId: TENANT, backendKey, operatorKey }, null, 2)}\n`,
    )
    say(`
Carillon is ready.

${local ? `  Demo        ${served.http.url}/demo   (two inboxes, and a form that fills them)\n` : ''}${environment.console ? `  Console     ${served.http.url}/console   (search, why, simulate, live)\n` : ''}  GraphiQL    ${served.http.url}/graphiql   (the operator key is filled in)
  HTTP        ${graphqlUrl}   (server-sent events too)
  WebSocket   ${wsUrl}   (graphql-transport-ws)
  Keys        ${devFile}

${shellExamples(served.app.notifiers, { graphqlUrl, backendKey, operatorKey })}
Ctrl-C stops it; the data stays in ${dataDir}.`)
    await untilStopped(() => served.close())
    say('Stopped.')
  } finally {
    await embedded?.stop()
  }
}
