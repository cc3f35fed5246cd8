import { CarillonError } from '../errors.ts'
import { checkDatabase, type Database, type DatabaseOptions, openDatabase } from './client.ts'
import { type ReplicaTimeRow, readReplicaTime } from './sql/read-replica-time.ts'

/** A database that follows another one and may be behind it; nothing is written to it. */
export interface Replica {
  readonly db: Database
  /**
   * Until when it holds what was committed; `null` where it has replayed nothing yet. The first to ask finds out whether its
   * sessions are fit. Throws a `CarillonError` where it follows no other database, so that nobody knows of when its rows are.
   */
  asOf(): Promise<Date | null>
}

const FOLLOWS_NONE =
  'CARILLON_REPLICA_URL names a database that follows no other; name a standby of DATABASE_URL, or leave carillon-read out to ask the primary'

/** Opens the connections of a replica. Nothing is asked of it before the first `asOf`, so that its loss stops nobody. */
export const openReplica = (options: DatabaseOptions): Replica => {
  const db = openDatabase({ ...options, readOnly: true })
  let checked: Promise<void> | null = null
  const check = () => {
    checked ??= checkDatabase(db).catch((error: unknown) => {
      checked = null
      throw error
    })
    return checked
  }
  return {
    db,
    async asOf() {
      await check()
      const { rows } = await db.system.query<ReplicaTimeRow>(readReplicaTime())
      if (!rows[0]?.follows) throw new CarillonError('UNAVAILABLE', FOLLOWS_NONE)
      return rows[0].at
    },
  }
}
