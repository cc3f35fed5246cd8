import type { ClosedMember, MemberRow } from '../../db/sql/close-buckets.ts'
import type { RunCause } from '../workflows/advance-runs.ts'
import { causesOf } from '../workflows/causes.ts'

/** What the members of buckets that were closed are to their runs: what went into a digest counts as delivered. */
export const causesOfMembers = (rows: readonly MemberRow[], closed: readonly ClosedMember[]): readonly RunCause[] => {
  const endOf = new Map(closed.map((one) => [one.id, one]))
  return causesOf(
    rows.flatMap((row) => {
      const end = endOf.get(row.id)
      if (!row.in_run || !end) return []
      const subject = { tenantId: row.tenant_id, runId: row.notification_id, deliveryId: row.id }
      return [{ ...subject, isStep: row.step_key !== '', status: end.status, suppressionReason: end.reason }]
    }),
  )
}
