import type { Prisma, Delivery as StoredDelivery } from '../generated/prisma/client.ts'
import type {
  OrchestrationState as Orchestration,
  AttemptOutcome as Outcome,
  DeliveryStatus as Status,
} from '../server/core/delivery.ts'
import { waitingFor } from '../server/core/delivery.ts'
import { idOfType } from '../server/core/node-id.ts'
import type { TailedRow, TailFilter } from '../server/db/sql/read-tailed-deliveries.ts'
import { idsInserted } from '../server/operations/ids-inserted.ts'
import { allow, isRecipient } from './access.ts'
import { builder } from './builder.ts'
import { BY_ID, newestFirst, pageBy, selectionOfNodes } from './connection.ts'
import { Notification } from './notification.ts'

export const DeliveryStatus = builder.enumType('DeliveryStatus', {
  description: 'What became of a delivery. Succeeded, suppressed, cancelled and digested are final.',
  values: {
    PENDING: { value: 'pending', description: 'To be sent.' },
    DISPATCHED: { value: 'dispatched', description: 'Being handed to the provider.' },
    SUCCEEDED: { value: 'succeeded', description: 'The provider took it, or it is in the inbox.' },
    FAILED: { value: 'failed', description: 'Failed for now; another try is due.' },
    SUPPRESSED: { value: 'suppressed', description: 'A rule said that it must not be sent.' },
    CANCELLED: { value: 'cancelled', description: 'Given up, or stopped.' },
    DIGESTED: { value: 'digested', description: 'Sent as part of a digest.' },
  } as const,
})

export const OrchestrationState = builder.enumType('OrchestrationState', {
  description: 'Whether a delivery may go on.',
  values: {
    READY: { value: 'ready', description: 'It may.' },
    DEFERRED: { value: 'deferred', description: 'Not before `nextEligibleAt`.' },
    DIGEST_HELD: { value: 'digest_held', description: 'Held for a digest.' },
  } as const,
})

const AttemptOutcome = builder.enumType('AttemptOutcome', {
  description: 'How one call of a provider ended, or what it reported later.',
  values: {
    SUCCEEDED: { value: 'succeeded', description: 'The provider took it; in a report: it arrived.' },
    FAILED: { value: 'failed', description: 'It may be tried again.' },
    REJECTED: { value: 'rejected', description: 'Refused for good; in a report: the recipient complained.' },
    BOUNCED: { value: 'bounced', description: 'The address is bad.' },
    UNKNOWN: { value: 'unknown', description: 'The process died between the provider call and its record.' },
  } as const,
})

export const DeliveryAttempt = builder.prismaNode('DeliveryAttempt', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    attemptNumber: t.exposeInt('attemptNumber'),
    outcome: t.field({
      type: AttemptOutcome,
      description: 'How it ended.',
      resolve: ({ outcome }) => outcome as Outcome,
    }),
    errorClass: t.exposeString('errorClass', { nullable: true }),
    adapter: t.exposeString('adapter', { nullable: true }),
    providerMessageId: t.exposeString('providerMessageId', { nullable: true }),
    reason: t.exposeString('reason', { nullable: true }),
    address: t.exposeString('address', { nullable: true }),
    source: t.exposeString('source'),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
  }),
})

/** How many a list holds that is no connection; the newest are kept. */
const MAX_LISTED = 100

export const Delivery = builder.prismaNode('Delivery', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    notification: t.relation('notification', { description: 'What it is a channel of.' }),
    channel: t.exposeString('channel'),
    status: t.field({
      type: DeliveryStatus,
      description: 'What became of it.',
      resolve: ({ status }) => status as Status,
    }),
    orchestrationState: t.field({
      type: OrchestrationState,
      description: 'Whether it may go on.',
      resolve: ({ orchestrationState }) => orchestrationState as Orchestration,
    }),
    stepKey: t.string({
      nullable: true,
      description: 'The workflow step that this is for.',
      resolve: ({ stepKey }) => stepKey || null,
    }),
    planningReason: t.exposeString('planningReason', { nullable: true }),
    suppressionReason: t.exposeString('suppressionReason', { nullable: true }),
    nextEligibleAt: t.expose('nextEligibleAt', { type: 'DateTime', nullable: true }),
    nextAttemptAt: t.expose('nextAttemptAt', { type: 'DateTime', nullable: true }),
    waitingFor: t.string({
      nullable: true,
      description:
        'What a delivery that is not terminal waits for: due, retry, breaker, provider, operator, quiet_hours, digest, ...',
      resolve: (row) => waitingFor(row as typeof row & { status: Status; orchestrationState: Orchestration }),
    }),
    renderKey: t.exposeString('renderKey', { nullable: true }),
    renderVersion: t.exposeInt('renderVersion', { nullable: true }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    attempts: t.field({
      type: [DeliveryAttempt],
      description: 'Every call of its provider, and every report of it, in order: the newest 100.',
      select: (_, __, nested) => ({ attempts: nested({ orderBy: { attemptNumber: 'desc' }, take: MAX_LISTED }) }),
      resolve: ({ attempts }) => attempts.toReversed(),
    }),
  }),
})

// Not a recipient's to see: for its token they are not even read.
builder.prismaObjectField(Notification, 'deliveries', (t) =>
  t.field({
    type: [Delivery],
    description: 'One for each channel; empty for a recipient token.',
    select: (_, context, nested) =>
      isRecipient(context) ? {} : { deliveries: nested({ orderBy: { id: 'asc' }, take: MAX_LISTED }) },
    resolve: (row) => row.deliveries ?? [],
  }),
)

export const DeliveryConnection = builder.connectionObject(
  { type: Delivery, name: 'DeliveryConnection', description: 'Deliveries, a page at a time.' },
  { name: 'DeliveryEdge', description: 'One of the deliveries of a page.' },
)

