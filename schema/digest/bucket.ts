import type { Prisma } from '../../generated/prisma/client.ts'
import { idOfType } from '../../server/core/node-id.ts'
import { CarillonError } from '../../server/errors.ts'
import { flushByHand } from '../../server/operations/digests/flush.ts'
import { checkWords } from '../../server/operations/words.ts'
import { allow } from '../access.ts'
import { builder } from '../builder.ts'
import { BY_ID, type Keyset, newestFirst, pageBy, selectionOfNodes } from '../connection.ts'
import '../delivery.ts'
import { DigestMember, type Member } from './member.ts'
import './rule.ts'

const DigestBucketState = builder.enumType('DigestBucketState', {
  description: 'What became of a bucket.',
  values: {
    OPEN: { value: 'open', description: 'It holds its members; it may be full.' },
    EMITTED: { value: 'emitted', description: 'Closed, and its digest is on its way.' },
    EMPTY: { value: 'empty', description: 'Closed with nothing left to send.' },
  } as const,
})

const DigestMemberConnection = builder.connectionObject(
  { type: DigestMember, name: 'DigestMemberConnection', description: 'Members, a page at a time.' },
  { name: 'DigestMemberEdge', description: 'One of the members of a page.' },
)

/** Members in the order in which they were planned. */
const BY_POSITION: Keyset<Member, number> = {
  keyOf: ({ position }) => position,
  encode: String,
  decode: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : null),
}

export const DigestBucket = builder.prismaNode('DigestBucket', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    rule: t.relation('rule', { description: 'The version of the rule that opened it, and that it keeps.' }),
    recipientId: t.exposeID('recipientId', { description: "Whose it is, by the host's own id." }),
    channel: t.exposeString('channel', { description: 'On which channel.' }),
    groupingValue: t.exposeString('groupingValue', {
      description: 'What all of it has in common: the value that the rule groups by.',
    }),
    windowStartsAt: t.expose('windowStartsAt', { type: 'DateTime', description: 'From when it holds.' }),
    windowEndsAt: t.expose('windowEndsAt', { type: 'DateTime', description: 'When it closes, unless it does sooner.' }),
    memberCount: t.exposeInt('memberCount'),
    state: t.field({
      type: DigestBucketState,
      description: 'What became of it.',
      resolve: ({ state }) => state as 'open' | 'emitted' | 'empty',
    }),
    emittedAt: t.expose('emittedAt', { type: 'DateTime', nullable: true }),
    digestDelivery: t.relation('digestDelivery', {
      nullable: true,
      description: 'The delivery of its digest; null where there is none.',
    }),
    members: t.connection(
      {
        type: DigestMember,
        description: 'What it holds, or held when it closed, in the order in which it was planned.',
        resolve: ({ tenantId, id: bucketId }, args, context) =>
          pageBy(BY_POSITION, args, async ({ after, before, limit, from }) => {
            const rows = await context.prisma.digestMembership.findMany({
              where: {
                tenantId,
                bucketId,
                left: false,
                position: { ...(after !== null && { gt: after }), ...(before !== null && { lt: before }) },
              },
              select: {
                deliveryId: true,
                position: true,
                resolution: true,
                reason: true,
                delivery: { select: { notificationKey: true } },
              },
              orderBy: { position: from === 'start' ? 'asc' : 'desc' },
              take: limit,
            })
            return rows.map(
              ({ deliveryId, position, delivery, resolution, reason }): Member => ({
                id: deliveryId,
                position: Number(position),
                notificationKey: delivery.notificationKey,
                resolution,
                reason,
              }),
            )
          }),
      },
      DigestMemberConnection,
    ),
  }),
})

const DigestBucketConnection = builder.connectionObject(
  { type: DigestBucket, name: 'DigestBucketConnection', description: 'Buckets, a page at a time.' },
  { name: 'DigestBucketEdge', description: 'One of the buckets of a page.' },
)

const DigestBucketFilter = builder.inputType('DigestBucketFilter', {
  description: 'Which buckets: those that fit all that is given.',
  fields: (t) => ({
    recipientId: t.id({ description: "Of this recipient, by the host's own id." }),
    ruleKey: t.string({ description: 'Of any version of this rule.' }),
    state: t.field({ type: DigestBucketState, description: 'In this state.' }),
  }),
})

const whereOf = (filter: typeof DigestBucketFilter.$inferInput | null | undefined): Prisma.DigestBucketWhereInput => ({
  ...(filter?.recipientId != null && { recipientId: filter.recipientId }),
  ...(filter?.ruleKey != null && { ruleKey: filter.ruleKey }),
  ...(filter?.state != null && { state: filter.state }),
})

builder.queryField('digestBuckets', (t) =>
  t.connection(
    {
      type: DigestBucket,
      description: 'What is held for digests, and what was, newest first [operator].',
      args: { filter: t.arg({ type: DigestBucketFilter, description: 'All of them where left out.' }) },
      resolve: (_, args, context, info) => {
        allow(context, 'OPERATE')
        return pageBy(BY_ID, args, (stretch) => {
          const { where, ...order } = newestFirst(stretch)
          return context.prisma.digestBucket.findMany({
            ...selectionOfNodes(context, info),
            where: { ...where, tenantId: context.principal.tenantId, ...whereOf(args.filter) },
            ...order,
          })
        })
      },
    },
    DigestBucketConnection,
  ),
)

const FlushDigestBucketInput = builder.inputType('FlushDigestBucketInput', {
  description: 'Which bucket, and why.',
  fields: (t) => ({
    bucketId: t.id({ required: true, description: "The bucket's id." }),
    reason: t.string({ required: true, description: "The operator's own words: kept." }),
  }),
})

const DigestBucketPayload = builder
  .objectRef<{ readonly tenantId: string; readonly id: string }>('DigestBucketPayload')
  .implement({
    description: 'A bucket after a change.',
    fields: (t) => ({
      bucket: t.prismaField({
        type: DigestBucket,
        description: 'As it is now.',
        resolve: (query, { tenantId, id }, _, { prisma }) =>
          prisma.digestBucket.findUniqueOrThrow({ ...query, where: { tenantId_id: { tenantId, id } } }),
      }),
    }),
  })

builder.mutationField('flushDigestBucket', (t) =>
  t.field({
    type: DigestBucketPayload,
    description: 'Close an open bucket now, and send its digest; one that is closed already stays as it is [operator].',
    args: { input: t.arg({ type: FlushDigestBucketInput, required: true, description: 'Which one, and why.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'OPERATE')
      const { tenantId } = context.principal
      checkWords(input.reason, ['input', 'reason'])
      const id = idOfType('DigestBucket', input.bucketId)
      const exists = id !== null && (await context.prisma.digestBucket.count({ where: { tenantId, id } })) > 0
      if (!exists)
        throw new CarillonError('NOT_FOUND', 'There is no such digest bucket', { path: ['input', 'bucketId'] })
      await flushByHand(context.app, { tenantId, id }, { words: input.reason })
      return { tenantId, id }
    },
  }),
)
