import type { GraphQLResolveInfo } from 'graphql'
import type { RecipientAddress as StoredAddress } from '../generated/prisma/client.ts'
import { maskAddress } from '../server/core/mask.ts'
import { encodeNodeId } from '../server/core/node-id.ts'
import {
  MAX_ADDRESSES,
  type OwnChannel,
  ownAddressId,
  type Recipient as RecipientDetails,
} from '../server/core/recipient.ts'
import { upsertRecipients } from '../server/operations/recipients.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { type Keyset, pageBy, type Stretch, selectionOfNodes } from './connection.ts'
import type { Context } from './context.ts'

/** Addresses are shown whole to whoever may have given them: the recipient, and backends. */
const shown = (address: string | null, { principal }: Context): string | null =>
  address === null || principal.recipientId !== null || principal.scopes.includes('TRIGGER')
    ? address
    : maskAddress(address)

type ShownAddress = Pick<StoredAddress, 'id' | 'channel' | 'address' | 'bouncedAt'>

const RecipientAddress = builder.objectRef<ShownAddress>('RecipientAddress').implement({
  description: 'Where a recipient can be reached.',
  fields: (t) => ({
    id: t.id({
      description:
        "Opaque, and always the same. That of a recipient's own e-mail address or phone number stays when that changes.",
      resolve: ({ id }) => encodeNodeId('RecipientAddress', id),
    }),
    channel: t.exposeString('channel', { description: 'The channel that it is for.' }),
    address: t.string({
      description: 'Masked for everyone but the recipient and keys with scope TRIGGER.',
      resolve: ({ address }, _, context) => shown(address, context) ?? '',
    }),
    bouncedAt: t.expose('bouncedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a provider said that it bounced or complained: nothing is sent to it until it is given anew.',
    }),
  }),
})

export const Recipient = builder.prismaNode('Recipient', {
  id: { resolve: ({ recipientId }) => recipientId, description: 'Opaque.' },
  findUnique: (recipientId, { principal: { tenantId } }) => ({ tenantId_recipientId: { tenantId, recipientId } }),
  fields: (t) => ({
    recipientId: t.exposeID('recipientId'),
    type: t.exposeString('type'),
    displayName: t.exposeString('displayName', { nullable: true }),
    email: t.string({
      nullable: true,
      description: 'Masked like addresses.',
      resolve: ({ email }, _, context) => shown(email, context),
    }),
    phone: t.string({
      nullable: true,
      description: 'Masked like addresses.',
      resolve: ({ phone }, _, context) => shown(phone, context),
    }),
    timeZone: t.exposeString('timeZone', { nullable: true }),
    locale: t.exposeString('locale', { nullable: true }),
    data: t.expose('data', { type: 'JSON' }),
    addresses: t.field({
      type: [RecipientAddress],
      description: 'Where it can be reached, its e-mail address and phone number first: at most 100, the newest kept.',
      select: { addresses: { orderBy: { id: 'desc' }, take: MAX_ADDRESSES } },
      resolve: ({ tenantId, recipientId, email, phone, emailBouncedAt, phoneBouncedAt, addresses }) => {
        const own = (channel: OwnChannel, address: string | null, bouncedAt: Date | null): readonly ShownAddress[] =>
          address === null
            ? []
            : [{ id: ownAddressId({ tenantId, recipientId }, channel), channel, address, bouncedAt }]
        const owned = [...own('email', email, emailBouncedAt), ...own('sms', phone, phoneBouncedAt)]
        return [...owned, ...addresses.slice(0, MAX_ADDRESSES - owned.length).reverse()]
      },
    }),
  }),
})

const RecipientAddressInput = builder.inputType('RecipientAddressInput', {
  description: 'A further address.',
  fields: (t) => ({
    channel: t.string({ required: true, description: 'The channel that it is for.' }),
    address: t.string({ required: true, description: "For push: the browser's PushSubscription as JSON." }),
  }),
})

export const RecipientInput = builder.inputType('RecipientInput', {
  description: 'A recipient with details. Left out: unchanged. null: removed.',
  fields: (t) => ({
    id: t.id({ required: true, description: "The caller's own id for this person or system." }),
    type: t.string({ description: 'Left out: unchanged, `user` where never given.' }),
    displayName: t.string({ description: 'What people call it.' }),
    email: t.string({ description: 'Its e-mail address.' }),
    phone: t.string({ description: 'Its phone number.' }),
    timeZone: t.string({ description: 'An IANA zone name.' }),
    locale: t.string({ description: 'A BCP 47 tag.' }),
    data: t.field({ type: 'JSON', description: "The host's own details, given to renders." }),
    addresses: t.field({
      type: [RecipientAddressInput],
      description:
        'Added to those it has, of which there are at most 100 then, email and phone among them: more are refused with all that was asked for. A channel may have several, such as a push subscription per device. In upsertRecipients one that bounced is good again; with a trigger it stays as it is, for a backend repeats these with every trigger.',
    }),
  }),
})

/** A recipient as the API gives it, as the operations take it: what was not given stays absent. */
export const toRecipientDetails = (input: typeof RecipientInput.$inferInput): RecipientDetails => {
  const { type, addresses, ...details } = input
  const given = Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined))
  return { ...given, id: input.id, ...(type != null && { type }), ...(addresses && { addresses }) }
}

