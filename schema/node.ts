import { brandWithType } from '@pothos/core'
import { decodeNodeId, type NodeType } from '../server/core/node-id.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'

/** Reads one row of each type that has an id of its own, where the caller may see it. */
const LOADERS: { readonly [T in NodeType]?: (id: string, context: Context) => Promise<object | null> } = {
  Recipient: async (recipientId, { principal, prisma }) =>
    mayRead(principal, 'TRIGGER', 'OPERATE') || principal.recipientId === recipientId
      ? prisma.recipient.findUnique({ where: { tenantId_recipientId: { tenantId: principal.tenantId, recipientId } } })
      : null,
  Event: async (id, { principal, prisma }) =>
    mayRead(principal, 'TRIGGER', 'OPERATE') ? prisma.event.findUnique({ where: keyOf(principal, id) }) : null,
  Notification: async (id, { principal, prisma }) => {
    const row = await prisma.notification.findUnique({ where: keyOf(principal, id) })
    return mayRead(principal, 'OPERATE') || (row && row.recipientId === principal.recipientId) ? row : null
  },
  Delivery: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.delivery.findUnique({ where: keyOf(principal, id) }) : null,
  DeliveryAttempt: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.deliveryAttempt.findUnique({ where: keyOf(principal, id) }) : null,
  DigestRule: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.digestRule.findUnique({ where: keyOf(principal, id) }) : null,
  DigestBucket: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.digestBucket.findUnique({ where: keyOf(principal, id) }) : null,
  WebhookIngress: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.webhookIngress.findUnique({ where: keyOf(principal, id) }) : null,
  WorkflowRun: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.workflowRun.findUnique({ where: keyOf(principal, id) }) : null,
  WorkflowTransition: async (id, { principal, prisma }) =>
    mayRead(principal, 'OPERATE') ? prisma.workflowTransition.findUnique({ where: keyOf(principal, id) }) : null,
  Signal: async (id, { principal, prisma }) =>
    mayRead(principal, 'TRIGGER', 'OPERATE') ? prisma.signal.findUnique({ where: keyOf(principal, id) }) : null,
  Topic: async (id, { principal, prisma }) =>
    mayRead(principal, 'TRIGGER', 'OPERATE') ? prisma.topic.findUnique({ where: keyOf(principal, id) }) : null,
}

const keyOf = ({ tenantId }: Context['principal'], id: string) => ({ tenantId_id: { tenantId, id } })

const mayRead = ({ scopes }: Context['principal'], ...needed: readonly ('TRIGGER' | 'OPERATE')[]): boolean =>
  needed.some((scope) => scopes.includes(scope))

builder.queryField('node', (t) =>
  t.field({
    type: builder.nodeInterfaceRef(),
    nullable: true,
    description: 'Anything by its id; null where it does not exist or is not yours.',
    args: { id: t.arg.id({ required: true, description: 'Opaque.' }) },
    resolve: async (_, args, context) => {
      const decoded = decodeNodeId(args.id)
      const row = decoded && (await LOADERS[decoded.type]?.(decoded.id, context))
      if (!row) return null
      brandWithType(row, decoded.type as never)
      return row
    },
  }),
)
