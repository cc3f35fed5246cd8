import { decodeInboxCursor, type InboxKey } from '../core/cursor.ts'
import { type InboxAction, type InboxCounts, type InboxFilter, MAX_SELECTED_IDS } from '../core/inbox.ts'
import { idOfType } from '../core/node-id.ts'
import { type NotificationSignal, notificationSignal } from '../core/workflow/ending.ts'
import { changeInbox, type InboxChangeRow, type InboxSelection } from '../db/sql/change-inbox.ts'
import { lockRunsOfChanged, type RunRow } from '../db/sql/lock-runs.ts'
import type { NotificationRow } from '../db/sql/notification-row.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { countInbox, type InboxPage, type InboxStandRow, readInbox, readInboxPage } from '../db/sql/read-inbox.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { lockOneInbox } from './lock-one-inbox.ts'
import { advanceRuns } from './workflows/advance-runs.ts'
import { announceRuns } from './workflows/announce.ts'

/** Where an inbox stands. */
export interface InboxStand {
  readonly version: number
  readonly counts: InboxCounts
}

/** Which items a caller means: exactly one of ids and filter. */
export interface SelectionRequest {
  readonly ids?: readonly string[] | null | undefined
  readonly filter?: InboxFilter | null | undefined
  readonly upTo?: string | null | undefined
}

/** What is to be done with them; to hide them goes by their ids, and until an instant. */
export interface MarkRequest extends SelectionRequest {
  readonly until?: Date | undefined
}

export interface InboxChange extends InboxStand {
  readonly notifications: readonly NotificationRow[]
  readonly affectedCount: number
}

const EMPTY: InboxStandRow = { version: 0, total: 0, unread: 0, unseen: 0 }

/** An inbox exists for every recipient id, also for one that nothing ever happened to. */
export const standOfInbox = async ({ db }: Capabilities, inbox: InboxKey): Promise<InboxStand> => {
  const [row = EMPTY] = await asTenant(db.tenant, inbox.tenantId, (tx) => tx.query<InboxStandRow>(readInbox(inbox)))
  return { version: row.version, counts: { total: row.total, unread: row.unread, unseen: row.unseen } }
}

/** Archived and snoozed ones are left out where a filter does not say. */
const withDefaults = (
  filter: InboxFilter | null | undefined,
  { archived = false, snoozed = false } = {},
): InboxFilter => ({
  ...filter,
  archived: filter?.archived ?? archived,
  snoozed: filter?.snoozed ?? snoozed,
})

export const countOfInbox = async (
  { db }: Capabilities,
  inbox: InboxKey,
  filter?: InboxFilter | null,
): Promise<number> => {
  const statement = countInbox(inbox, withDefaults(filter))
  const [row] = await asTenant(db.tenant, inbox.tenantId, (tx) => tx.query<{ count: number }>(statement))
  return row?.count ?? 0
}

export const pageOfInbox = async (
  { db }: Capabilities,
  inbox: InboxKey,
  page: Omit<InboxPage, 'filter'> & { readonly filter?: InboxFilter | null | undefined },
): Promise<readonly NotificationRow[]> => {
  const statement = readInboxPage(inbox, { ...page, filter: withDefaults(page.filter) })
  return asTenant(db.tenant, inbox.tenantId, (tx) => tx.query<NotificationRow>(statement))
}

const selectionOf = (inbox: InboxKey, action: InboxAction, { ids, filter, upTo, until }: MarkRequest) => {
  if ((ids == null) === (filter == null)) throw badInput('Give exactly one of ids and filter', ['input'])
  if (ids) {
    if (ids.length > MAX_SELECTED_IDS) throw badInput(`ids holds more than ${MAX_SELECTED_IDS}`, ['input', 'ids'])
    if (upTo != null) throw badInput('upTo goes with filter alone', ['input', 'upTo'])
    return { ids: ids.flatMap((id) => idOfType('Notification', id) ?? []), ...(until && { until }) }
  }
  const version = upTo == null ? null : decodeInboxCursor(inbox, upTo)
  if (upTo != null && version === null) throw badInput("upTo is no cursor of this recipient's inbox", ['input', 'upTo'])
  const defaults = { archived: action === 'unarchive', snoozed: action === 'unsnooze' }
  return { filter: withDefaults(filter, defaults), upTo: version }
}

/** What runs hear of a change: reading implies having seen. */
const SIGNALS: Readonly<Record<InboxAction, readonly NotificationSignal[]>> = {
  seen: ['notification.seen'],
  read: ['notification.seen', 'notification.read'],
  unread: [],
  archive: ['notification.archived'],
  unarchive: [],
  snooze: [],
  unsnooze: [],
}

/** Marks items of an inbox. What is so already, unknown or another's changes nothing; `affectedCount` tells. */
export const markInbox = async (
  capabilities: Capabilities,
  inbox: InboxKey,
  { action, ...request }: MarkRequest & { readonly action: InboxAction },
): Promise<InboxChange> => {
  const { db, clock, hints } = capabilities
  const asked = selectionOf(inbox, action, request)
  const names = SIGNALS[action]
  const { row, advanced } = await asTenant(db.tenant, inbox.tenantId, async (tx) => {
    const { version, position } = await lockOneInbox(tx, inbox)
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    if (request.until && request.until <= now) throw badInput('until is not in the future', ['input', 'until'])
    const selection: InboxSelection = 'ids' in asked ? asked : { filter: asked.filter, upTo: asked.upTo ?? version }
    const [[changed], runs] = await Promise.all([
      tx.query<InboxChangeRow>(changeInbox(inbox, { action, selection, version, now })),
      names.length > 0 ? tx.query<RunRow>(lockRunsOfChanged(inbox, { names, version })) : [],
    ])
    const row = changed as InboxChangeRow
    const causes = runs.map(({ tenant_id: tenantId, id }) => ({ tenantId, id, events: names.map(notificationSignal) }))
    const stand = { tenant_id: inbox.tenantId, recipient_id: inbox.recipientId, version: row.version, position }
    return { row, advanced: await advanceRuns(tx, capabilities, { runs, causes, inboxes: [stand], now }) }
  })
  await announceRuns(capabilities, advanced)
  if (row.affected > 0) hints.inboxesMoved([inbox])
  return {
    version: row.version,
    counts: { total: row.total, unread: row.unread, unseen: row.unseen },
    notifications: row.changed.map(revive),
    affectedCount: row.affected,
  }
}

const INSTANTS = [
  'insertedAt',
  'arrivedAt',
  'seenAt',
  'readAt',
  'archivedAt',
  'snoozedUntil',
  'erasedAt',
  'prunedAt',
] as const

/** A row that came as JSON has its instants as text. */
const revive = (row: NotificationRow): NotificationRow => {
  const instants = INSTANTS.map((field) => [field, row[field] === null ? null : new Date(row[field])])
  return { ...row, ...Object.fromEntries(instants) }
}
