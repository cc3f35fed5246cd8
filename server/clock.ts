/**
 * Where instants come from. `null` says: the database's own clock, which all processes share. A test sets the clock,
 * and every statement that asks for the time is given it.
 */
export interface Clock {
  now(): Date | null
}

export const databaseClock: Clock = { now: () => null }
