/**
 * How far a row's id may be from the instant at which it was inserted, in milliseconds: the one is the process's time as
 * the row was thought of, the other the database's as it was written. An hour is far more than clocks that anybody sets may
 * differ by and than a transaction takes, and to read an hour's rows more than were asked for costs little.
 */
const STRAY_MS = 3_600_000

const MOST_MS = 2 ** 48 - 1

/** Half-open; `null` is no bound. */
export interface IdRange {
  readonly from: string | null
  readonly before: string | null
}

/** Half-open; what is left out is no bound. */
export interface Interval {
  readonly after: Date | null | undefined
  readonly before: Date | null | undefined
}

/** The first of the version 7 UUIDs of a millisecond; of one that is out of their reach, of the nearest. */
const firstIdAt = (ms: number): string => {
  const hex = Math.min(Math.max(0, ms), MOST_MS).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

/**
 * Between which ids those rows are that were inserted in an interval: more than those, so that it replaces no condition on
 * the time itself, but lets the key serve as an index for it.
 */
export const idRangeOf = ({ after, before }: Interval): IdRange => ({
  from: after ? firstIdAt(after.getTime() - STRAY_MS) : null,
  before: before ? firstIdAt(before.getTime() + STRAY_MS) : null,
})
