import type pg from 'pg'

/** What the database shows from outside. */
export interface DatabaseSample {
  readonly connections: number
  /** How long the oldest that is due has waited for somebody to take it. */
  readonly queueAgeMs: number
  readonly dead: number
  readonly live: number
  /** The tables with the most dead rows. */
  readonly worst: readonly { readonly table: string; readonly dead: number; readonly live: number }[]
}

const FIGURES = `select
  (select count(*)::int4 from pg_stat_activity where datname = current_database()) as connections,
  coalesce((select extract(epoch from clock_timestamp() - min(due_at)) * 1000 from due
    where due_at <= clock_timestamp() and (lease_until is null or lease_until <= clock_timestamp())), 0)::float8 as queue_age_ms`

const TABLES = `select relname as "table", n_dead_tup::int4 as dead, n_live_tup::int4 as live
  from pg_stat_user_tables where schemaname = 'public' order by n_dead_tup desc`

export const sampleDatabase = async (sql: pg.Pool): Promise<DatabaseSample> => {
  const [figures, tables] = await Promise.all([
    sql.query<{ connections: number; queue_age_ms: number }>(FIGURES),
    sql.query<{ table: string; dead: number; live: number }>(TABLES),
  ])
  const [{ connections, queue_age_ms: queueAgeMs }] = figures.rows as [{ connections: number; queue_age_ms: number }]
  const sum = (key: 'dead' | 'live') => tables.rows.reduce((total, row) => total + row[key], 0)
  return { connections, queueAgeMs, dead: sum('dead'), live: sum('live'), worst: tables.rows.slice(0, 3) }
}
