import type { CarillonClientError } from '../error.ts'

/** Every text that the components show or say. Give some or all in another language. */
export interface InboxLabels {
  readonly inbox: string
  /** The bell's name, read out with what is on its badge. */
  readonly bell: (unread: number) => string
  /** What the badge shows. */
  readonly badge: (unread: number) => string
  readonly views: string
  readonly all: string
  readonly unread: string
  readonly archived: string
  readonly snoozed: string
  readonly markAllRead: string
  readonly markRead: string
  readonly markUnread: string
  readonly archive: string
  readonly unarchive: string
  readonly snooze: string
  readonly unsnooze: string
  readonly close: string
  readonly loading: string
  readonly loadMore: string
  readonly empty: string
  readonly emptyUnread: string
  readonly emptyArchived: string
  readonly emptySnoozed: string
  readonly offline: string
  readonly failed: string
  readonly retry: string
  readonly dismiss: string
  /** Said where a mark was refused and has been taken back. */
  readonly notDone: (error: CarillonClientError) => string
  /** Read out when something arrives; `title` is the newest one's. */
  readonly arrived: (count: number, title: string) => string
  /** Leads to what has arrived above what is being read. */
  readonly newAbove: (count: number) => string
  /** Read out before the title of an unread item. */
  readonly isUnread: string
  readonly preferences: string
  readonly preferencesLocked: string
  /** A category as people know it; `null` for notifications without one. */
  readonly categoryName: (category: string | null) => string
  readonly notificationName: (notificationKey: string) => string
  readonly channelName: (channel: string) => string
}

/** `comment.mentioned` and `in_app` as words. */
const inWords = (name: string): string => {
  const words = name.replaceAll(/[._-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

const CHANNELS: Readonly<Record<string, string>> = {
  in_app: 'In the app',
  email: 'E-mail',
  sms: 'Text message',
  push: 'Push',
  chat: 'Chat',
}

export const ENGLISH: InboxLabels = {
  inbox: 'Notifications',
  bell: (unread) => (unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`),
  badge: (unread) => (unread > 99 ? '99+' : String(unread)),
  views: 'Show',
  all: 'All',
  unread: 'Unread',
  archived: 'Archived',
  snoozed: 'Snoozed',
  markAllRead: 'Mark all as read',
  markRead: 'Mark as read',
  markUnread: 'Mark as unread',
  archive: 'Archive',
  unarchive: 'Move to inbox',
  snooze: 'Remind me tomorrow',
  unsnooze: 'Bring back now',
  close: 'Close',
  loading: 'Loading…',
  loadMore: 'Load more',
  empty: 'Nothing here yet.',
  emptyUnread: 'You have read everything.',
  emptyArchived: 'Nothing is archived.',
  emptySnoozed: 'Nothing is snoozed.',
  offline: 'Offline. Trying to connect…',
  failed: 'Notifications cannot be loaded.',
  retry: 'Try again',
  dismiss: 'Dismiss',
  notDone: ({ message }) => `That was not done: ${message}`,
  arrived: (count, title) => (count === 1 ? `New notification: ${title}` : `${count} new notifications: ${title}`),
  newAbove: (count) => (count === 1 ? '1 new notification' : `${count} new notifications`),
  isUnread: 'Unread',
  preferences: 'Notification settings',
  preferencesLocked: 'Always on',
  categoryName: (category) => (category === null ? 'Other' : inWords(category)),
  notificationName: inWords,
  channelName: (channel) => CHANNELS[channel] ?? inWords(channel),
}
