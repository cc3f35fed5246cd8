import type { QueryConfig } from 'pg'

export interface ClockRow {
  now: Date
}

/** The instant to decide for: the one given, else the database's, at the resolution that JavaScript keeps. */
export const readClock = (now: Date | null): QueryConfig => ({
  name: 'read_clock',
  text: `select date_trunc('milliseconds', coalesce($1::timestamptz, clock_timestamp())) as now`,
  values: [now],
})
