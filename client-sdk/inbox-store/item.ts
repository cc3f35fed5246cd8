import type { CountsFragment, InboxFilter, InboxNotificationFragment } from '../generated/operations.ts'

/** One item of an inbox. */
export type InboxItem = InboxNotificationFragment
export type InboxCounts = CountsFragment

/** Which items a list shows, and a mark by filter concerns: the API's own filter, evaluated here as there. */
export type InboxListFilter = Readonly<InboxFilter>

type Mutable<Shape> = { -readonly [Field in keyof Shape]: Shape[Field] }

export const NO_COUNTS: InboxCounts = { total: 0, unread: 0, unseen: 0 }

const says = (wanted: boolean | null | undefined, is: boolean): boolean => wanted == null || wanted === is
const names = (wanted: readonly string[] | null | undefined, name: string | null): boolean =>
  wanted == null || (name !== null && wanted.includes(name))

/** Whether an item fits a filter; archived and snoozed ones fit where the filter, or the default, asks for them alone. */
export const fits = (filter: InboxListFilter, item: InboxItem, defaults: InboxListFilter = {}): boolean =>
  item.arrivedAt !== null &&
  says(filter.read, item.readAt !== null) &&
  says(filter.seen, item.seenAt !== null) &&
  says(filter.archived ?? defaults.archived ?? false, item.archivedAt !== null) &&
  says(filter.snoozed ?? defaults.snoozed ?? false, item.snoozedUntil !== null) &&
  names(filter.categories, item.category) &&
  names(filter.notificationKeys, item.notificationKey)

/** Adds what an item is worth on the badge, `times` times. */
export const addToCounts = (counts: Mutable<InboxCounts>, item: InboxItem | null, times: 1 | -1): void => {
  if (!item || item.arrivedAt === null || item.archivedAt !== null || item.snoozedUntil !== null) return
  counts.total += times
  if (item.readAt === null) counts.unread += times
  if (item.seenAt === null) counts.unseen += times
}

export const emptyCounts = (): Mutable<InboxCounts> => ({ ...NO_COUNTS })

/** `sign` times `more`, added field by field and never below nothing. */
export const plus = (counts: InboxCounts, ...more: readonly InboxCounts[]): InboxCounts => {
  const sum = (field: keyof InboxCounts): number =>
    Math.max(
      0,
      more.reduce((total, one) => total + one[field], counts[field]),
    )
  return { total: sum('total'), unread: sum('unread'), unseen: sum('unseen') }
}

export const sameCounts = (one: InboxCounts, other: InboxCounts): boolean =>
  one.total === other.total && one.unread === other.unread && one.unseen === other.unseen
