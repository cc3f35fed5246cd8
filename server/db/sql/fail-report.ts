import type { QueryConfig } from 'pg'
import type { Claim } from './claim-due.ts'

export interface FailedReportRow {
  given_up: boolean
}

/**
 * Counts one more failure of a claimed report, if its lease is still ours: after the n-th it is tried again when the n-th
 * of `delaysMs` is over, and where there is none it is given up for `reason`. No row where the lease had gone. Index: due's key.
 */
export const failReport = (
  { tenant_id: tenantId, subject_id: id, token }: Claim,
  {
    now,
    delaysMs,
    reason,
  }: { readonly now: Date | null; readonly delaysMs: readonly number[]; readonly reason: string },
): QueryConfig => ({
  name: 'fail_report',
  text: `
with clock as materialized (select coalesce($4::timestamptz, clock_timestamp()) as now),
held as materialized (
  select d.tenant_id, d.subject_id, d.tries + 1 as tries from due d
  where d.tenant_id = $1 and d.kind = 'webhook' and d.subject_id = $2 and d.lease_token = $3 for update
), put_off as (
  update due d set tries = h.tries, due_at = clock.now + ($5::float8[])[h.tries] * interval '1 millisecond', lease_token = null, lease_until = null
  from held h, clock where h.tries <= cardinality($5::float8[]) and d.tenant_id = h.tenant_id and d.kind = 'webhook' and d.subject_id = h.subject_id
), unqueued as (
  delete from due d using held h where h.tries > cardinality($5::float8[]) and d.tenant_id = h.tenant_id and d.kind = 'webhook' and d.subject_id = h.subject_id
), given_up as (
  update webhook_ingress w set state = 'failed', ignored_reason = $6, processed_at = clock.now
  from held h, clock where h.tries > cardinality($5::float8[]) and w.tenant_id = h.tenant_id and w.id = h.subject_id
)
select tries > cardinality($5::float8[]) as given_up from held`,
  values: [tenantId, id, token, now, delaysMs, reason],
})
