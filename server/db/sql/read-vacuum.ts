import type { QueryConfig } from 'pg'

export interface VacuumRow {
  readonly enabled: boolean
  readonly name: string
  readonly live: number
  readonly dead: number
}

/** How much of the tables that change most waits to be cleaned up. Reads the server's statistics. No lock. */
export const readVacuum = (): QueryConfig => ({
  text: `
select current_setting('autovacuum')::bool as enabled, relname as name, n_live_tup as live, n_dead_tup as dead
from pg_stat_user_tables
where schemaname = current_schema() and relname in ('due', 'delivery', 'notification', 'inbox', 'event')
order by n_dead_tup desc`,
})
