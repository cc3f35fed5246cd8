import type { QueryConfig } from 'pg'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'
import type { Tried } from '../../core/feedback.ts'
import type { Claim } from './claim-due.ts'
import { TRIED } from './tried.ts'

export interface ClaimedDeliveryRow {
  tenant_id: string
  id: string
  event_id: string
  recipient_id: string
  notification_key: string
  channel: string
  category: string | null
  status: DeliveryStatus
  orchestration_state: OrchestrationState
  next_eligible_at: Date | null
  expires_at: Date | null
  fallback: boolean
  released: boolean
  /** Its place among the recipient's deliveries. */
  position: number
  notification_id: string
  /** The workflow step that it is for; '' where it is for none. */
  step_key: string
  /** Whether its notification goes through a workflow. */
  in_run: boolean
  /** Whether the notification has been read or archived. */
  read: boolean
  /** Whether its recipient's data was erased while it was under way. */
  erased: boolean
  token: string
  tries: number
  attempts: number
  /**
   * What became of each address before, calls and reports of its provider, oldest first; since an operator's last retry,
   * and before that what an address accepted and has not sent back.
   */
  tried: readonly Tried[]
  /** The lease under which it was dispatched, and when; both `null` where it was not. The perform decision has its id. */
  begun_token: string | null
  begun_at: Date | null
}

/**
 * Locks the deliveries of claims whose lease is still theirs: due rows first, then deliveries, each in order of key.
 * Indexes: the keys.
 */
export const lockClaimedDeliveries = (claims: readonly Claim[]): QueryConfig => ({
  name: 'lock_claimed_deliveries',
  text: `
with held as materialized (
  select d.tenant_id, d.subject_id, d.lease_token, d.tries
  from unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant_id, subject_id, token)
  join due d on d.tenant_id = k.tenant_id collate "C" and d.kind = 'delivery' and d.subject_id = k.subject_id and d.lease_token = k.token
  order by d.tenant_id, d.subject_id for no key update of d
)
select v.tenant_id, v.id, v.event_id, v.recipient_id, v.notification_key, v.channel, v.category, v.status,
  v.orchestration_state, v.next_eligible_at, v.expires_at, v.fallback, v.released, v.position, v.notification_id, v.step_key, v.in_run,
  coalesce(n.read_at, n.archived_at) is not null as read, n.erased_at is not null as erased, h.lease_token as token, h.tries,
  a.attempts, a.tried,
  b.id as begun_token, b.at as begun_at
from delivery v join held h on v.tenant_id = h.tenant_id and v.id = h.subject_id
left join notification n on n.tenant_id = v.tenant_id and n.id = v.notification_id
cross join lateral (
  select coalesce(max(a.attempt_number), 0) as attempts, ${TRIED} as tried
  from delivery_attempt a where a.tenant_id = v.tenant_id and a.delivery_id = v.id
) a
left join lateral (
  select d.id, d.at from delivery_decision d
  where v.status = 'dispatched' and d.tenant_id = v.tenant_id and d.delivery_id = v.id and d.checkpoint = 'perform'
    and not exists (select from delivery_attempt a where a.tenant_id = d.tenant_id and a.id = d.id)
  order by d.at desc limit 1
) b on true
order by v.tenant_id, v.id for no key update of v`,
  values: [
    claims.map((claim) => claim.tenant_id),
    claims.map((claim) => claim.subject_id),
    claims.map((claim) => claim.token),
  ],
})
