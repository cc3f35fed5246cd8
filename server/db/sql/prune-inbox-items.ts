import type { QueryConfig } from 'pg'
import type { Cutoffs } from '../../core/retention.ts'

/** How many items of one inbox are found at once. */
export const MOST_OF_ONE = 100

export type ItemCutoffs = Pick<Cutoffs, 'archived' | 'read' | 'arrived'>

/** Whether an item `n` is old enough and hides nothing that is still to come. $2, $3 and $4 are the cutoffs; what is null fits nothing. */
const IS_OLD = `
n.arrival_version is not null and n.snoozed_until is null
  and (n.archived_at < $2::timestamptz or n.read_at < $3::timestamptz or n.arrived_at < $4::timestamptz)
  and not exists (select from workflow_run r where r.tenant_id = $1 and r.id = n.id and r.state in ('active', 'waiting') offset 0)
  and not exists (select from delivery v where v.tenant_id = $1 and v.notification_id = n.id and v.status in ('pending', 'failed', 'dispatched') offset 0)`

export interface OldItemsRow {
  recipient_id: string
  /** The items that are found to be taken out, in the order in which they arrived. */
  ids: readonly string[]
  /** How far into the inbox that is: its last item's arrival version; `null` where nothing is found. */
  reached: number | null
}

/** The first old items behind what was reached of each inbox `i`. */
const OLD_ITEMS = `
select coalesce(array_agg(f.id order by f.arrival_version), '{}') as ids, max(f.arrival_version) as reached
from (
  select n.id, n.arrival_version from notification n
  where n.tenant_id = $1 and n.recipient_id = i.recipient_id and n.arrival_version > i.reached and ${IS_OLD}
  order by n.arrival_version limit ${MOST_OF_ONE}
) f`

/**
 * A tenant's next inboxes after `after`, in order of key, and the first old items of each. Indexes: inbox's key,
 * notification's arrival_version, all of each recipient's range. No lock.
 */
export const findOldItems = (
  tenantId: string,
  { after, limit, cutoffs }: { readonly after: string; readonly limit: number; readonly cutoffs: ItemCutoffs },
): QueryConfig => ({
  name: 'find_old_items',
  text: `
select i.recipient_id, o.ids, o.reached
from (select recipient_id, 0::int8 as reached from inbox where tenant_id = $1 and recipient_id > $5 order by recipient_id limit $6) i
cross join lateral (${OLD_ITEMS}) o
order by i.recipient_id`,
  values: [tenantId, cutoffs.archived, cutoffs.read, cutoffs.arrived, after, limit],
})

/** The next old items of inboxes, behind what was reached in each. Index: notification's arrival_version. No lock. */
export const findMoreOldItems = (
  tenantId: string,
  inboxes: readonly Pick<OldItemsRow, 'recipient_id' | 'reached'>[],
  cutoffs: ItemCutoffs,
): QueryConfig => ({
  name: 'find_more_old_items',
  text: `
select i.recipient_id, o.ids, o.reached
from (select recipient_id collate "C" as recipient_id, reached from unnest($5::text[], $6::int8[]) as k (recipient_id, reached)) i
cross join lateral (${OLD_ITEMS}) o
order by i.recipient_id`,
  values: [
    tenantId,
    cutoffs.archived,
    cutoffs.read,
    cutoffs.arrived,
    inboxes.map((inbox) => inbox.recipient_id),
    inboxes.map((inbox) => inbox.reached),
  ],
})

export interface PrunedInboxRow {
  recipient_id: string
  count: number
}

/**
 * Takes found items out of inboxes whose locks are held, those that are old still: their content goes, and each leaves its
 * row with a version of its own, by which whoever follows the inbox is told. Indexes: notification's key, inbox's key.
 */
export const pruneInboxItems = (
  tenantId: string,
  {
    ids,
    recipientIds,
    now,
    cutoffs,
  }: {
    readonly ids: readonly string[]
    readonly recipientIds: readonly string[]
    readonly now: Date
    readonly cutoffs: ItemCutoffs
  },
): QueryConfig => ({
  name: 'prune_inbox_items',
  text: `
with chosen as materialized (
  select n.recipient_id, n.id, n.archived_at, n.read_at, n.seen_at,
    i.version + row_number() over (partition by n.recipient_id order by n.arrival_version) as version
  from unnest($5::uuid[]) as k (id)
  cross join lateral (select n.* from notification n where n.tenant_id = $1 and n.id = k.id offset 0) n
  cross join lateral (select i.version from inbox i where i.tenant_id = $1 and i.recipient_id = n.recipient_id offset 0) i
  where n.recipient_id = any($6 collate "C") and ${IS_OLD}
), removed as (
  update notification n set content = null, arrived_at = null, arrival_version = null, inbox_version = c.version, pruned_at = $7::timestamptz
  from chosen c where n.tenant_id = $1 and n.id = any(array(select id from chosen)) and n.id = c.id
)
update inbox i set version = c.version, total = i.total - c.total, unread = i.unread - c.unread, unseen = i.unseen - c.unseen
from (
  select recipient_id, max(version) as version, count(*)::int4 as count, count(*) filter (where archived_at is null) as total,
    count(*) filter (where archived_at is null and read_at is null) as unread,
    count(*) filter (where archived_at is null and seen_at is null) as unseen
  from chosen group by recipient_id
) c
where i.tenant_id = $1 and i.recipient_id = any($6 collate "C") and i.recipient_id = c.recipient_id
returning i.recipient_id, c.count`,
  values: [tenantId, cutoffs.archived, cutoffs.read, cutoffs.arrived, ids, recipientIds, now],
})
