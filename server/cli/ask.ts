import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CarillonClient, CarillonClientError, createClient } from '../../client-sdk/index.ts'
import type { Environment } from '../environment.ts'
import { SetupError } from '../errors.ts'
import type { ServerOptions } from './commands/server-options.ts'
import { UsageError } from './usage.ts'

interface Server {
  readonly url: string
  readonly key: string
  /** How somebody came to ask there; ends a sentence. */
  readonly known: string
}

const URL_HINT = 'write its address, such as https://notify.example.com'

const graphqlUrl = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${JSON.stringify(text)} is no address of a server: ${URL_HINT}`)
  if (url.pathname === '/') url.pathname = '/graphql'
  return url.href
}

/** What `carillon dev` says of itself, where it has ever run here. */
const readDevFile = async (dataDir: string): Promise<Server | null> => {
  const file = join(dataDir, 'dev.json')
  try {
    const { graphqlUrl: url, operatorKey } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    return typeof url === 'string' && typeof operatorKey === 'string' ? { url, key: operatorKey, known: file } : null
  } catch {
    return null
  }
}

const NOBODY =
  'Nobody says whom to ask. Name a server (--url and --key, or CARILLON_URL and CARILLON_KEY), or ask the database itself (--tenant, with DATABASE_URL), or start `carillon dev` here.'

const findServer = async (
  { serverUrl, serverKey, dataDir, production }: Environment,
  { url, key }: ServerOptions,
): Promise<Server> => {
  const askedUrl = url ?? serverUrl
  const askedKey = key ?? serverKey
  if (askedUrl && askedKey) {
    return { url: graphqlUrl(askedUrl), key: askedKey, known: url ? '--url' : 'CARILLON_URL' }
  }
  if (askedUrl) throw new UsageError(`With which key? Set CARILLON_KEY, or write --key; an operator's opens the most.`)
  if (askedKey) throw new UsageError(`Which server? Set CARILLON_URL, or --url: ${URL_HINT}`)
  const dev = production ? null : await readDevFile(dataDir)
  if (!dev) throw new SetupError(NOBODY)
  return dev
}

/** All that is held about somebody may be much. */
const LONGEST_ANSWER_MS = 120_000

const askServer = async <T>({ url, key, known }: Server, work: (client: CarillonClient) => Promise<T>): Promise<T> => {
  const client = createClient({ url, token: key, timeoutMs: LONGEST_ANSWER_MS })
  try {
    return await work(client)
  } catch (error) {
    if (!(error instanceof CarillonClientError)) throw error
    if (error.code === 'NETWORK_ERROR') {
      const advice = known.endsWith('dev.json') ? ' Is `carillon dev` running (npm start)?' : ''
      throw new SetupError(`${error.message}. The address is from ${known}.${advice}`)
    }
    if (error.code === 'FORBIDDEN')
      throw new SetupError(`${error.message}. Ask with a key that has it (carillon keys create --scope OPERATE).`)
    throw error
  } finally {
    client.close()
  }
}

/**
 * Asks a server for the answers of a command, through the same API whichever it is: one over HTTP, or, where a tenant is
 * named, one within this process that carries out no jobs and stores nothing of the configuration.
 */
export const withServer = async <T>(
  environment: Environment,
  options: ServerOptions,
  work: (client: CarillonClient) => Promise<T>,
): Promise<T> => {
  const { tenant } = options
  if (tenant === undefined) return askServer(await findServer(environment, options), work)
  if (options.url !== undefined || options.key !== undefined) {
    throw new UsageError('--tenant asks the database, --url and --key ask a server: name one of them')
  }
  const { askDatabase } = await import('./ask-database.ts')
  return askDatabase(environment, tenant, work)
}
