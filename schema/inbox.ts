import { decodeInboxCursor, encodeInboxCursor, type InboxKey } from '../server/core/cursor.ts'
import { type InboxCounts as Counts, INBOX_ACTIONS } from '../server/core/inbox.ts'
import { encodeNodeId } from '../server/core/node-id.ts'
import type { NotificationRow } from '../server/db/sql/notification-row.ts'
import { badInput } from '../server/errors.ts'
import {
  countOfInbox,
  type InboxChange,
  type InboxStand,
  markInbox,
  pageOfInbox,
  standOfInbox,
} from '../server/operations/inbox.ts'
import type { InboxChanges } from '../server/realtime/inbox-hub.ts'
import { subjectOf } from './access.ts'
import { builder } from './builder.ts'
import { type Keyset, pageBy } from './connection.ts'
import { Notification, NotificationConnection, toNotification } from './notification.ts'

const OPERATORS_TOO = { scopes: ['OPERATE'], path: ['recipientId'] } as const

const InboxCounts = builder.objectRef<Counts>('InboxCounts').implement({
  description: 'A badge: neither archived nor snoozed ones are counted.',
  fields: (t) => ({
    total: t.exposeInt('total', { description: 'All of them.' }),
    unread: t.exposeInt('unread', { description: 'Those not read.' }),
    unseen: t.exposeInt('unseen', { description: 'Those not seen.' }),
  }),
})

const InboxFilter = builder.inputType('InboxFilter', {
  description: 'Which items of an inbox.',
  fields: (t) => ({
    read: t.boolean({ description: 'Only read ones, or only unread ones.' }),
    seen: t.boolean({ description: 'Only seen ones, or only unseen ones.' }),
    archived: t.boolean({ description: 'Default false: leave archived ones out. True: only archived ones.' }),
    snoozed: t.boolean({ description: 'Default false: leave snoozed ones out. True: only snoozed ones.' }),
    categories: t.stringList({ description: 'Of one of these categories.' }),
    notificationKeys: t.stringList({ description: 'Of one of these notifiers.' }),
  }),
})

interface InboxShape extends InboxKey {
  readonly stand: InboxStand
}

/** Newest arrival first. */
const BY_ARRIVAL: Keyset<NotificationRow, number> = {
  keyOf: ({ arrivalVersion }) => arrivalVersion ?? 0,
  encode: (version) => `a:${version}`,
  decode: (text) => (/^a:\d{1,15}$/.test(text) ? Number(text.slice(2)) : null),
}

const Inbox = builder.objectRef<InboxShape>('Inbox').implement({
  description: "A recipient's inbox.",
  fields: (t) => ({
    recipientId: t.exposeID('recipientId', { description: "Whose, by the host's own id." }),
    counts: t.field({ type: InboxCounts, description: 'The badge.', resolve: ({ stand }) => stand.counts }),
    count: t.int({
      description: 'How many match: one for each tab, in one request.',
      args: { filter: t.arg({ type: InboxFilter, description: 'Neither archived nor snoozed where left out.' }) },
      resolve: (inbox, { filter }, { app }) => countOfInbox(app, inbox, filter),
    }),
    cursor: t.field({
      type: 'InboxCursor',
      description: 'Where this inbox stands now: subscribe after it and nothing is missed.',
      resolve: (inbox) => encodeInboxCursor(inbox, inbox.stand.version),
    }),
    notifications: t.connection(
      {
        type: Notification,
        description: 'Newest first. Archived and snoozed ones only where the filter asks for them.',
        args: { filter: t.arg({ type: InboxFilter, description: 'Which of them.' }) },
        resolve: async (inbox, args, { app }) => {
          const page = await pageBy(BY_ARRIVAL, args, ({ after, before, limit, from }) =>
            pageOfInbox(app, inbox, {
              filter: args.filter,
              limit,
              before: after,
              after: before,
              from: from === 'start' ? 'newest' : 'oldest',
            }),
          )
          return { ...page, edges: page.edges.map(({ cursor, node }) => ({ cursor, node: toNotification(node) })) }
        },
      },
      NotificationConnection,
    ),
  }),
})

builder.queryField('inbox', (t) =>
  t.field({
    type: Inbox,
    description: 'An inbox; one exists for every recipient id [recipient; operator with recipientId].',
    args: { recipientId: t.arg.id({ description: "Whose; a recipient token's own where left out." }) },
    resolve: async (_, { recipientId }, context) => {
      const inbox = subjectOf(context, recipientId, OPERATORS_TOO)
      return { ...inbox, stand: await standOfInbox(context.app, inbox) }
    },
  }),
)

const InboxSelectionInput = builder.inputType('InboxSelectionInput', {
  description: 'Which items to change: exactly one of ids and filter.',
  fields: (t) => ({
    recipientId: t.id({ description: "Whose; a recipient token's own where left out." }),
    ids: t.idList({ description: 'These notifications, at most 1000; unknown and foreign ones change nothing.' }),
    filter: t.field({
      type: InboxFilter,
      description: 'Or all that match and had arrived at upTo. {} is everything neither archived nor snoozed.',
    }),
    upTo: t.field({ type: 'InboxCursor', description: 'What arrived later stays untouched; now where left out.' }),
  }),
})

