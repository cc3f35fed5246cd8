/** What a recipient may do with items of its inbox, beside hiding them until an instant. */
export const INBOX_ACTIONS = ['seen', 'read', 'unread', 'archive', 'unarchive', 'unsnooze'] as const
export type InboxAction = (typeof INBOX_ACTIONS)[number] | 'snooze'

/** Which items of an inbox; what is left out does not matter, except that archived and snoozed ones are left out. */
export interface InboxFilter {
  readonly read?: boolean | null | undefined
  readonly seen?: boolean | null | undefined
  readonly archived?: boolean | null | undefined
  readonly snoozed?: boolean | null | undefined
  readonly categories?: readonly string[] | null | undefined
  readonly notificationKeys?: readonly string[] | null | undefined
}

/** A badge: all but archived and snoozed ones. */
export interface InboxCounts {
  readonly total: number
  readonly unread: number
  readonly unseen: number
}

/** How many notifications one call may name by id. */
export const MAX_SELECTED_IDS = 1_000
/** How many changes one update or one answer carries. */
export const MAX_CHANGES = 100