const RecipientFilter = builder.inputType('RecipientFilter', {
  description: 'Which recipients.',
  fields: (t) => ({
    recipientId: t.string({ description: 'Begins with.' }),
    topicKey: t.string({ description: 'Subscribed to this topic.' }),
  }),
})

export const RecipientConnection = builder.connectionObject(
  { type: Recipient, name: 'RecipientConnection', description: 'Recipients, a page at a time.' },
  { name: 'RecipientEdge', description: 'One of the recipients of a page.' },
)

export const BY_RECIPIENT_ID: Keyset<{ readonly recipientId: string }, string> = {
  keyOf: ({ recipientId }) => recipientId,
  encode: (id) => `r:${id}`,
  decode: (text) => (text.startsWith('r:') ? text.slice(2) : null),
}

/** The ids of a stretch that begin with what was asked for. */
const idsIn = ({ after, before }: Stretch<string>, beginning: string | null | undefined) => ({
  ...(after !== null && { gt: after }),
  ...(before !== null && { lt: before }),
  // Prisma leaves what means something to LIKE as it is.
  ...(beginning && { startsWith: beginning.replace(/[\\%_]/g, '\\$&') }),
})

const inOrder = ({ from, limit }: Stretch<string>) => ({
  orderBy: { recipientId: from === 'start' ? ('asc' as const) : ('desc' as const) },
  take: limit,
})

/** Reads a stretch of a topic's subscribers, by the key of the subscriptions: as fast for a small topic among many recipients as for a large one. */
export const readSubscribers = async (
  context: Context,
  info: GraphQLResolveInfo,
  wanted: {
    readonly topicId: string
    readonly stretch: Stretch<string>
    readonly beginning?: string | null | undefined
  },
) => {
  const { topicId, stretch, beginning } = wanted
  const { tenantId } = context.principal
  const rows = await context.prisma.topicSubscription.findMany({
    where: { tenantId, topicId, recipientId: idsIn(stretch, beginning) },
    select: { recipient: { ...selectionOfNodes(context, info) } },
    ...inOrder(stretch),
  })
  return rows.map(({ recipient }) => recipient)
}

builder.queryFields((t) => ({
  recipient: t.prismaField({
    type: Recipient,
    nullable: true,
    description: 'What is known of a recipient [backend, operator].',
    args: { recipientId: t.arg.id({ required: true, description: "The host's own id." }) },
    resolve: (query, _, { recipientId }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const { tenantId } = context.principal
      return context.prisma.recipient.findUnique({
        ...query,
        where: { tenantId_recipientId: { tenantId, recipientId } },
      })
    },
  }),
  recipients: t.connection(
    {
      type: Recipient,
      description: 'Recipients in order of their ids [backend, operator].',
      args: { filter: t.arg({ type: RecipientFilter, description: 'All of them where left out.' }) },
      resolve: async (_, args, context, info) => {
        allow(context, 'TRIGGER', 'OPERATE')
        const { tenantId } = context.principal
        const { recipientId: beginning, topicKey } = args.filter ?? {}
        const topic =
          topicKey == null
            ? undefined
            : await context.prisma.topic.findUnique({ where: { tenantId_key: { tenantId, key: topicKey } } })
        return pageBy(BY_RECIPIENT_ID, args, async (stretch) => {
          if (topic === null) return []
          if (topic) return readSubscribers(context, info, { topicId: topic.id, stretch, beginning })
          return context.prisma.recipient.findMany({
            ...selectionOfNodes(context, info),
            where: { tenantId, recipientId: idsIn(stretch, beginning) },
            ...inOrder(stretch),
          })
        })
      },
    },
    RecipientConnection,
  ),
}))

const UpsertRecipientsInput = builder.inputType('UpsertRecipientsInput', {
  description: 'Recipients to create or update.',
  fields: (t) => ({
    recipients: t.field({ type: [RecipientInput], required: true, description: 'At most 1000, each once.' }),
  }),
})

const UpsertRecipientsPayload = builder
  .objectRef<{ readonly ids: readonly string[] }>('UpsertRecipientsPayload')
  .implement({
    description: 'The recipients as they are now.',
    fields: (t) => ({
      recipients: t.prismaField({
        type: [Recipient],
        description: 'In the order given.',
        resolve: async (query, { ids }, _, { prisma, principal: { tenantId } }) => {
          const rows = await prisma.recipient.findMany({ ...query, where: { tenantId, recipientId: { in: [...ids] } } })
          const byId = new Map(rows.map((row) => [row.recipientId, row]))
          return ids.flatMap((id) => byId.get(id) ?? [])
        },
      }),
    }),
  })

builder.mutationField('upsertRecipients', (t) =>
  t.field({
    type: UpsertRecipientsPayload,
    description: 'Create or update recipients [backend].',
    args: { input: t.arg({ type: UpsertRecipientsInput, required: true, description: 'Who.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      const recipients = input.recipients.map(toRecipientDetails)
      return { ids: await upsertRecipients(context.app, { tenantId: context.principal.tenantId, recipients }) }
    },
  }),
)
