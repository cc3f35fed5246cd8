import type { Prisma, Event as StoredEvent } from '../generated/prisma/client.ts'
import { idOfType } from '../server/core/node-id.ts'
import type { EventRow } from '../server/db/sql/load-events-by-key.ts'
import { cancelEvent } from '../server/operations/cancel-event.ts'
import { allow, isRecipient } from './access.ts'
import { builder } from './builder.ts'
import { BY_ID, newestFirst, pageBy, selectionOfNodes } from './connection.ts'
import { Delivery, DeliveryConnection } from './delivery.ts'
import { Notification, NotificationConnection } from './notification.ts'

export const EventStatus = builder.enumType('EventStatus', {
  description: 'How far an event has come.',
  values: {
    SCHEDULED: { value: 'scheduled', description: 'Waits for its time.' },
    PLANNING: { value: 'planning', description: 'Recorded; its recipients are being planned.' },
    PLANNED: { value: 'planned', description: 'Every recipient is planned.' },
    CANCELLED: { value: 'cancelled', description: 'Stopped by cancelEvent.' },
  } as const,
})
type Status = 'scheduled' | 'planning' | 'planned' | 'cancelled'

/** An event as a statement returned it, as the model has it. */
export const toEvent = (row: EventRow): StoredEvent => ({
  tenantId: row.tenant_id,
  id: row.id,
  notificationKey: row.notification_key,
  notificationVersion: row.notification_version,
  idempotencyKey: row.idempotency_key,
  fingerprint: new Uint8Array(row.fingerprint),
  correlationId: row.correlation_id,
  actorId: row.actor_id,
  payload: row.payload as Prisma.JsonValue,
  hasSecrets: row.has_secrets,
  // No answer shows it, sealed or not.
  sealedPayload: null,
  category: row.category,
  required: row.required,
  urgent: row.urgent,
  status: row.status,
  sendAt: row.send_at,
  expiresAt: row.expires_at,
  topics: [...row.topics],
  isDigest: row.is_digest,
  traceparent: row.traceparent,
  erasedAt: row.erased_at,
  recipientCount: row.recipient_count,
  plannedRecipientCount: row.planned_recipient_count,
  failedRecipientCount: row.failed_recipient_count,
  prunedRecipientCount: row.pruned_recipient_count,
  insertedAt: row.inserted_at,
})

export const Event = builder.prismaNode('Event', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    notificationKey: t.exposeString('notificationKey'),
    notificationVersion: t.exposeInt('notificationVersion'),
    idempotencyKey: t.exposeString('idempotencyKey'),
    correlationId: t.exposeString('correlationId', { nullable: true }),
    actorId: t.exposeID('actorId', { nullable: true }),
    payload: t.expose('payload', { type: 'JSON' }),
    status: t.field({
      type: EventStatus,
      description: 'How far it has come.',
      resolve: ({ status }) => status as Status,
    }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
    sendAt: t.expose('sendAt', { type: 'DateTime', nullable: true }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true }),
    isDigest: t.exposeBoolean('isDigest'),
    recipientCount: t.exposeInt('recipientCount'),
    plannedRecipientCount: t.exposeInt('plannedRecipientCount'),
    failedRecipientCount: t.exposeInt('failedRecipientCount'),
    notifications: t.connection(
      {
        type: Notification,
        description: 'One for each recipient, newest first.',
        resolve: ({ id: eventId }, args, context, info) =>
          pageBy(BY_ID, args, (stretch) => {
            const { where, ...order } = newestFirst(stretch)
            return context.prisma.notification.findMany({
              ...selectionOfNodes(context, info),
              where: { ...where, tenantId: context.principal.tenantId, eventId },
              ...order,
            })
          }),
      },
      NotificationConnection,
    ),
    deliveries: t.connection(
      {
        type: Delivery,
        description: 'All deliveries of all its recipients, newest first.',
        resolve: ({ id: eventId }, args, context, info) =>
          pageBy(BY_ID, args, (stretch) => {
            const { where, ...order } = newestFirst(stretch)
            return context.prisma.delivery.findMany({
              ...selectionOfNodes(context, info),
              where: { ...where, tenantId: context.principal.tenantId, eventId },
              ...order,
            })
          }),
      },
      DeliveryConnection,
    ),
  }),
})

// What stands behind a notification is not a recipient's to see: for its token it is not even read.
builder.prismaObjectField(Notification, 'event', (t) =>
  t.field({
    type: Event,
    nullable: true,
    description: 'What it is about; null for a recipient token.',
    select: (_, context, nested) => (isRecipient(context) ? {} : { event: nested() }),
    resolve: (row) => row.event ?? null,
  }),
)

