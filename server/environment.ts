import { z } from 'zod'
import { SetupError } from './errors.ts'
import { ROLES, type Role } from './role.ts'

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'must be an http or https address' })
  .transform((url) => new URL(url))
  .refine(({ username, search, hash }) => !username && !search && !hash, 'must have no credentials, query or fragment')
  .transform(({ href }) => href.replace(/\/+$/, ''))

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
  CARILLON_DATA_DIR: z.string().min(1).default('.carillon'),
  CARILLON_CONFIG: z.string().min(1).default('carillon.config.ts'),
  CARILLON_SECRET_KEY: z.string().min(32, 'must have at least 32 characters').optional(),
  CARILLON_PUBLIC_URL: httpUrl.optional(),
  CARILLON_REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// address' }).optional(),
  CARILLON_STREAMS_PER_RECIPIENT: z.coerce
    .number({ error: 'must be a number from 1 on' })
    .int('must be a number from 1 on')
    .min(1, 'must be a number from 1 on')
    .optional(),
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
  readonly dataDir: string
  readonly configFile: string
  /** Seals and signs. `null`: made in the data directory, which only development does. */
  readonly secretKey: string | null
  /** What goes into links, without a slash at its end; `null`: in development where the server listens, else no links. */
  readonly publicUrl: string | null
  /** Where processes tell each other what moved; `null`: by the database. */
  readonly redisUrl: string | null
  /** How many sockets and streams of events one recipient may have open at once; `null`: the default. */
  readonly streamsPerRecipient: number | null
  /** What this process does; `all` by default. */
  readonly role: Role
  /** The server that commands ask, and the API key they ask it with; `null`: as `.carillon/dev.json` says. */
  readonly serverUrl: string | null
  readonly serverKey: string | null
  /** A door of its own for metrics and health; `null`: metrics are at the API's door alone. */
  readonly metrics: { readonly host: string; readonly port: number } | null
  readonly logLevel: (typeof LOG_LEVELS)[number]
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
    dataDir: data.CARILLON_DATA_DIR,
    configFile: data.CARILLON_CONFIG,
    secretKey: data.CARILLON_SECRET_KEY ?? null,
    publicUrl: data.CARILLON_PUBLIC_URL ?? null,
    redisUrl: data.CARILLON_REDIS_URL ?? null,
    streamsPerRecipient: data.CARILLON_STREAMS_PER_RECIPIENT ?? null,
    role: data.CARILLON_ROLE,
    serverUrl: data.CARILLON_URL ?? null,
    serverKey: data.CARILLON_KEY ?? null,
    metrics:
      data.CARILLON_METRICS_PORT === undefined
        ? null
        : { host: data.CARILLON_METRICS_HOST, port: data.CARILLON_METRICS_PORT },
    logLevel: data.CARILLON_LOG_LEVEL,
    production: data.NODE_ENV === 'production',
  }
}
