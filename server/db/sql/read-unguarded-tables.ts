import type { QueryConfig } from 'pg'

/** The tables that the service's role may read and that row-level security does not guard. Reads the catalogue. No lock. */
export const readUnguardedTables = (role: string): QueryConfig => ({
  text: `
select c.relname as name from pg_class c
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind in ('r', 'p')
  and has_table_privilege($1, c.oid, 'select') and not (c.relrowsecurity and c.relforcerowsecurity)
order by 1`,
  values: [role],
})
