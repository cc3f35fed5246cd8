import type { Clock } from './clock.ts'

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

/** The first of the ids that `newId` can make in a millisecond; of one that is out of reach, the nearest. */
const firstIdAt = (ms: number): string => {
  const hex = Math.min(Math.max(0, ms), MOST_MS).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

/**
 * Between which ids those rows are that were inserted in a half-open interval: many more than those, so that it replaces
 * no condition on the time itself, but lets the key serve as an index for it. A clock that is set by hand has nothing to
 * do with ids, and bounds nothing.
 */
export const idsInserted = (
  clock: Clock,
  { after, before }: { readonly after: Date | null | undefined; readonly before: Date | null | undefined },
): IdRange => {
  const bounds = clock.now() === null
  return {
    from: bounds && after ? firstIdAt(after.getTime() - STRAY_MS) : null,
    before: bounds && before ? firstIdAt(before.getTime() + STRAY_MS) : null,
  }
}
