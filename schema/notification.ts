import type { Notification as StoredNotification } from '../generated/prisma/client.ts'
import { encodeInboxCursor } from '../server/core/cursor.ts'
import type { InAppContent as Content } from '../server/core/render-contracts.ts'
import type { NotificationRow } from '../server/db/sql/notification-row.ts'
import { builder } from './builder.ts'

const NotificationAction = builder
  .objectRef<{ readonly label: string; readonly url: string }>('NotificationAction')
  .implement({
    description: 'Something to do about a notification.',
    fields: (t) => ({
      label: t.exposeString('label', { description: 'What to show.' }),
      url: t.exposeString('url', { description: 'Where it leads.' }),
    }),
  })

const InAppContent = builder.objectRef<Content>('InAppContent').implement({
  description: 'What an inbox shows.',
  fields: (t) => ({
    title: t.exposeString('title', { description: 'One line.' }),
    body: t.string({ nullable: true, description: 'More of it.', resolve: ({ body }) => body ?? null }),
    primaryAction: t.field({
      type: NotificationAction,
      nullable: true,
      description: 'The first thing to do about it.',
      resolve: ({ primaryAction }) => primaryAction ?? null,
    }),
    secondaryAction: t.field({
      type: NotificationAction,
      nullable: true,
      description: 'Another thing to do about it.',
      resolve: ({ secondaryAction }) => secondaryAction ?? null,
    }),
    data: t.field({
      type: 'JSON',
      nullable: true,
      description: "The host's own.",
      resolve: ({ data }) => data ?? null,
    }),
  }),
})

/** A notification as a statement returned it, as the model has it. */
export const toNotification = (row: NotificationRow): StoredNotification => ({
  ...row,
  arrivalVersion: row.arrivalVersion === null ? null : BigInt(row.arrivalVersion),
  inboxVersion: row.inboxVersion === null ? null : BigInt(row.inboxVersion),
})

export const Notification = builder.prismaNode('Notification', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    notificationKey: t.exposeString('notificationKey'),
    category: t.exposeString('category', {
      nullable: true,
      description: "The notifier's category when it was triggered.",
    }),
    recipientId: t.exposeID('recipientId'),
    content: t.field({
      type: InAppContent,
      nullable: true,
      description: 'The in-app content; null where the notification is not in the inbox.',
      resolve: ({ content }) => content as Content | null,
    }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
    arrivedAt: t.expose('arrivedAt', { type: 'DateTime', nullable: true }),
    seenAt: t.expose('seenAt', { type: 'DateTime', nullable: true }),
    readAt: t.expose('readAt', { type: 'DateTime', nullable: true }),
    archivedAt: t.expose('archivedAt', { type: 'DateTime', nullable: true }),
    snoozedUntil: t.expose('snoozedUntil', { type: 'DateTime', nullable: true }),
    cursor: t.field({
      type: 'InboxCursor',
      nullable: true,
      description: "Where this notification's latest change stands in its inbox.",
      resolve: (row) => (row.inboxVersion === null ? null : encodeInboxCursor(row, Number(row.inboxVersion))),
    }),
  }),
})

export const NotificationConnection = builder.connectionObject(
  { type: Notification, name: 'NotificationConnection', description: 'Notifications, a page at a time.' },
  { name: 'NotificationEdge', description: 'One of the notifications of a page.' },
)