export const DeliveryFilter = builder.inputType('DeliveryFilter', {
  description: 'Which deliveries: those that fit all that is given.',
  fields: (t) => ({
    recipientId: t.id({ description: "To this recipient, by the host's own id." }),
    eventId: t.id({ description: 'Of this event.' }),
    notificationId: t.id({ description: 'Of this notification.' }),
    orchestrationState: t.field({ type: [OrchestrationState], description: 'In one of these.' }),
    notificationKey: t.string({ description: 'Of this notifier.' }),
    channel: t.string({ description: 'On this channel.' }),
    status: t.field({ type: [DeliveryStatus], description: 'In one of these.' }),
    suppressionReason: t.string({ description: 'Suppressed or cancelled for this reason.' }),
    correlationId: t.string({ description: 'Of events with this mark.' }),
    awaitsOperator: t.boolean({
      description:
        'Hanging until an operator retries or cancels it, since its worker died in mid-call; false: the others.',
    }),
    insertedAfter: t.field({ type: 'DateTime', description: 'Planned at this instant or later.' }),
    insertedBefore: t.field({ type: 'DateTime', description: 'Planned before this instant.' }),
  }),
})

/** An id that was never issued fits nothing. */
const NOTHING = '00000000-0000-0000-0000-000000000000'

const whereOf = (filter: typeof DeliveryFilter.$inferInput | null | undefined): Prisma.DeliveryWhereInput => ({
  ...(filter?.recipientId != null && { recipientId: filter.recipientId }),
  ...(filter?.eventId != null && { eventId: idOfType('Event', filter.eventId) ?? NOTHING }),
  ...(filter?.notificationId != null && { notificationId: idOfType('Notification', filter.notificationId) ?? NOTHING }),
  ...(filter?.orchestrationState != null && { orchestrationState: { in: [...filter.orchestrationState] } }),
  ...(filter?.notificationKey != null && { notificationKey: filter.notificationKey }),
  ...(filter?.channel != null && { channel: filter.channel }),
  ...(filter?.status != null && { status: { in: [...filter.status] } }),
  ...(filter?.suppressionReason != null && { suppressionReason: filter.suppressionReason }),
  ...(filter?.awaitsOperator != null && { awaitsOperator: filter.awaitsOperator }),
  ...(filter?.correlationId != null && { event: { correlationId: filter.correlationId } }),
  insertedAt: {
    ...(filter?.insertedAfter != null && { gte: filter.insertedAfter }),
    ...(filter?.insertedBefore != null && { lt: filter.insertedBefore }),
  },
})

/** A delivery as a statement returned it, as the model has it. */
const toDelivery = (row: TailedRow): StoredDelivery => ({ ...row, position: BigInt(row.position) })

const tailFilterOf = (filter: typeof DeliveryFilter.$inferInput | null | undefined): TailFilter => ({
  recipientId: filter?.recipientId ?? null,
  eventId: filter?.eventId == null ? null : (idOfType('Event', filter.eventId) ?? NOTHING),
  notificationId: filter?.notificationId == null ? null : (idOfType('Notification', filter.notificationId) ?? NOTHING),
  notificationKey: filter?.notificationKey ?? null,
  channel: filter?.channel ?? null,
  status: filter?.status ?? null,
  orchestrationState: filter?.orchestrationState ?? null,
  suppressionReason: filter?.suppressionReason ?? null,
  correlationId: filter?.correlationId ?? null,
  awaitsOperator: filter?.awaitsOperator ?? null,
  insertedAfter: filter?.insertedAfter ?? null,
  insertedBefore: filter?.insertedBefore ?? null,
})

builder.subscriptionField('deliveryUpdates', (t) =>
  t.field({
    type: Delivery,
    description: 'Deliveries as they change state: a live tail, not gap-free [operator].',
    args: { filter: t.arg({ type: DeliveryFilter, description: 'All of them where left out.' }) },
    subscribe: (_, { filter }, context) => {
      allow(context, 'OPERATE')
      return context.app.tail.follow(context.principal.tenantId, tailFilterOf(filter))
    },
    resolve: toDelivery,
  }),
)

builder.queryFields((t) => ({
  delivery: t.prismaField({
    type: Delivery,
    nullable: true,
    description: 'A delivery [operator].',
    args: { id: t.arg.id({ required: true, description: "The delivery's id." }) },
    resolve: (query, _, args, context) => {
      allow(context, 'OPERATE')
      const id = idOfType('Delivery', args.id)
      const { tenantId } = context.principal
      return id === null
        ? null
        : context.prisma.delivery.findUnique({ ...query, where: { tenantId_id: { tenantId, id } } })
    },
  }),
  deliveries: t.connection(
    {
      type: Delivery,
      description: 'Deliveries, newest first [operator].',
      args: { filter: t.arg({ type: DeliveryFilter, description: 'All of them where left out.' }) },
      resolve: (_, args, context, info) => {
        allow(context, 'OPERATE')
        const ids = idsInserted(context.app, {
          after: args.filter?.insertedAfter,
          before: args.filter?.insertedBefore,
        })
        const inRange = { ...(ids.from && { gte: ids.from }), ...(ids.before && { lt: ids.before }) }
        return pageBy(BY_ID, args, (stretch) => {
          const { where, ...order } = newestFirst(stretch)
          return context.prisma.delivery.findMany({
            ...selectionOfNodes(context, info),
            where: { ...where, tenantId: context.principal.tenantId, ...whereOf(args.filter), AND: [{ id: inRange }] },
            ...order,
          })
        })
      },
    },
    DeliveryConnection,
  ),
}))