const EventConnection = builder.connectionObject(
  { type: Event, name: 'EventConnection', description: 'Events, a page at a time.' },
  { name: 'EventEdge', description: 'One of the events of a page.' },
)

const EventFilter = builder.inputType('EventFilter', {
  description: 'Which events: those that fit all that is given.',
  fields: (t) => ({
    status: t.field({ type: [EventStatus], description: 'In one of these states.' }),
    notificationKey: t.string({ description: 'Of this notifier.' }),
    correlationId: t.string({ description: 'With this mark.' }),
    recipientId: t.id({ description: 'With this recipient.' }),
    insertedAfter: t.field({ type: 'DateTime', description: 'Accepted at this instant or later.' }),
    insertedBefore: t.field({ type: 'DateTime', description: 'Accepted before this instant.' }),
  }),
})

const whereOf = (filter: typeof EventFilter.$inferInput | null | undefined): Prisma.EventWhereInput => ({
  ...(filter?.status != null && { status: { in: [...filter.status] } }),
  ...(filter?.notificationKey != null && { notificationKey: filter.notificationKey }),
  ...(filter?.correlationId != null && { correlationId: filter.correlationId }),
  ...(filter?.recipientId != null && { notifications: { some: { recipientId: filter.recipientId } } }),
  insertedAt: {
    ...(filter?.insertedAfter != null && { gte: filter.insertedAfter }),
    ...(filter?.insertedBefore != null && { lt: filter.insertedBefore }),
  },
})

builder.queryFields((t) => ({
  event: t.prismaField({
    type: Event,
    nullable: true,
    description: 'An event [backend, operator].',
    args: { id: t.arg.id({ required: true, description: "The event's id." }) },
    resolve: (query, _, args, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const id = idOfType('Event', args.id)
      const { tenantId } = context.principal
      return id === null
        ? null
        : context.prisma.event.findUnique({ ...query, where: { tenantId_id: { tenantId, id } } })
    },
  }),
  eventByIdempotencyKey: t.prismaField({
    type: Event,
    nullable: true,
    description: 'The event that this key has made [backend, operator].',
    args: { idempotencyKey: t.arg.string({ required: true, description: 'As it was given to trigger.' }) },
    resolve: (query, _, { idempotencyKey }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const { tenantId } = context.principal
      return context.prisma.event.findUnique({
        ...query,
        where: { tenantId_idempotencyKey: { tenantId, idempotencyKey } },
      })
    },
  }),
  events: t.connection(
    {
      type: Event,
      description: 'Events, newest first [operator].',
      args: { filter: t.arg({ type: EventFilter, description: 'All of them where left out.' }) },
      resolve: (_, args, context, info) => {
        allow(context, 'OPERATE')
        return pageBy(BY_ID, args, (stretch) => {
          const { where, ...order } = newestFirst(stretch)
          return context.prisma.event.findMany({
            ...selectionOfNodes(context, info),
            where: { ...where, tenantId: context.principal.tenantId, ...whereOf(args.filter) },
            ...order,
          })
        })
      },
    },
    EventConnection,
  ),
}))

const CancelEventInput = builder.inputType('CancelEventInput', {
  description: 'What to stop.',
  fields: (t) => ({
    eventId: t.id({ required: true, description: "The event's id." }),
    reason: t.string({ description: 'Kept and shown in timelines.' }),
  }),
})

const CancelEventPayload = builder
  .objectRef<{ readonly event: StoredEvent; readonly cancelledCount: number; readonly tooLateCount: number }>(
    'CancelEventPayload',
  )
  .implement({
    description: 'What could be stopped.',
    fields: (t) => ({
      event: t.expose('event', { type: Event, description: 'The event as it is now.' }),
      cancelledCount: t.exposeInt('cancelledCount', {
        description: 'Deliveries that this call cancelled; none of them is ever sent.',
      }),
      tooLateCount: t.exposeInt('tooLateCount', {
        description: 'Already handed to a provider or arrived in an inbox, so not stopped.',
      }),
    }),
  })

builder.mutationField('cancelEvent', (t) =>
  t.field({
    type: CancelEventPayload,
    description: 'Stop everything of an event that has not been handed to a provider yet [backend].',
    args: { input: t.arg({ type: CancelEventInput, required: true, description: 'What to stop.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      const { event, ...counts } = await cancelEvent(context.app, {
        tenantId: context.principal.tenantId,
        id: idOfType('Event', input.eventId),
        reason: input.reason ?? null,
      })
      return { ...counts, event: toEvent(event) }
    },
  }),
)
