import type { Duplex } from 'node:stream'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { PrismaClient } from '../../generated/prisma/client.ts'
import { SetupError } from '../errors.ts'
import { readSession, type SessionRow } from './sql/read-session.ts'
import { repeatStale } from './stale-plans.ts'

/** The role as which the service works: neither owner nor superuser, so that row-level security holds for it. */
export const APPLICATION_ROLE = 'carillon_app'

/** Reads through Prisma that see one tenant's rows alone. */
export type TenantPrisma = ReturnType<typeof scopeToTenant>

export interface Database {
  /** Sees every tenant: for statements shared between tenants, which name the tenant of each row themselves. */
  readonly system: pg.Pool
  /** Sees no row until a transaction has named its tenant (`asTenant`). */
  readonly tenant: pg.Pool
  /** Ordinary reads of one tenant's rows. */
  prismaFor(tenantId: string): TenantPrisma
  /**
   * Whether statements are let through, as they are at first. Not: those under way fail, their connections are closed, and
   * others are refused at once.
   */
  letThrough(whether: boolean): void
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly url: string
  /** Connections a pool may hold; there are two pools. 10 by default. */
  readonly connections?: number
  /** Whether its sessions may only read, as of a replica; false by default. */
  readonly readOnly?: boolean
  /** Told of connections that died while idle; they are replaced by themselves. */
  readonly onConnectionLost?: (error: Error) => void
}

/** Connections a pool holds at most where nobody says otherwise; there are two pools. */
export const CONNECTIONS_PER_POOL = 10

// A count or a version never reaches 2^53; as numbers they can be compared and added.
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
}

// Compiling a plan costs more than any statement here takes to run.
const PLANNER = '-c jit=off'
/**
 * The shared statements look up a list of keys. Without statistics, as in tables that were just filled, the planner
 * reads the whole table for it, and such a plan stays with a prepared statement as the table grows. And it cannot know
 * how few rows a claim is to take from the front of the queue: it would read and sort all that is due, and not go along
 * the index.
 */
const KEYED_PLANNER = `${PLANNER} -c enable_seqscan=off -c enable_bitmapscan=off`

/** As the operating system would say it, so that whoever sorts errors sorts this one alike. */
const refusal = (): Error => Object.assign(new Error('The database does not answer'), { code: 'ECONNREFUSED' })

/** How long a statement waits for a connection: for a free one of the pool, or for a new one. */
const CONNECTION_MS = 10_000
/** How long a statement may take, locks that it waits for included. */
const STATEMENT_MS = 30_000

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, release: () => void) => void

/** Lets a pool be closed for a while: what it holds is dropped then, and nobody waits for a connection. */
const withGate = (pool: pg.Pool) => {
  const clients = new Set<pg.PoolClient>()
  pool.on('connect', (client) => clients.add(client))
  pool.on('remove', (client) => clients.delete(client))
  const connect = pool.connect.bind(pool) as (done?: Connected) => Promise<pg.PoolClient> | undefined
  let open = true
  pool.connect = ((done?: Connected) => {
    if (open) return connect(done)
    if (!done) return Promise.reject(refusal())
    process.nextTick(done, refusal(), undefined, () => {})
    return
  }) as typeof pool.connect
  return (whether: boolean): void => {
    open = whether
    if (open) return
    for (const client of clients) {
      const { stream } = (client as unknown as { readonly connection: { readonly stream: Duplex } }).connection
      stream.destroy()
    }
  }
}

