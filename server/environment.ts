import { z } from 'zod'
import { PERSISTED_ONLY, type PersistedOnly } from './core/persisted-operations.ts'
import { SetupError } from './errors.ts'
import { ROLES, type Role } from './role.ts'

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform((url) => new URL(url))
  .refine(({ username, search, hash }) => !username && !search && !hash, 'must have no credentials, query or fragment')
  .transform(({ href }) => href.replace(/\/+$/, ''))

const wholeNumber = z.coerce
  .number({ error: 'must be a whole number, 0 for no limit' })
  .int('must be a whole number, 0 for no limit')
  .min(0, 'must be a whole number, 0 for no limit')

const isOrigin = (text: string): boolean => {
  try {
    const { protocol, origin } = new URL(text)
    return /^https?:$/.test(protocol) && origin === text
  } catch {
    return false
  }
}

const origins = z
  .string()
  .transform((text) => text.split(',').map((origin) => origin.trim()))
  .refine((list) => list.every(isOrigin), 'must be origins such as https://app.example.com, with commas between them')

const files = z.string().transform((text) => text.split(',').flatMap((file) => file.trim() || []))

const earlierKeys = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .refine(
    (list) => list.every(({ length }) => length >= 32),
    'must be keys of at least 32 characters, with commas between them',
  )

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

const variables = z.object({
  PORT: z.coerce
    .number({ error: 'must be a port number' })
    .int('must be a port number')
    .min(0)
    .max(65_535)
    .default(4000),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' }).optional(),
  CARILLON_REPLICA_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' }).optional(),
  CARILLON_DATA_DIR: z.string().min(1).default('.carillon'),
  CARILLON_CONFIG: z.string().min(1).default('carillon.config.ts'),
  CARILLON_SECRET_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  CARILLON_EARLIER_SECRET_KEYS: earlierKeys.optional(),
  CARILLON_PUBLIC_URL: httpUrl.optional(),
  CARILLON_REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// address' }).optional(),
  CARILLON_STREAMS_PER_RECIPIENT: z.coerce
    .number({ error: 'must be a number from 1 on' })
    .int('must be a number from 1 on')
    .min(1, 'must be a number from 1 on')
    .optional(),
  CARILLON_REQUESTS_PER_SECOND_PER_KEY: wholeNumber.default(5_000),
  CARILLON_REQUESTS_PER_SECOND_PER_RECIPIENT: wholeNumber.default(100),
  CARILLON_REFUSED_PER_MINUTE_PER_ADDRESS: wholeNumber.default(600),
  CARILLON_PROXIES: z.coerce
    .number({ error: 'must be a number of proxies' })
    .int('must be a number of proxies')
    .min(0, 'must be a number of proxies')
    .max(10, 'must be a number of proxies, at most 10')
    .default(0),
  CARILLON_CORS_ORIGINS: origins.optional(),
  CARILLON_GRAPHIQL: z.enum(['on', 'off'], { error: 'must be on or off' }).optional(),
  CARILLON_PERSISTED_OPERATIONS: files.default([]),
  CARILLON_PERSISTED_OPERATIONS_ONLY: z
    .enum(PERSISTED_ONLY, { error: `must be one of ${PERSISTED_ONLY.join(', ')}` })
    .default('off'),
  CARILLON_ROLE: z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` }).default('all'),
  CARILLON_URL: httpUrl.optional(),
  CARILLON_KEY: z.string().min(1).optional(),
  CARILLON_METRICS_PORT: z.coerce
    .number({ error: 'must be a port number' })
    .int('must be a port number')
    .min(0)
    .max(65_535)
    .optional(),
  CARILLON_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  CARILLON_LOG_LEVEL: z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(', ')}` }).default('info'),
  CARILLON_CONSOLE: z.enum(['on', 'off'], { error: 'must be on or off' }).default('on'),
  CARILLON_CONNECTIONS_PER_POOL: z.coerce
    .number({ error: 'must be a number from 2 on' })
    .int('must be a number from 2 on')
    .min(2, 'must be a number from 2 on')
    .optional(),
  CARILLON_DRAIN_SECONDS: z.coerce
    .number({ error: 'must be a number of seconds from 0 to 300' })
    .min(0, 'must be a number of seconds from 0 to 300')
    .max(300, 'must be a number of seconds from 0 to 300')
    .default(5),
  NODE_ENV: z.string().optional(),
})

/** The names of all variables that are read; `docs/installation.md` describes each. */
export const environmentVariables: readonly string[] = Object.keys(variables.shape)

