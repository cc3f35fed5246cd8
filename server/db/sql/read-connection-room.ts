import type { QueryConfig } from 'pg'

export interface ConnectionRoomRow {
  readonly most: number
  readonly reserved: number
  readonly used: number
}

/** How many connections the database server takes, keeps for superusers, and has now. Reads its list of sessions. No lock. */
export const readConnectionRoom = (): QueryConfig => ({
  text: `
select current_setting('max_connections')::int4 as most, current_setting('superuser_reserved_connections')::int4 as reserved,
  (select count(*)::int4 from pg_stat_activity where datid is not null and usesysid is not null) as used`,
})
