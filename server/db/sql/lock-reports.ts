import type { QueryConfig } from 'pg'
import type { Claim } from './claim-due.ts'

const CLAIMED = `
select w.tenant_id, w.id, w.delivery_id
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join webhook_ingress w on w.tenant_id = k.tenant_id collate "C" and w.id = k.id`

const keysOf = (claims: readonly Claim[]) => [
  claims.map((claim) => claim.tenant_id),
  claims.map((claim) => claim.subject_id),
]

/**
 * Locks what claimed reports may change, one statement after the other: their own due rows and their deliveries', then
 * the deliveries, in order of key. What they are to be decided by is read by a statement after these. Indexes: the keys.
 */
export const lockReports = (claims: readonly Claim[]): readonly QueryConfig[] => [
  {
    name: 'lock_reports_queue',
    text: `
with claimed as materialized (${CLAIMED})
select d.subject_id from due d
where (d.tenant_id, d.kind, d.subject_id) in (
  select tenant_id, 'webhook' collate "C", id from claimed
  union all select tenant_id, 'delivery' collate "C", delivery_id from claimed where delivery_id is not null)
order by d.tenant_id, d.kind, d.subject_id for update`,
    values: keysOf(claims),
  },
  {
    name: 'lock_reported_deliveries',
    text: `
with claimed as materialized (${CLAIMED})
select v.id from delivery v
where (v.tenant_id, v.id) in (select tenant_id, delivery_id from claimed)
order by v.tenant_id, v.id for no key update`,
    values: keysOf(claims),
  },
]
