import { checkDatabase, openDatabase } from '../../db/client.ts'
import { type ReplicaTimeRow, readReplicaTime } from '../../db/sql/read-replica-time.ts'
import { type Finding, ok, warning } from './finding.ts'

/** Whether what is named as a replica can be asked, follows another database, and how far it has come. */
export const replicaFinding = async (url: string): Promise<Finding> => {
  const db = openDatabase({ url, connections: 1, readOnly: true })
  try {
    await checkDatabase(db)
    const { rows } = await db.system.query<ReplicaTimeRow>(readReplicaTime())
    const { follows = false, at = null } = rows[0] ?? {}
    if (follows)
      return ok('replica', at ? `holds what was committed up to ${at.toISOString()}` : 'has replayed nothing yet')
    return warning(
      'replica',
      'follows no other database',
      'CARILLON_REPLICA_URL is to name a standby of DATABASE_URL: what it answers may be of another time altogether',
    )
  } finally {
    await db.close()
  }
}
