import type { QueryConfig } from 'pg'

export interface ClockRow {
  now: Date
}

/**
 * The instant to decide for: the one given, else the database's, at the resolution that JavaScript keeps. Statements that
 * follow in the same transaction read it from the setting `carillon.now`, so that all of them see one instant.
 */
export const readClock = (now: Date | null): QueryConfig => ({
  name: 'read_clock',
  text: `
select c.now, set_config('carillon.now', c.now::text, true) as setting
from (select date_trunc('milliseconds', coalesce($1::timestamptz, clock_timestamp())) as now) c`,
  values: [now],
})
