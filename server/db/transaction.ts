import type { Duplex } from 'node:stream'
import type { Pool, PoolClient, QueryConfig, QueryResult, QueryResultRow } from 'pg'
import { databaseFailure } from './errors.ts'
import { isStalePlan, untilPlanned } from './stale-plans.ts'

/** One transaction's handle: statements of `db/sql` run on it, one after the other, in the order in which they are given. */
export interface Transaction {
  /**
   * Statements that are given without waiting for each other travel together. Each still begins after the one before
   * it has ended, with a snapshot of its own.
   */
  query<Row extends QueryResultRow>(statement: QueryConfig): Promise<readonly Row[]>
  /** The last statements of the transaction, which travel together with its commit; resolves once that is done. */
  commitWith(statements: readonly QueryConfig[]): Promise<void>
}

const COMMIT = { text: 'commit' }

/**
 * Sends a statement in one piece with those given in the same turn. Each write of its own wakes the database for it
 * alone, and all of those together cost a quarter of what a batch does.
 */
const send = <Row extends QueryResultRow>(client: PoolClient, statement: QueryConfig): Promise<QueryResult<Row>> => {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Duplex } }).connection
  stream.cork()
  process.nextTick(() => stream.uncork())
  return client.query<Row>(statement)
}

const handle = (client: PoolClient, onCommit: () => void): Transaction => ({
  query: async <Row extends QueryResultRow>(statement: QueryConfig) => (await send<Row>(client, statement)).rows,
  async commitWith(statements) {
    // Where a statement fails, the commit behind it rolls back.
    const sent = [...statements, COMMIT].map((statement) => send(client, statement))
    await Promise.allSettled(sent)
    await Promise.all(sent)
    onCommit()
  },
})

const runOnce = async <T>(
  pool: Pool,
  work: (tx: Transaction) => Promise<T>,
  opening: readonly QueryConfig[],
): Promise<T> => {
  const client = await pool.connect()
  let broken: Error | undefined
  let committed = false
  // Whoever waits for a statement is told of a lost connection by that; but it is an event too, which the pool does not
  // listen to while the connection is out, and one that nobody listens to ends the process.
  const lose = (error: Error): void => {
    broken = error
  }
  client.on('error', lose)
  try {
    const opened = [{ text: 'begin' }, ...opening].map((statement) => send(client, statement))
    const tx = handle(client, () => {
      committed = true
    })
    const [result] = await Promise.all([work(tx), ...opened])
    if (!committed) await client.query(COMMIT)
    return result as T
  } catch (error) {
    // A connection that cannot roll back is not given to anybody else; where the database is away nobody waits for that.
    if (databaseFailure(error) === 'unavailable' || isStalePlan(error)) broken = error as Error
    else {
      await client.query('rollback').catch((fault: Error) => {
        broken = fault
      })
    }
    throw error
  } finally {
    client.off('error', lose)
    client.release(broken)
  }
}

/**
 * Runs `work` in one transaction, which commits when it resolves and rolls back when it rejects. `opening` statements
 * travel together with `begin` and the first statement of `work`, since the pool's connections are pipelined. `work` is
 * begun again, in a new transaction, where a plan had become stale.
 */
export const inTransaction = <T>(
  pool: Pool,
  work: (tx: Transaction) => Promise<T>,
  opening: readonly QueryConfig[] = [],
): Promise<T> => untilPlanned(pool, () => runOnce(pool, work, opening))

const nameTenant = (tenantId: string): QueryConfig => ({
  text: "select set_config('carillon.tenant', $1, true)",
  values: [tenantId],
})

/** Runs `work` in one transaction that sees the rows of one tenant alone, whatever its statements ask for. */
export const asTenant = <T>(pool: Pool, tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  inTransaction(pool, work, [nameTenant(tenantId)])

const READ_ONLY = { text: 'set transaction isolation level repeatable read, read only' }

/** Like `asTenant`, for reads alone: all of them see the rows as of one instant, and the database refuses every write and lock. */
export const readAsTenant = <T>(pool: Pool, tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  inTransaction(pool, work, [READ_ONLY, nameTenant(tenantId)])
