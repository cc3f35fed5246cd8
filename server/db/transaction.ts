import type { Pool, PoolClient, QueryConfig, QueryResultRow } from 'pg'

/** One transaction's handle: statements of `db/sql` run on it. */
export interface Transaction {
  query<Row extends QueryResultRow>(statement: QueryConfig): Promise<readonly Row[]>
}

const handle = (client: PoolClient): Transaction => ({
  query: async <Row extends QueryResultRow>(statement: QueryConfig) => (await client.query<Row>(statement)).rows,
})

/**
 * Runs `work` in one transaction, which commits when it resolves and rolls back when it rejects. `opening` statements
 * travel together with `begin` and the first statement of `work`, since the pool's connections are pipelined.
 */
export const inTransaction = async <T>(
  pool: Pool,
  work: (tx: Transaction) => Promise<T>,
  opening: readonly QueryConfig[] = [],
): Promise<T> => {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    const opened = [{ text: 'begin' }, ...opening].map((statement) => client.query(statement))
    const [result] = await Promise.all([work(handle(client)), ...opened])
    await client.query('commit')
    return result as T
  } catch (error) {
    // A connection that cannot roll back is not given to anybody else.
    await client.query('rollback').catch((fault: Error) => {
      broken = fault
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** Runs `work` in one transaction that sees the rows of one tenant alone, whatever its statements ask for. */
export const asTenant = <T>(pool: Pool, tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  inTransaction(pool, work, [{ text: "select set_config('carillon.tenant', $1, true)", values: [tenantId] }])
