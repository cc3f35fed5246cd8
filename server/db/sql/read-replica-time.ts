import type { QueryConfig } from 'pg'

export interface ReplicaTimeRow {
  /** Whether it follows another database. */
  readonly follows: boolean
  readonly at: Date | null
}

/** How much a replica holds: all that was committed up to an instant; `null` where it has replayed nothing since it started. */
export const readReplicaTime = (): QueryConfig => ({
  name: 'read_replica_time',
  text: 'select pg_is_in_recovery() as follows, pg_last_xact_replay_timestamp() as at',
  values: [],
})
