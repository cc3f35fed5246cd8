import type { GraphQLResolveInfo } from 'graphql'
import { subscribeToTopic, unsubscribeFromTopic } from '../server/operations/topics.ts'
import { allow, isRecipient } from './access.ts'
import { builder } from './builder.ts'
import { pageBy } from './connection.ts'
import type { Context } from './context.ts'
import { BY_RECIPIENT_ID, Recipient, RecipientConnection, readSubscribers } from './recipient.ts'

/** Like every list that is not paged. */
const MAX_TOPICS = 100

export const Topic = builder.prismaNode('Topic', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    key: t.exposeString('key'),
    subscriberCount: t.exposeInt('subscriberCount'),
    subscribers: t.connection(
      {
        type: Recipient,
        description: 'Who is subscribed, in order of their ids.',
        resolve: ({ id: topicId }, args, context: Context, info: GraphQLResolveInfo) =>
          pageBy(BY_RECIPIENT_ID, args, (stretch) => readSubscribers(context, info, { topicId, stretch })),
      },
      RecipientConnection,
    ),
  }),
})

// Behind a topic stand other recipients: for a recipient's own token nothing is read.
builder.prismaObjectField(Recipient, 'topics', (t) =>
  t.field({
    type: [Topic],
    description: 'What it is subscribed to, the newest subscription first, at most 100. Empty for a recipient token.',
    select: (_, context, nested) => ({
      subscriptions: {
        select: { topic: nested() },
        orderBy: [{ insertedAt: 'desc' }, { topicId: 'desc' }],
        take: isRecipient(context) ? 0 : MAX_TOPICS,
      },
    }),
    resolve: ({ subscriptions }) => subscriptions.map(({ topic }) => topic),
  }),
)

builder.queryField('topic', (t) =>
  t.prismaField({
    type: Topic,
    nullable: true,
    description: 'A topic, and who is subscribed to it [backend, operator].',
    args: { key: t.arg.string({ required: true, description: 'As it was given to subscribeToTopic.' }) },
    resolve: (query, _, { key }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const { tenantId } = context.principal
      return context.prisma.topic.findUnique({ ...query, where: { tenantId_key: { tenantId, key } } })
    },
  }),
)

const TopicSubscriptionInput = builder.inputType('TopicSubscriptionInput', {
  description: 'Recipients and a topic.',
  fields: (t) => ({
    topicKey: t.string({ required: true, description: "The topic, by the host's own key." }),
    recipientIds: t.idList({ required: true, description: "At most 1000 a call, by the host's own ids." }),
  }),
})

const TopicSubscriptionPayload = builder.objectRef<{ readonly topicId: string }>('TopicSubscriptionPayload').implement({
  description: 'A topic after its subscribers changed.',
  fields: (t) => ({
    topic: t.prismaField({
      type: Topic,
      description: 'The topic as it is now.',
      resolve: (query, { topicId: id }, _, { prisma, principal: { tenantId } }) =>
        prisma.topic.findUniqueOrThrow({ ...query, where: { tenantId_id: { tenantId, id } } }),
    }),
  }),
})

builder.mutationFields((t) => ({
  subscribeToTopic: t.field({
    type: TopicSubscriptionPayload,
    description: 'Subscribe recipients to a topic; makes both where they are missing [backend].',
    args: { input: t.arg({ type: TopicSubscriptionInput, required: true, description: 'Who, and to what.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      return { topicId: await subscribeToTopic(context.app, { tenantId: context.principal.tenantId, ...input }) }
    },
  }),
  unsubscribeFromTopic: t.field({
    type: TopicSubscriptionPayload,
    description: "End recipients' subscriptions to a topic [backend].",
    args: { input: t.arg({ type: TopicSubscriptionInput, required: true, description: 'Who, and of what.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER')
      return { topicId: await unsubscribeFromTopic(context.app, { tenantId: context.principal.tenantId, ...input }) }
    },
  }),
}))