/** What the environment says, checked. */
export interface Environment {
  /** 0 for any that is free. */
  readonly port: number
  readonly host: string
  /** `null`: the database that comes with Carillon. */
  readonly databaseUrl: string | null
  /** A replica of it, for queries that ask for one; `null`: none. */
  readonly replicaUrl: string | null
  readonly dataDir: string
  readonly configFile: string
  /** Seals and signs. `null`: made in the data directory, which only development does. */
  readonly secretKey: string | null
  /** What it was before: what these have signed and sealed is accepted. None where nothing is said. */
  readonly earlierSecretKeys: readonly string[]
  /** What goes into links, without a slash at its end; `null`: in development where the server listens, else no links. */
  readonly publicUrl: string | null
  /** Where processes tell each other what moved; `null`: by the database. */
  readonly redisUrl: string | null
  /** How many sockets and streams of events one recipient may have open at once; `null`: the default. */
  readonly streamsPerRecipient: number | null
  /** How many requests a second one API key may make, on one process; 0 for no limit. */
  readonly requestsPerKey: number
  /** The same for one recipient, counted over ten seconds. */
  readonly requestsPerRecipient: number
  /** How many requests a minute without a valid credential one address may make; 0 for no limit. */
  readonly refusedPerAddress: number
  /** How many proxies in front are to be believed about whom they were called by. */
  readonly proxies: number
  /** Which pages of browsers may ask; `null`: all. */
  readonly corsOrigins: readonly string[] | null
  /** Whether there is GraphiQL, and the schema may be asked for; `null`: in development alone. */
  readonly graphiql: boolean | null
  /** Files of operations that may be asked for by their hash, beside Carillon's own. */
  readonly persistedOperations: readonly string[]
  /** Who may ask for no others; `off` by default. */
  readonly persistedOnly: PersistedOnly
  /** What this process does; `all` by default. */
  readonly role: Role
  /** The server that commands ask, and the API key they ask it with; `null`: as `.carillon/dev.json` says. */
  readonly serverUrl: string | null
  readonly serverKey: string | null
  /** A door of its own for metrics and health; `null`: metrics are at the API's door alone. */
  readonly metrics: { readonly host: string; readonly port: number } | null
  readonly logLevel: (typeof LOG_LEVELS)[number]
  /** Whether the console is served at /console. */
  readonly console: boolean
  /** How many connections each of the two pools holds at most; `null`: the default. */
  readonly connections: number | null
  /** How long it goes on answering after SIGTERM, while it says that it is not ready; 5 by default. */
  readonly drainSeconds: number
  /** Whether this is no place to develop: by NODE_ENV, until `start` or `dev` says so itself. */
  readonly production: boolean
}

/** Reads the environment. An empty variable counts as absent. All faults are named at once, in one `SetupError`. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Environment => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = variables.safeParse(given)
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)
    throw new SetupError(`The environment has faults:\n- ${faults.join('\n- ')}`)
  }
  const { data } = parsed
  return {
    port: data.PORT,
    host: data.HOST,
    databaseUrl: data.DATABASE_URL ?? null,
    replicaUrl: data.CARILLON_REPLICA_URL ?? null,
    dataDir: data.CARILLON_DATA_DIR,
    configFile: data.CARILLON_CONFIG,
    secretKey: data.CARILLON_SECRET_KEY ?? null,
    earlierSecretKeys: data.CARILLON_EARLIER_SECRET_KEYS ?? [],
    publicUrl: data.CARILLON_PUBLIC_URL ?? null,
    redisUrl: data.CARILLON_REDIS_URL ?? null,
    streamsPerRecipient: data.CARILLON_STREAMS_PER_RECIPIENT ?? null,
    requestsPerKey: data.CARILLON_REQUESTS_PER_SECOND_PER_KEY,
    requestsPerRecipient: data.CARILLON_REQUESTS_PER_SECOND_PER_RECIPIENT,
    refusedPerAddress: data.CARILLON_REFUSED_PER_MINUTE_PER_ADDRESS,
    proxies: data.CARILLON_PROXIES,
    corsOrigins: data.CARILLON_CORS_ORIGINS ?? null,
    graphiql: data.CARILLON_GRAPHIQL === undefined ? null : data.CARILLON_GRAPHIQL === 'on',
    persistedOperations: data.CARILLON_PERSISTED_OPERATIONS,
    persistedOnly: data.CARILLON_PERSISTED_OPERATIONS_ONLY,
    role: data.CARILLON_ROLE,
    serverUrl: data.CARILLON_URL ?? null,
    serverKey: data.CARILLON_KEY ?? null,
    metrics:
      data.CARILLON_METRICS_PORT === undefined
        ? null
        : { host: data.CARILLON_METRICS_HOST, port: data.CARILLON_METRICS_PORT },
    logLevel: data.CARILLON_LOG_LEVEL,
    console: data.CARILLON_CONSOLE === 'on',
    connections: data.CARILLON_CONNECTIONS_PER_POOL ?? null,
    drainSeconds: data.CARILLON_DRAIN_SECONDS,
    production: data.NODE_ENV === 'production',
  }
}
