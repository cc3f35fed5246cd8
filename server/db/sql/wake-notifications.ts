import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { Claim } from './claim-due.ts'

/** The lane of items that come back when their snooze is over. */
export const WAKE_LANE = 'wake'

const CLAIMED = `
from unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant_id, id, token)
join due d on d.tenant_id = k.tenant_id collate "C" and d.kind = 'wake' and d.subject_id = k.id and d.lease_token = k.token
join notification n on n.tenant_id = d.tenant_id and n.id = d.subject_id`

const claimValues = (claims: readonly Claim[]) => [
  claims.map((claim) => claim.tenant_id),
  claims.map((claim) => claim.subject_id),
  claims.map((claim) => claim.token),
]

/** Whose the items of these claims are. Indexes: the keys. No lock. */
export const readSleepers = (claims: readonly Claim[]): QueryConfig => ({
  name: 'read_sleepers',
  text: `select distinct n.tenant_id, n.recipient_id ${CLAIMED}`,
  values: claimValues(claims),
})

export interface SleeperRow {
  tenant_id: string
  recipient_id: string
}

/** The inboxes that the waking moved. */
export interface WokenRow extends SleeperRow {
  woken: number
}

/**
 * Brings the items of claims back into their inboxes, with their place, and seen and read as they were: each takes a
 * version of its own in order of arrival. The inboxes must be locked, by an earlier statement. Indexes: the keys.
 */
export const wakeNotifications = (claims: readonly Claim[], inboxes: readonly InboxKey[]): QueryConfig => ({
  name: 'wake_notifications',
  text: `
with inboxes as (
  select i.tenant_id, i.recipient_id, i.version from unnest($4::text[], $5::text[]) as u (tenant_id, recipient_id)
  join inbox i on i.tenant_id = u.tenant_id collate "C" and i.recipient_id = u.recipient_id collate "C"
), chosen as materialized (
  select n.tenant_id, n.id, n.recipient_id, n.archived_at is null as counted, n.read_at, n.seen_at,
    i.version + row_number() over (partition by n.tenant_id, n.recipient_id order by n.arrival_version) as version ${CLAIMED}
  join inboxes i on i.tenant_id = n.tenant_id and i.recipient_id = n.recipient_id
  where n.snoozed_until is not null
), woken as (
  update notification n set snoozed_until = null, inbox_version = c.version
  from chosen c where n.tenant_id = c.tenant_id and n.id = c.id
), unqueued as (
  delete from due d using unnest($1::text[], $2::uuid[], $3::uuid[]) as k (tenant_id, id, token)
  where d.tenant_id = k.tenant_id collate "C" and d.kind = 'wake' and d.subject_id = k.id and d.lease_token = k.token
)
update inbox i set version = i.version + c.woken, total = i.total + c.total, unread = i.unread + c.unread, unseen = i.unseen + c.unseen
from (
  select tenant_id, recipient_id, count(*) as woken, count(*) filter (where counted) as total,
    count(*) filter (where counted and read_at is null) as unread, count(*) filter (where counted and seen_at is null) as unseen
  from chosen group by tenant_id, recipient_id
) c
where i.tenant_id = c.tenant_id and i.recipient_id = c.recipient_id
returning i.tenant_id, i.recipient_id, c.woken`,
  values: [...claimValues(claims), inboxes.map((inbox) => inbox.tenantId), inboxes.map((inbox) => inbox.recipientId)],
})
