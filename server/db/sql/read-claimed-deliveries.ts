import type { QueryConfig } from 'pg'
import type { Claim } from './claim-due.ts'

/** What is known of a claimed delivery before anything is locked; none of it changes. */
export interface ClaimedSubjectRow {
  tenant_id: string
  id: string
  event_id: string
  recipient_id: string
  channel: string
  notification_id: string
  step_key: string
  in_run: boolean
}

/** The deliveries of claims. Index: delivery's key. No lock. */
export const readClaimedDeliveries = (claims: readonly Claim[]): QueryConfig => ({
  name: 'read_claimed_deliveries',
  text: `
select v.tenant_id, v.id, v.event_id, v.recipient_id, v.channel, v.notification_id, v.step_key, v.in_run
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join delivery v on v.tenant_id = k.tenant_id collate "C" and v.id = k.id`,
  values: [claims.map((claim) => claim.tenant_id), claims.map((claim) => claim.subject_id)],
})
