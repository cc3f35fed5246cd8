import type { CarillonClient } from '../client.ts'
import type { InboxItem } from './item.ts'

interface Action {
  /** The client's method that asks the server for it. */
  readonly method: 'markSeen' | 'markRead' | 'markUnread' | 'archive' | 'unarchive'
  /** Whether there is anything to do: marks are idempotent, and the first time wins. */
  readonly concerns: (item: InboxItem) => boolean
  /** What the server will make of the item. */
  readonly apply: (item: InboxItem, at: string) => InboxItem
  /** Whether a filter that does not say so means archived items. */
  readonly archived?: true
}

/** What a front end may do with items, each foretold here as the server does it: a further action is a further line. */
export const ACTIONS = {
  seen: {
    method: 'markSeen',
    concerns: ({ seenAt }) => seenAt === null,
    apply: (item, at) => ({ ...item, seenAt: at }),
  },
  read: {
    method: 'markRead',
    concerns: ({ readAt }) => readAt === null,
    apply: (item, at) => ({ ...item, readAt: at, seenAt: item.seenAt ?? at }),
  },
  unread: {
    method: 'markUnread',
    concerns: ({ readAt }) => readAt !== null,
    apply: (item) => ({ ...item, readAt: null }),
  },
  archive: {
    method: 'archive',
    concerns: ({ archivedAt }) => archivedAt === null,
    apply: (item, at) => ({ ...item, archivedAt: at }),
  },
  unarchive: {
    method: 'unarchive',
    concerns: ({ archivedAt }) => archivedAt !== null,
    apply: (item) => ({ ...item, archivedAt: null }),
    archived: true,
  },
} as const satisfies Readonly<Record<string, Action>>

export type InboxActionName = keyof typeof ACTIONS

export const actionOf = (name: InboxActionName): Action => ACTIONS[name]

/** The part of a client that changes an inbox. */
export type InboxMarks = Pick<CarillonClient, Action['method']>
