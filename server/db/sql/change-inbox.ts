import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import { type InboxAction, type InboxFilter, MAX_CHANGES } from '../../core/inbox.ts'
import { inboxFilterCondition, inboxFilterValues } from './inbox-filter.ts'
import { NOTIFICATION_COLUMNS, type NotificationRow } from './notification-row.ts'
import { WAKE_LANE } from './wake-notifications.ts'

export interface InboxChangeRow {
  version: number
  total: number
  unread: number
  unseen: number
  affected: number
  /** The newest of what changed. */
  changed: NotificationRow[]
}

/** What an action writes, what that does to the queue, and where there is anything to write: marking is idempotent, and the first time wins. */
const ACTIONS: Record<InboxAction, { readonly set: string; readonly where: string; readonly queue?: string }> = {
  seen: { set: 'seen_at = c.now', where: 'n.seen_at is null' },
  read: { set: 'read_at = c.now, seen_at = coalesce(n.seen_at, c.now)', where: 'n.read_at is null' },
  unread: { set: 'read_at = null', where: 'n.read_at is not null' },
  archive: { set: 'archived_at = c.now', where: 'n.archived_at is null' },
  unarchive: { set: 'archived_at = null', where: 'n.archived_at is not null' },
  snooze: {
    set: 'snoozed_until = $6::timestamptz',
    where: 'n.snoozed_until is distinct from $6::timestamptz',
    queue: `, queued as (
  insert into due (tenant_id, kind, subject_id, lane, due_at) select $1, 'wake', id, '${WAKE_LANE}', $6::timestamptz from changed
  on conflict (tenant_id, kind, subject_id) do update set due_at = excluded.due_at, lease_token = null, lease_until = null
)`,
  },
  unsnooze: {
    set: 'snoozed_until = null',
    where: 'n.snoozed_until is not null',
    queue: `, unqueued as (
  delete from due d using changed c where d.tenant_id = $1 and d.kind = 'wake' and d.subject_id = c.id
)`,
  },
}

/** Which items: these ids, hidden until an instant where the action is that, or what a filter fits and had arrived at version `upTo`. */
export type InboxSelection =
  | { readonly ids: readonly string[]; readonly until?: Date }
  | { readonly filter: InboxFilter; readonly upTo: number }

const counted = (row: string): string => `
  count(*) filter (where ${row}.archived_at is null and ${row}.snoozed_until is null) as total,
  count(*) filter (where ${row}.archived_at is null and ${row}.snoozed_until is null and ${row}.read_at is null) as unread,
  count(*) filter (where ${row}.archived_at is null and ${row}.snoozed_until is null and ${row}.seen_at is null) as unseen`

const text = ({ set, where, queue = '' }: (typeof ACTIONS)[InboxAction], selection: string): string => `
with chosen as materialized (
  select n.id, n.archived_at, n.snoozed_until, n.read_at, n.seen_at, $3::timestamptz as now,
    $4::int8 + row_number() over (order by n.arrival_version) as version
  from notification n
  where n.tenant_id = $1 and n.recipient_id = $2 and ${where} and ${selection}
), changed as (
  update notification n set ${set}, inbox_version = c.version
  from chosen c where n.tenant_id = $1 and n.id = c.id
  returning n.*
)${queue}, before as (select ${counted('chosen')} from chosen),
after as (select count(*) as affected, ${counted('changed')} from changed),
moved as (
  update inbox i set version = i.version + after.affected, total = i.total + after.total - before.total,
    unread = i.unread + after.unread - before.unread, unseen = i.unseen + after.unseen - before.unseen
  from before, after where i.tenant_id = $1 and i.recipient_id = $2
  returning i.version, i.total, i.unread, i.unseen, after.affected
)
select m.*, coalesce((select jsonb_agg(to_jsonb(c)) from (
  select ${NOTIFICATION_COLUMNS} from changed n order by n.arrival_version desc limit ${MAX_CHANGES}) c), '[]') as changed
from moved m`

const BY_ID = 'n.arrival_version is not null and n.id = any($5::uuid[])'
const BY_FILTER = `n.arrival_version <= $5::int8 and ${inboxFilterCondition(6)}`

/**
 * Marks items of an inbox whose lock is held, each with a version of its own in order of arrival, and moves the
 * counters by what really changed, in one statement. Indexes: notification's key, or its arrival_version.
 */
export const changeInbox = (
  { tenantId, recipientId }: InboxKey,
  {
    action,
    selection,
    version,
    now,
  }: { readonly action: InboxAction; readonly selection: InboxSelection; readonly version: number; readonly now: Date },
): QueryConfig =>
  'ids' in selection
    ? {
        name: `change_inbox_${action}_ids`,
        text: text(ACTIONS[action], BY_ID),
        values: [tenantId, recipientId, now, version, selection.ids, ...(selection.until ? [selection.until] : [])],
      }
    : {
        name: `change_inbox_${action}_filter`,
        text: text(ACTIONS[action], BY_FILTER),
        values: [tenantId, recipientId, now, version, selection.upTo, ...inboxFilterValues(selection.filter)],
      }
