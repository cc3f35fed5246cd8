import pg from 'pg'

/**
 * A connection keeps the plans of its prepared statements, and refuses one for good whose rows have become wider: as when
 * a newer version migrates the database beside this one. Nothing was done then, and a new connection plans anew.
 */
export const isStalePlan = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '0A000' && error.routine === 'RevalidateCachedQuery'

/** Runs it again on another connection where it met a stale plan; as often as there may be such connections. */
export const untilPlanned = async <T>(pool: pg.Pool, run: () => Promise<T>): Promise<T> => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await run()
    } catch (error) {
      if (!isStalePlan(error) || tries > pool.options.max) throw error
    }
  }
}

/** Lets a pool's own queries be run again, each on the next connection: that of the failed one is closed. */
export const repeatStale = (pool: pg.Pool): void => {
  const query = pool.query.bind(pool) as (...given: readonly unknown[]) => Promise<unknown>
  pool.query = ((...given: readonly unknown[]) =>
    typeof given.at(-1) === 'function'
      ? query(...given)
      : untilPlanned(pool, () => query(...given))) as typeof pool.query
}