const openPool = (
  { url, connections = CONNECTIONS_PER_POOL, onConnectionLost, readOnly = false }: DatabaseOptions,
  tenant: string,
  planner: string,
): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    types,
    pipeline: true,
    // UTC: Prisma's adapter shifts instants by the session's offset otherwise. The role is taken at the start of the
    // session, so that no statement ever runs with the rights of whoever owns the tables.
    options: `-c TimeZone=UTC -c role=${APPLICATION_ROLE} -c carillon.tenant=${tenant} -c idle_in_transaction_session_timeout=60000 -c statement_timeout=${STATEMENT_MS} ${planner}${readOnly ? ' -c default_transaction_read_only=on' : ''}`,
    // Without these two a database that is unreachable makes requests hang for ever instead of failing.
    connectionTimeoutMillis: CONNECTION_MS,
    // Ends the waiting and leaves the server at work: where that can still be reached, its own limit comes first.
    query_timeout: STATEMENT_MS + 5_000,
    keepAlive: true,
  } as pg.PoolConfig)
  // One that is closing anyway loses nothing.
  pool.on('error', (error) => void (pool.ending || onConnectionLost?.(error)))
  repeatStale(pool)
  return pool
}

const scopeToTenant = (prisma: PrismaClient, tenantId: string) =>
  prisma.$extends({
    query: {
      $allModels: {
        async $allOperations({ args, query }) {
          const [, result] = await prisma.$transaction([
            prisma.$executeRaw`select set_config('carillon.tenant', ${tenantId}, true)`,
            query(args),
          ])
          return result
        },
      },
    },
  })

/** How many tenants' Prisma clients are kept; the client behind them is one. */
const MAX_SCOPED_CLIENTS = 1_000

/** Opens the connections. Nothing is asked of the database before the first statement. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const system = openPool(options, '*', KEYED_PLANNER)
  const tenant = openPool(options, '', PLANNER)
  const gates = [system, tenant].map(withGate)
  const prisma = new PrismaClient({
    adapter: new PrismaPg(tenant),
    // By itself Prisma gives up sooner than the pool does, in a burst that the pool gets done.
    transactionOptions: { maxWait: CONNECTION_MS, timeout: STATEMENT_MS },
  })
  const scoped = new Map<string, TenantPrisma>()
  return {
    system,
    tenant,
    prismaFor(tenantId) {
      let client = scoped.get(tenantId)
      if (!client) {
        if (scoped.size >= MAX_SCOPED_CLIENTS) scoped.clear()
        client = scopeToTenant(prisma, tenantId)
        scoped.set(tenantId, client)
      }
      return client
    },
    letThrough(whether) {
      for (const gate of gates) gate(whether)
    },
    async close() {
      await prisma.$disconnect()
      await Promise.all([system.end(), tenant.end()])
    },
  }
}

const OPTIONS_DROPPED = `The service works as ${APPLICATION_ROLE}, and something dropped the startup options that say so: a connection pooler, or \`options\` in the database URL.`

/** What makes a session unfit, and what to do about it. */
export const sessionFaults = (
  session: SessionRow | undefined,
): readonly { readonly what: string; readonly advice: string }[] => [
  ...(session?.zone !== 'UTC'
    ? [
        {
          what: `The database session's time zone is ${session?.zone}, not UTC`,
          advice: `A connection pooler that drops the startup options does that: set it with "alter role … set timezone to 'UTC'".`,
        },
      ]
    : []),
  ...(session?.exempt
    ? [
        {
          what: `The role ${session.role} is exempt from row-level security`,
          advice:
            session.role === APPLICATION_ROLE
              ? `Take that right from it: "alter role ${APPLICATION_ROLE} nosuperuser nobypassrls".`
              : OPTIONS_DROPPED,
        },
      ]
    : []),
  // Without the role there is no tenant either, and every table would look empty.
  ...(session && !session.exempt && session.role !== APPLICATION_ROLE
    ? [{ what: `The session works as ${session.role}, not as ${APPLICATION_ROLE}`, advice: OPTIONS_DROPPED }]
    : []),
]

/** Refuses to go on with a session that would shift instants or pass by row-level security. */
export const checkDatabase = async ({ system }: Database): Promise<void> => {
  const { rows } = await system.query<SessionRow>(readSession())
  const [fault] = sessionFaults(rows[0])
  if (fault) throw new SetupError(`${fault.what}. ${fault.advice}`)
}
