import { connect } from '../../../prisma/connection.ts'
import { migrationStatus } from '../../../prisma/migrate.ts'
import { OLDEST_POSTGRES, type ServerFacts, unsuitableServer } from '../../../prisma/server-requirements.ts'
import { APPLICATION_ROLE, type Database, sessionFaults } from '../../db/client.ts'
import { type ConnectionRoomRow, readConnectionRoom } from '../../db/sql/read-connection-room.ts'
import { readSession, type SessionRow } from '../../db/sql/read-session.ts'
import { readUnguardedTables } from '../../db/sql/read-unguarded-tables.ts'
import { readVacuum, type VacuumRow } from '../../db/sql/read-vacuum.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

/** Whether it can be reached, and is one that Carillon works with. */
export const serverFinding = async (url: string): Promise<Finding> => {
  const client = await connect(url)
  try {
    const { rows } = await client.query<ServerFacts & { readonly text: string }>(
      `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding, current_setting('server_version') as text`,
    )
    const [facts] = rows
    const reason = facts && unsuitableServer(facts)
    const seen = `PostgreSQL ${facts?.text}, ${facts?.encoding}, at ${client.host}:${client.port}`
    return reason === undefined
      ? ok('database', seen)
      : fault('database', seen, `Carillon needs PostgreSQL ${OLDEST_POSTGRES} or later with UTF8. ${reason}`)
  } finally {
    await client.end()
  }
}

export const migrationsFinding = async (url: string): Promise<Finding> => {
  const { applied, pending } = await migrationStatus(url)
  return pending.length === 0
    ? ok('migrations', `all ${applied.length} applied`)
    : fault(
        'migrations',
        `${pending.length} of ${applied.length + pending.length} not applied, ${pending[0]} the first`,
        'Run `carillon migrate`, or `carillon start`, which does so first',
      )
}

/** The time zone of sessions, and as whom they work. */
export const sessionFindings = async (
  { system, tenant }: Database,
  { ownCluster }: { readonly ownCluster: boolean },
): Promise<readonly Finding[]> => {
  const sessions = await Promise.all([system, tenant].map((pool) => pool.query<SessionRow>(readSession())))
  const faults = sessions.flatMap(({ rows }) => sessionFaults(rows[0]))
  if (faults.length > 0) {
    const once = new Map(faults.map((one) => [one.what, one]))
    return [...once.values()].map(({ what, advice }) => fault('session', what, advice))
  }
  const session = sessions[0]?.rows[0]
  const seen = `UTC, as ${session?.role}, for which row-level security holds`
  return [
    session?.superuser && !ownCluster
      ? warning(
          'session',
          `${seen}; logs in as the superuser ${session.login}`,
          'A login that owns the database and may create roles is enough: name one in DATABASE_URL',
        )
      : ok('session', seen),
  ]
}

export const rowSecurityFinding = async ({ system }: Database): Promise<Finding> => {
  const { rows } = await system.query<{ readonly name: string }>(readUnguardedTables(APPLICATION_ROLE))
  return rows.length === 0
    ? ok('row-level security', 'forced on every table')
    : fault(
        'row-level security',
        `not forced on ${rows.map(({ name }) => name).join(', ')}`,
        'Nothing but the queries keeps tenants apart there: "alter table … enable row level security, force row level security"',
      )
}

/** Beyond this, what happens in the same second is told in another order. */
const SKEW_WARNED_MS = 1_000
/** Beyond this, tokens end noticeably early or late. */
const SKEW_AT_FAULT_MS = 30_000

export const clockFinding = (skewMs: number): Finding => {
  const seen = `this machine is ${Math.abs(skewMs / 1000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead of'} the database`
  const size = Math.abs(skewMs)
  if (size <= SKEW_WARNED_MS) return ok('clocks', seen)
  const advice = "Recipient tokens end by this machine's clock, jobs are due by the database's: set both by NTP"
  return size > SKEW_AT_FAULT_MS ? fault('clocks', seen, advice) : warning('clocks', seen, advice)
}

/** How far this machine's clock is ahead of the database's, in milliseconds; negative where it is behind. */
export const measureSkew = async ({ system }: Pick<Database, 'system'>, now: () => number): Promise<number> => {
  const before = now()
  const { rows } = await system.query<{ readonly ms: number }>(
    'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
  )
  const after = now()
  const ms = rows[0]?.ms ?? 0
  // Anywhere between the two is no skew at all: that is the way there and back.
  return ms < before ? before - ms : ms > after ? after - ms : 0
}

export const connectionsFinding = async ({ system }: Database, connectionsPerPool: number): Promise<Finding> => {
  const { rows } = await system.query<ConnectionRoomRow>(readConnectionRoom())
  const { most, reserved, used } = rows[0] as ConnectionRoomRow
  // Two pools, one that listens, and one that asks whether the database is there.
  const each = 2 * connectionsPerPool + 2
  const free = most - reserved - used
  const seen = `${used} of ${most - reserved} in use; a process takes up to ${each}`
  return free >= each
    ? ok('connections', `${seen}, so ${Math.floor(free / each)} more can start`)
    : warning(
        'connections',
        seen,
        'Another process may find none: raise max_connections, lower CARILLON_CONNECTIONS_PER_POOL, or run fewer processes',
      )
}

const DEAD_ROWS_WARNED = 10_000

export const vacuumFinding = async ({ system }: Database): Promise<Finding> => {
  const { rows } = await system.query<VacuumRow>(readVacuum())
  if (rows[0]?.enabled === false) {
    return warning('autovacuum', 'switched off', 'The queue slows down as its dead rows pile up: switch it on')
  }
  const behind = rows.filter(({ live, dead }) => dead > DEAD_ROWS_WARNED && dead > live)
  return behind.length === 0
    ? ok('autovacuum', 'keeps up')
    : warning(
        'autovacuum',
        behind.map(({ name, live, dead }) => `${name} has ${dead} dead rows beside ${live} live ones`).join(', '),
        'Look in pg_stat_activity for transactions that stay open, or let autovacuum work more (autovacuum_vacuum_cost_limit)',
      )
}
