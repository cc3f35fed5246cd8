import type { CarillonClient } from '../client.ts'
import type { InboxItem, InboxListFilter } from './item.ts'

/** When a mark was made, and until when it lasts, where it does. */
export interface Instants {
  readonly at: string
  readonly until: string | null
}

interface Action {
  /** The client's method that asks the server for it. */
  readonly method: 'markSeen' | 'markRead' | 'markUnread' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze'
  /** Whether there is anything to do: marks are idempotent, and the first time wins. */
  readonly concerns: (item: InboxItem, instants: Instants) => boolean
  /** What the server will make of the item. */
  readonly apply: (item: InboxItem, instants: Instants) => InboxItem
  /** What a filter means that does not say so. */
  readonly defaults?: InboxListFilter
}

/** What a front end may do with items, each foretold here as the server does it: a further action is a further entry. */
export const ACTIONS = {
  seen: {
    method: 'markSeen',
    concerns: ({ seenAt }) => seenAt === null,
    apply: (item, { at }) => ({ ...item, seenAt: at }),
  },
  read: {
    method: 'markRead',
    concerns: ({ readAt }) => readAt === null,
    apply: (item, { at }) => ({ ...item, readAt: at, seenAt: item.seenAt ?? at }),
  },
  unread: {
    method: 'markUnread',
    concerns: ({ readAt }) => readAt !== null,
    apply: (item) => ({ ...item, readAt: null }),
  },
  archive: {
    method: 'archive',
    concerns: ({ archivedAt }) => archivedAt === null,
    apply: (item, { at }) => ({ ...item, archivedAt: at }),
  },
  unarchive: {
    method: 'unarchive',
    concerns: ({ archivedAt }) => archivedAt !== null,
    apply: (item) => ({ ...item, archivedAt: null }),
    defaults: { archived: true },
  },
  snooze: {
    method: 'snooze',
    concerns: ({ snoozedUntil }, { until }) => snoozedUntil !== until,
    apply: (item, { until }) => ({ ...item, snoozedUntil: until }),
  },
  unsnooze: {
    method: 'unsnooze',
    concerns: ({ snoozedUntil }) => snoozedUntil !== null,
    apply: (item) => ({ ...item, snoozedUntil: null }),
    defaults: { snoozed: true },
  },
} as const satisfies Readonly<Record<string, Action>>

export type InboxActionName = keyof typeof ACTIONS

export const actionOf = (name: InboxActionName): Action => ACTIONS[name]

/** The part of a client that changes an inbox. */
export type InboxMarks = Pick<CarillonClient, Action['method']>