const InboxPayload = builder.objectRef<InboxKey & { readonly change: InboxChange }>('InboxPayload').implement({
  description: 'An inbox after a change.',
  fields: (t) => ({
    notifications: t.field({
      type: [Notification],
      description: 'What changed, at most 100 of them; affectedCount says how many in all.',
      resolve: ({ change }) => change.notifications.map(toNotification),
    }),
    affectedCount: t.int({ description: 'How many really changed.', resolve: ({ change }) => change.affectedCount }),
    counts: t.field({
      type: InboxCounts,
      description: 'The badge as it is now.',
      resolve: ({ change }) => change.counts,
    }),
    cursor: t.field({
      type: 'InboxCursor',
      description: 'Where the inbox stands now.',
      resolve: ({ change, ...inbox }) => encodeInboxCursor(inbox, change.version),
    }),
  }),
})

const MARKS = {
  seen: { field: 'markSeen', description: 'Mark as seen; the first time counts' },
  read: { field: 'markRead', description: 'Mark as read, and seen; the first time counts' },
  unread: { field: 'markUnread', description: 'Mark as unread; it stays seen' },
  archive: { field: 'archive', description: 'Put away: out of the list and the counts' },
  unarchive: { field: 'unarchive', description: 'Bring back what was archived; `{}` is everything that is' },
  unsnooze: { field: 'unsnooze', description: 'Bring back what is snoozed; `{}` is everything that is' },
} as const

for (const action of INBOX_ACTIONS) {
  const { field, description } = MARKS[action]
  builder.mutationField(field, (t) =>
    t.field({
      type: InboxPayload,
      description: `${description} [recipient; operator with recipientId].`,
      args: { input: t.arg({ type: InboxSelectionInput, required: true, description: 'Which items.' }) },
      resolve: async (_, { input: { recipientId, ...selection } }, context) => {
        const inbox = subjectOf(context, recipientId, { scopes: ['OPERATE'], path: ['input', 'recipientId'] })
        return { ...inbox, change: await markInbox(context.app, inbox, { action, ...selection }) }
      },
    }),
  )
}

const SnoozeInput = builder.inputType('SnoozeInput', {
  description: 'Which items to hide, and until when.',
  fields: (t) => ({
    recipientId: t.id({ description: "Whose; a recipient token's own where left out." }),
    ids: t.idList({
      required: true,
      description: 'These notifications, at most 1000; unknown and foreign ones change nothing.',
    }),
    until: t.field({
      type: 'DateTime',
      required: true,
      description: 'They come back then, in their place, seen and read as they were; in the future.',
    }),
  }),
})

builder.mutationField('snooze', (t) =>
  t.field({
    type: InboxPayload,
    description:
      'Hide until an instant: out of the list and the counts till then [recipient; operator with recipientId].',
    args: { input: t.arg({ type: SnoozeInput, required: true, description: 'Which items, and until when.' }) },
    resolve: async (_, { input: { recipientId, ids, until } }, context) => {
      const inbox = subjectOf(context, recipientId, { scopes: ['OPERATE'], path: ['input', 'recipientId'] })
      return { ...inbox, change: await markInbox(context.app, inbox, { action: 'snooze', ids, until }) }
    },
  }),
)

const InboxUpdate = builder.objectRef<InboxKey & { readonly changes: InboxChanges }>('InboxUpdate').implement({
  description: 'What changed in an inbox.',
  fields: (t) => ({
    cursor: t.field({
      type: 'InboxCursor',
      description: 'Pass it as `after` to go on from here.',
      resolve: ({ changes, ...inbox }) => encodeInboxCursor(inbox, changes.version),
    }),
    changed: t.field({
      type: [Notification],
      description:
        'The present state of every notification that changed, in cursor order; with removedIds at most 100 an update.',
      resolve: ({ changes }) => changes.changed.map(toNotification),
    }),
    removedIds: t.idList({
      description: 'Left the inbox for good.',
      resolve: ({ changes }) => changes.removedIds.map((id) => encodeNodeId('Notification', id)),
    }),
    counts: t.field({
      type: InboxCounts,
      description: 'The badge as it is now.',
      resolve: ({ changes }) => changes.counts,
    }),
    resync: t.boolean({
      description:
        'True where `after` cannot be continued from: nothing is in this update but the present cursor and counts; reload the inbox query. The stream goes on.',
      resolve: ({ changes }) => changes.resync,
    }),
  }),
})

builder.subscriptionField('inboxUpdates', (t) =>
  t.field({
    type: InboxUpdate,
    description:
      'The inbox as it changes [recipient; operator with recipientId]. With `after`, first everything that changed since that cursor, then what changes next: nothing is missed and nothing comes twice for one cursor, across reconnects, servers and slow readers. Without `after`, from now on; the first update comes at once, with the counts and a cursor to resume from.',
    args: {
      after: t.arg({ type: 'InboxCursor', description: 'Where to go on from.' }),
      recipientId: t.arg.id({ description: "Whose; a recipient token's own where left out." }),
    },
    subscribe: (_, { after, recipientId }, context) => {
      const inbox = subjectOf(context, recipientId, OPERATORS_TOO)
      const version = after == null ? null : decodeInboxCursor(inbox, after)
      if (after != null && version === null) throw badInput("after is no cursor of this recipient's inbox", ['after'])
      return context.app.hub.subscribe(inbox, version)
    },
    resolve: (changes, { recipientId }, context) => ({ ...subjectOf(context, recipientId, OPERATORS_TOO), changes }),
  }),
)
