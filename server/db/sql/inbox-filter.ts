import type { InboxFilter } from '../../core/inbox.ts'

/**
 * The condition of an inbox filter on a notification named `n`. Its six values stand from parameter `first` on, in the
 * order of `inboxFilterValues`.
 */
export const inboxFilterCondition = (first: number): string => `
  n.arrival_version is not null
  and ($${first}::bool is null or (n.read_at is not null) = $${first})
  and ($${first + 1}::bool is null or (n.seen_at is not null) = $${first + 1})
  and ($${first + 2}::bool is null or (n.archived_at is not null) = $${first + 2})
  and ($${first + 3}::bool is null or (n.snoozed_until is not null) = $${first + 3})
  and ($${first + 4}::text[] is null or n.category = any($${first + 4} collate "C"))
  and ($${first + 5}::text[] is null or n.notification_key = any($${first + 5} collate "C"))`

/** `null`, said of a condition, means that it does not matter. */
export const inboxFilterValues = (filter: InboxFilter): readonly unknown[] => [
  filter.read ?? null,
  filter.seen ?? null,
  filter.archived ?? null,
  filter.snoozed ?? null,
  filter.categories ?? null,
  filter.notificationKeys ?? null,
]
