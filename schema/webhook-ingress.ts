import type { Prisma } from '../generated/prisma/client.ts'
import { idOfType } from '../server/core/node-id.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { BY_ID, newestFirst, pageBy, selectionOfNodes } from './connection.ts'

const STATES = {
  QUEUED: { value: 'queued', description: 'To be carried out.' },
  PROCESSED: { value: 'processed', description: 'Carried out: its delivery has an attempt that says so.' },
  IGNORED: { value: 'ignored', description: 'Nothing comes of it; `ignoredReason` says why.' },
  FAILED: { value: 'failed', description: 'It could not be carried out, and was given up; `ignoredReason` says why.' },
} as const
type State = (typeof STATES)[keyof typeof STATES]['value']

const WebhookIngressState = builder.enumType('WebhookIngressState', {
  description: 'What became of a report.',
  values: STATES,
})

export const WebhookIngress = builder.prismaNode('WebhookIngress', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    adapter: t.exposeString('adapter'),
    providerEventId: t.exposeString('providerEventId', { nullable: true }),
    providerMessageId: t.exposeString('providerMessageId', { nullable: true }),
    normalizedStatus: t.exposeString('normalizedStatus'),
    state: t.field({
      type: WebhookIngressState,
      description: 'What became of it.',
      resolve: ({ state }) => state as State,
    }),
    ignoredReason: t.exposeString('ignoredReason', { nullable: true }),
    delivery: t.relation('delivery', {
      nullable: true,
      description: 'What it is about; null where that is not known.',
    }),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
    processedAt: t.expose('processedAt', { type: 'DateTime', nullable: true }),
  }),
})

const WebhookIngressConnection = builder.connectionObject(
  { type: WebhookIngress, name: 'WebhookIngressConnection', description: 'Reports, a page at a time.' },
  { name: 'WebhookIngressEdge', description: 'One of the reports of a page.' },
)

const WebhookIngressFilter = builder.inputType('WebhookIngressFilter', {
  description: 'Which reports: those that fit all that is given.',
  fields: (t) => ({
    adapter: t.string({ description: 'Of the provider of this adapter.' }),
    state: t.field({ type: WebhookIngressState, description: 'In this state.' }),
    deliveryId: t.id({ description: 'About this delivery.' }),
  }),
})

/** An id that was never issued fits nothing. */
const NOTHING = '00000000-0000-0000-0000-000000000000'

const whereOf = (
  filter: typeof WebhookIngressFilter.$inferInput | null | undefined,
): Prisma.WebhookIngressWhereInput => ({
  ...(filter?.adapter != null && { adapter: filter.adapter }),
  ...(filter?.state != null && { state: filter.state }),
  ...(filter?.deliveryId != null && { deliveryId: idOfType('Delivery', filter.deliveryId) ?? NOTHING }),
})

builder.queryField('webhookIngresses', (t) =>
  t.connection(
    {
      type: WebhookIngress,
      description: 'What providers reported, newest first [operator].',
      args: { filter: t.arg({ type: WebhookIngressFilter, description: 'All of it where left out.' }) },
      resolve: (_, args, context, info) => {
        allow(context, 'OPERATE')
        return pageBy(BY_ID, args, (stretch) => {
          const { where, ...order } = newestFirst(stretch)
          return context.prisma.webhookIngress.findMany({
            ...selectionOfNodes(context, info),
            where: { ...where, tenantId: context.principal.tenantId, ...whereOf(args.filter) },
            ...order,
          })
        })
      },
    },
    WebhookIngressConnection,
  ),
)
