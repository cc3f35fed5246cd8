import type { QueryConfig } from 'pg'

export interface AsStoredRow {
  value: unknown
}

/**
 * JSON texts as they would be read back had they been stored: jsonb keeps the names of an object in an order of its own.
 * No table, no lock.
 */
export const readAsStored = (texts: readonly string[]): QueryConfig => ({
  name: 'read_as_stored',
  text: 'select value from unnest($1::jsonb[]) with ordinality as u (value, ordinal) order by ordinal',
  values: [texts],
})
