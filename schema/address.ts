import type { InboxKey } from '../server/core/cursor.ts'
import { registerAddress, removeAddress } from '../server/operations/addresses.ts'
import { subjectOf } from './access.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'
import { Recipient } from './recipient.ts'

const AddressInput = builder.inputType('AddressInput', {
  description: 'An address by what it is, or, as an operator who sees it masked, by its id: exactly one of the two.',
  fields: (t) => ({
    recipientId: t.id({ description: "Whose; a recipient token's own where left out." }),
    channel: t.string({ description: 'The channel that `address` is for: email, sms, push, or one of your own.' }),
    address: t.string({
      description: "The address itself. For push: the browser's PushSubscription as JSON, with an https endpoint.",
    }),
    addressId: t.id({ description: 'As `Recipient.addresses` gives it.' }),
  }),
})

const RecipientPayload = builder.objectRef<InboxKey>('RecipientPayload').implement({
  description: 'A recipient after a change.',
  fields: (t) => ({
    recipient: t.prismaField({
      type: Recipient,
      description: 'The recipient as it is now.',
      resolve: (query, { tenantId, recipientId }, _, { prisma }) =>
        prisma.recipient.findUniqueOrThrow({ ...query, where: { tenantId_recipientId: { tenantId, recipientId } } }),
    }),
  }),
})

const ownerOf = (context: Context, recipientId: string | null | undefined): InboxKey =>
  subjectOf(context, recipientId, { scopes: ['TRIGGER', 'OPERATE'], path: ['input', 'recipientId'] })

builder.mutationFields((t) => ({
  registerAddress: t.field({
    type: RecipientPayload,
    description:
      "Add an address, such as this browser's push subscription. A bounced one that is registered again is good again: so an operator clears a bounce, by `addressId`. An address that equals the recipient's own e-mail address or phone number is that one. At most 100 a recipient [recipient; backend, operator with recipientId].",
    args: { input: t.arg({ type: AddressInput, required: true, description: 'Which address.' }) },
    resolve: async (_, { input }, context) => {
      const recipient = ownerOf(context, input.recipientId)
      await registerAddress(context.app, recipient, input)
      return recipient
    },
  }),
  removeAddress: t.field({
    type: RecipientPayload,
    description:
      "Take an address away; one that the recipient does not have changes nothing. The recipient's own e-mail address and phone number become null [recipient; backend, operator with recipientId].",
    args: { input: t.arg({ type: AddressInput, required: true, description: 'Which address.' }) },
    resolve: async (_, { input }, context) => {
      const recipient = ownerOf(context, input.recipientId)
      await removeAddress(context.app, recipient, input)
      return recipient
    },
  }),
}))
