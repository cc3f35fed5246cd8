import type { QueryConfig } from 'pg'
import type { Cutoffs } from '../../core/retention.ts'

/** How many items of one inbox are taken out at once. */
const MOST_OF_ONE = 100

export type ItemCutoffs = Pick<Cutoffs, 'archived' | 'read' | 'arrived'>

/** An item `n` that is old enough and hides nothing that is still to come. $4, $5 and $6 are the cutoffs; what is null fits nothing. */
const OLD_ITEMS = `
select n.id, n.arrival_version, n.archived_at, n.read_at, n.seen_at from notification n
where n.tenant_id = $1 and n.recipient_id = i.recipient_id and n.arrival_version is not null and n.snoozed_until is null
  and (n.archived_at < $4::timestamptz or n.read_at < $5::timestamptz or n.arrived_at < $6::timestamptz)
  and not exists (select from workflow_run r where r.tenant_id = $1 and r.id = n.id and r.state in ('active', 'waiting') offset 0)
  and not exists (select from delivery v where v.tenant_id = $1 and v.notification_id = n.id and v.status in ('pending', 'failed', 'dispatched') offset 0)
order by n.arrival_version limit ${MOST_OF_ONE}`

export interface OldItemsRow {
  recipient_id: string
  /** How many are found to be taken out. */
  count: number
}

/**
 * A tenant's next inboxes after `after`, in order of key, and how many old items each has. Indexes: inbox's key,
 * notification's arrival_version, all of each recipient's range. No lock.
 */
export const findOldItems = (
  tenantId: string,
  { after, limit, cutoffs }: { readonly after: string; readonly limit: number; readonly cutoffs: ItemCutoffs },
): QueryConfig => ({
  name: 'find_old_items',
  text: `
select i.recipient_id, (select count(*) from (${OLD_ITEMS}) o)::int4 as count
from (select recipient_id from inbox where tenant_id = $1 and recipient_id > $2 order by recipient_id limit $3) i
order by i.recipient_id`,
  values: [tenantId, after, limit, cutoffs.archived, cutoffs.read, cutoffs.arrived],
})

export interface PrunedInboxRow {
  recipient_id: string
  count: number
}

/**
 * Takes the old items out of inboxes whose locks are held: their content goes, and each leaves its row with a version of
 * its own, by which whoever follows the inbox is told. Indexes: as above.
 */
export const pruneInboxItems = (
  tenantId: string,
  {
    recipientIds,
    now,
    cutoffs,
  }: { readonly recipientIds: readonly string[]; readonly now: Date; readonly cutoffs: ItemCutoffs },
): QueryConfig => ({
  name: 'prune_inbox_items',
  text: `
with chosen as materialized (
  select i.recipient_id, n.*, i.version + row_number() over (partition by i.recipient_id order by n.arrival_version) as version
  from unnest($2::text[]) as k (recipient_id)
  cross join lateral (select i.recipient_id, i.version from inbox i where i.tenant_id = $1 and i.recipient_id = k.recipient_id collate "C" offset 0) i
  cross join lateral (${OLD_ITEMS}) n
), removed as (
  update notification n set content = null, arrived_at = null, arrival_version = null, inbox_version = c.version, pruned_at = $3::timestamptz
  from chosen c where n.tenant_id = $1 and n.id = any(array(select id from chosen)) and n.id = c.id
)
update inbox i set version = c.version, total = i.total - c.total, unread = i.unread - c.unread, unseen = i.unseen - c.unseen
from (
  select recipient_id, max(version) as version, count(*)::int4 as count, count(*) filter (where archived_at is null) as total,
    count(*) filter (where archived_at is null and read_at is null) as unread,
    count(*) filter (where archived_at is null and seen_at is null) as unseen
  from chosen group by recipient_id
) c
where i.tenant_id = $1 and i.recipient_id = any($2 collate "C") and i.recipient_id = c.recipient_id
returning i.recipient_id, c.count`,
  values: [tenantId, recipientIds, now, cutoffs.archived, cutoffs.read, cutoffs.arrived],
})
