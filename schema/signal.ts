import { idOfType } from '../server/core/node-id.ts'
import { signal } from '../server/operations/signals.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

export const Signal = builder.prismaNode('Signal', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    name: t.exposeString('name'),
    recipientId: t.exposeID('recipientId'),
    insertedAt: t.expose('insertedAt', { type: 'DateTime' }),
  }),
})

const SignalInput = builder.inputType('SignalInput', {
  description: 'Something that happened, and whom it concerns.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'As workflows wait for it. Names that begin with `notification.` or `delivery.` are refused.',
    }),
    recipientId: t.id({ required: true, description: "Whom it concerns, by the host's own id." }),
    notificationId: t.id({
      description: "Only the run of this notification; every run of the recipient's where left out.",
    }),
    payload: t.field({ type: 'JSON', description: 'Kept with the signal; no run reads it.' }),
    idempotencyKey: t.string({
      description:
        'Unique per tenant. The same key with the same signal answers the first one; with another it is IDEMPOTENCY_CONFLICT.',
    }),
  }),
})

const SignalPayload = builder
  .objectRef<{ readonly id: string; readonly deduplicated: boolean }>('SignalPayload')
  .implement({
    description: 'An accepted signal: the runs that waited for it have moved on.',
    fields: (t) => ({
      signal: t.prismaField({
        type: Signal,
        description: 'What was recorded.',
        resolve: (query, { id }, _, { prisma, principal: { tenantId } }) =>
          prisma.signal.findUniqueOrThrow({ ...query, where: { tenantId_id: { tenantId, id } } }),
      }),
      deduplicated: t.exposeBoolean('deduplicated', {
        description: 'True where the idempotency key had been used for this same signal before.',
      }),
    }),
  })

builder.mutationField('signal', (t) =>
  t.field({
    type: SignalPayload,
    description:
      'Tell workflows that something happened: runs that wait for it move on at once, and those under way count it when they come to wait for it [backend].',
    args: { input: t.arg({ type: SignalInput, required: true, description: 'What happened.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      const { notificationId, idempotencyKey, ...rest } = input
      const accepted = await signal(context.app, {
        tenantId: context.principal.tenantId,
        request: {
          ...rest,
          ...(notificationId != null && { notificationId: idOfType('Notification', notificationId) }),
          idempotencyKey: idempotencyKey ?? null,
        },
      })
      return { id: accepted.signal.id, deduplicated: accepted.deduplicated }
    },
  }),
)
