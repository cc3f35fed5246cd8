import type { PoolClient } from 'pg'
import type { TestCarillon } from './carillon.ts'

/**
 * Every table of the service with the number of its rows and a hash of all that is in them, but for when keys were used:
 * that is noted in its own time, whatever they were used for.
 */
export const contentOfTables = async ({ sql }: TestCarillon): Promise<Record<string, string>> => {
  const { rows: tables } = await sql.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by 1`,
  )
  const content: Record<string, string> = {}
  for (const { name } of tables) {
    const { rows } = await sql.query(
      `select count(*) || ' rows, ' || coalesce(md5(string_agg(row, ',' order by row)), '') as content
      from (select (to_jsonb(t) - 'last_used_at')::text as row from "${name}" t) as rows`,
    )
    content[name] = rows[0].content
  }
  return content
}

/** What the service's connections were seen to do. */
export interface Watch {
  /** The statements, in order. */
  readonly statements: string[]
  /** The ids of transactions at their end; PostgreSQL gives one to whatever writes or locks a row, and to nothing else. */
  readonly transactionIds: (string | null)[]
}

/** Watches every statement of the service from now on, and looks at each transaction just before it ends. */
export const watchTransactions = ({ app }: TestCarillon): Watch => {
  const watch: Watch = { statements: [], transactionIds: [] }
  const watched = new WeakSet<PoolClient>()
  for (const pool of [app.db.system, app.db.tenant]) {
    pool.on('acquire', (client) => {
      if (watched.has(client)) return
      watched.add(client)
      const query = client.query.bind(client) as (...given: unknown[]) => Promise<{ rows: { id: string | null }[] }>
      client.query = ((...given: [{ text?: string } | string, ...unknown[]]) => {
        const text = typeof given[0] === 'string' ? given[0] : (given[0].text ?? '')
        watch.statements.push(text.trim())
        if (/^commit$/i.test(text)) {
          // Pipelined: it is answered before the transaction ends.
          void query('select pg_current_xact_id_if_assigned()::text as id').then(
            ({ rows }) => watch.transactionIds.push(rows[0]?.id ?? null),
            () => watch.transactionIds.push('unknown'),
          )
        }
        return query(...given)
      }) as typeof client.query
    })
  }
  return watch
}
