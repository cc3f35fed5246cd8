import type { QueryConfig } from 'pg'
import type { Claim } from './claim-due.ts'

/** Prolongs leases that still hold, and answers which those are. Locks: the due rows, in order of key. */
export const renewLeases = (
  claims: readonly Claim[],
  { now, leaseMs }: { readonly now: Date | null; readonly leaseMs: number },
): QueryConfig => ({
  name: 'renew_leases',
  text: `
with held as materialized (
  select d.tenant_id, d.kind, d.subject_id
  from due d join unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[]) as k (tenant_id, kind, subject_id, token)
    on d.tenant_id = k.tenant_id collate "C" and d.kind = k.kind collate "C" and d.subject_id = k.subject_id and d.lease_token = k.token
  order by d.tenant_id, d.kind, d.subject_id for no key update of d
)
update due d set lease_until = coalesce($5::timestamptz, clock_timestamp()) + $6::int4 * interval '1 millisecond'
from held h where d.tenant_id = h.tenant_id and d.kind = h.kind and d.subject_id = h.subject_id
returning d.lease_token as token`,
  values: [
    claims.map((claim) => claim.tenant_id),
    claims.map((claim) => claim.kind),
    claims.map((claim) => claim.subject_id),
    claims.map((claim) => claim.token),
    now,
    leaseMs,
  ],
})
