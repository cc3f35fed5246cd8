import { eraseRecipient } from '../server/operations/erasure.ts'
import { exportRecipient } from '../server/operations/exports.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

const EraseRecipientInput = builder.inputType('EraseRecipientInput', {
  description: 'Whose data is to be erased.',
  fields: (t) => ({ recipientId: t.id({ required: true, description: "By the host's own id." }) }),
})

const EraseRecipientPayload = builder
  .objectRef<{ readonly recipientId: string; readonly count: number }>('EraseRecipientPayload')
  .implement({
    description: 'What was erased.',
    fields: (t) => ({
      recipientId: t.exposeID('recipientId', { description: 'It stays, as the key to explanations.' }),
      erasedNotificationCount: t.exposeInt('count', {
        description: 'How many notifications lost their content; 0 where all was erased before.',
      }),
    }),
  })

builder.mutationField('eraseRecipient', (t) =>
  t.field({
    type: EraseRecipientPayload,
    description:
      "Erase a recipient's personal data everywhere, for good, and cancel what waits for it; the facts of delivery stay, without it [backend].",
    args: { input: t.arg({ type: EraseRecipientInput, required: true, description: 'Who.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      const recipientId = input.recipientId.trim()
      const count = await eraseRecipient(context.app, { tenantId: context.principal.tenantId, recipientId })
      return { recipientId, count }
    },
  }),
)

builder.queryField('exportRecipient', (t) =>
  t.field({
    type: 'JSON',
    description:
      'All that is held about a recipient: details, addresses, settings, subscriptions, and everything it was sent, with what became of it [backend, operator].',
    args: { recipientId: t.arg.id({ required: true, description: "By the host's own id." }) },
    resolve: (_, { recipientId }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      return exportRecipient(context.app, { tenantId: context.principal.tenantId, recipientId: recipientId.trim() })
    },
  }),
)
