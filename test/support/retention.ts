import type { Pruned } from '../../server/operations/retention/pass.ts'
import type { TestCarillon } from './carillon.ts'
import type { TestClock } from './clock.ts'

export const DAY_MS = 86_400_000

/** Lets days go by, and carries out what fell due. */
export const daysLater = async (carillon: TestCarillon, clock: TestClock, days: number): Promise<void> => {
  clock.advance(days * DAY_MS)
  await carillon.drainJobs()
}

/** Prunes now and again in two days, when what has left inboxes may go too; answers both together. */
export const pruneWhole = async (carillon: TestCarillon, clock: TestClock): Promise<Pruned> => {
  const first = await carillon.app.prune()
  clock.advance(2 * DAY_MS)
  const second = await carillon.app.prune()
  const names = Object.keys(first) as (keyof Pruned)[]
  return Object.fromEntries(names.map((name) => [name, first[name] + second[name]])) as unknown as Pruned
}

const TABLES = [
  'event',
  'event_recipient',
  'notification',
  'delivery',
  'delivery_attempt',
  'delivery_decision',
  'delivery_transition',
  'digest_bucket',
  'digest_membership',
  'workflow_run',
  'workflow_transition',
  'webhook_ingress',
  'signal',
  'due',
] as const

/** How many rows of history there are of each kind; those of which there are none are left out. */
export const historyRows = async ({ sql }: TestCarillon): Promise<Readonly<Record<string, number>>> => {
  const { rows } = await sql.query<Record<string, number>>(
    `select ${TABLES.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ')}`,
  )
  return Object.fromEntries(Object.entries(rows[0] ?? {}).filter(([, count]) => count > 0))
}

/** What `outcomes` counts, in short. */
export const outcomesOf = async (carillon: TestCarillon, filter?: object): Promise<readonly string[]> => {
  const query = `query ($filter: OutcomeFilter) { outcomes(filter: $filter) { notificationKey channel outcome count } }`
  const { outcomes } = await carillon.ok(carillon.operatorKey, query, { filter })
  return outcomes.map(
    (one: Record<string, unknown>) => `${one['notificationKey']} ${one['channel']} ${one['outcome']} ${one['count']}`,
  )
}
