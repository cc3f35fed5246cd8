import type { Prisma } from '../generated/prisma/client.ts'
import type { DigestGrouping, DigestWindow, DigestRule as Rule } from '../server/core/digest-rule.ts'
import { digestRuleFault } from '../server/core/digest-rule-fault.ts'
import { encodeNodeId, idOfType } from '../server/core/node-id.ts'
import { badInput, CarillonError } from '../server/errors.ts'
import { flushByHand } from '../server/operations/digests/flush.ts'
import { deleteDigestRule, upsertDigestRule } from '../server/operations/digests/rules.ts'
import { checkWords } from '../server/operations/words.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { BY_ID, type Keyset, newestFirst, pageBy, selectionOfNodes } from './connection.ts'
import './delivery.ts'

const DigestGroupBy = builder.enumType('DigestGroupBy', {
  description: 'By what a rule tells its buckets apart.',
  values: {
    NOTIFICATION_KEY: { value: 'notification_key', description: 'One for each notifier.' },
    CATEGORY: { value: 'category', description: 'One for each category; what has none is not held.' },
    DIGEST_KEY: {
      value: 'digest_key',
      description: "One for each of the notifier's own digest keys; what has none is not held.",
    },
  } as const,
})

const DigestWindowKind = builder.enumType('DigestWindowKind', {
  description: 'When a bucket closes.',
  values: {
    FIXED: { value: 'fixed', description: 'Slots of windowMinutes, aligned to the epoch.' },
    BOUNDARY: { value: 'boundary', description: 'Daily at a local time.' },
    SLIDING: {
      value: 'sliding',
      description: 'windowMinutes after the latest item, but no later than maxWindowMinutes after the first.',
    },
  } as const,
})

const DigestBucketState = builder.enumType('DigestBucketState', {
  description: 'What became of a bucket.',
  values: {
    OPEN: { value: 'open', description: 'It holds its members; it may be full.' },
    EMITTED: { value: 'emitted', description: 'Closed, and its digest is on its way.' },
    EMPTY: { value: 'empty', description: 'Closed with nothing left to send.' },
  } as const,
})

export const DigestRule = builder.prismaNode('DigestRule', {
  id: { resolve: ({ id }) => id, description: 'Opaque.' },
  findUnique: (id, { principal: { tenantId } }) => ({ tenantId_id: { tenantId, id } }),
  fields: (t) => ({
    key: t.exposeString('key', {
      description: 'What it is called, and what its digests are: preferences and caps know them by it.',
    }),
    version: t.exposeInt('version'),
    channel: t.exposeString('channel', { description: 'Whose deliveries it holds.' }),
    matchNotificationKey: t.exposeString('matchNotificationKey', {
      nullable: true,
      description: 'Of this notifier alone.',
    }),
    matchCategory: t.exposeString('matchCategory', { nullable: true, description: 'Of this category alone.' }),
    groupBy: t.field({
      type: DigestGroupBy,
      description: 'By what its buckets are told apart.',
      resolve: ({ groupBy }) => groupBy as DigestGrouping,
    }),
    windowKind: t.field({
      type: DigestWindowKind,
      description: 'When they close.',
      resolve: ({ windowKind }) => windowKind as DigestWindow['kind'],
    }),
    windowMinutes: t.exposeInt('windowMinutes', { nullable: true, description: 'For FIXED and SLIDING.' }),
    maxWindowMinutes: t.exposeInt('maxWindowMinutes', { nullable: true, description: 'For SLIDING.' }),
    boundaryTime: t.exposeString('boundaryTime', { nullable: true }),
    boundaryTimeZone: t.exposeString('boundaryTimeZone', { nullable: true }),
    maxItems: t.exposeInt('maxItems', { nullable: true }),
    excludeRead: t.exposeBoolean('excludeRead'),
  }),
})

interface Member {
  readonly id: string
  readonly position: number
  readonly notificationKey: string
  readonly resolution: string | null
  readonly reason: string | null
}

export const DigestMember = builder.objectRef<Omit<Member, 'position'>>('DigestMember').implement({
  description: 'A delivery that is, or was, held in a bucket.',
  fields: (t) => ({
    deliveryId: t.id({ description: 'Which delivery.', resolve: ({ id }) => encodeNodeId('Delivery', id) }),
    notificationKey: t.exposeString('notificationKey', { description: 'Of which notifier.' }),
    resolution: t.exposeString('resolution', {
      nullable: true,
      description: 'included, skipped or emitted_immediately; null while it is held.',
    }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why it was left out.' }),
  }),
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

builder.queryFields((t) => ({
  digestRules: t.prismaField({
    type: [DigestRule],
    description:
      'The rules that decide, or that newer versions have followed, by key and version; without those deleted [operator].',
    args: {
      key: t.arg.string({ description: 'All versions of this one.' }),
      channel: t.arg.string({ description: 'Those of this channel.' }),
    },
    resolve: (query, _, { key, channel }, context) => {
      allow(context, 'OPERATE')
      return context.prisma.digestRule.findMany({
        ...query,
        where: {
          tenantId: context.principal.tenantId,
          deletedAt: null,
          ...(key != null && { key }),
          ...(channel != null && { channel }),
        },
        orderBy: [{ key: 'asc' }, { version: 'asc' }],
      })
    },
  }),
  digestBuckets: t.connection(
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
}))

const DigestRuleInput = builder.inputType('DigestRuleInput', {
  description: 'One version of a rule: which deliveries that ask for a digest it holds, and for how long.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'What it is called.' }),
    version: t.int({
      required: true,
      description: 'A new version decides for buckets opened from now on; open buckets keep theirs.',
    }),
    channel: t.string({ required: true, description: 'Whose deliveries it holds.' }),
    matchNotificationKey: t.string({ description: 'Of this notifier alone.' }),
    matchCategory: t.string({ description: 'Of this category alone.' }),
    groupBy: t.field({ type: DigestGroupBy, required: true, description: 'By what its buckets are told apart.' }),
    windowKind: t.field({ type: DigestWindowKind, required: true, description: 'When they close.' }),
    windowMinutes: t.int({ description: 'For FIXED and SLIDING: 1 to 525600.' }),
    maxWindowMinutes: t.int({ description: 'For SLIDING: at least windowMinutes.' }),
    boundaryTime: t.string({ description: 'For BOUNDARY: a local time, HH:MM.' }),
    boundaryTimeZone: t.string({ description: "For BOUNDARY: an IANA zone; the recipient's own where null." }),
    maxItems: t.int({ description: 'Close a bucket as soon as it holds this many: 1 to 10000.' }),
    excludeRead: t.boolean({ description: 'Leave out what was read before the digest closed; false by default.' }),
  }),
})
type RuleInput = typeof DigestRuleInput.$inferInput

const INPUT_NAMES = {
  minutes: 'windowMinutes',
  maxMinutes: 'maxWindowMinutes',
  time: 'boundaryTime',
  timeZone: 'boundaryTimeZone',
} as const

const OF_KIND = {
  fixed: ['windowMinutes'],
  sliding: ['windowMinutes', 'maxWindowMinutes'],
  boundary: ['boundaryTime', 'boundaryTimeZone'],
} as const

/** The window that an input describes; a field of another kind's is refused, and not ignored. */
const windowOf = (input: RuleInput): DigestWindow => {
  const own: readonly string[] = OF_KIND[input.windowKind]
  for (const field of Object.values(INPUT_NAMES)) {
    if (input[field] != null && !own.includes(field)) {
      throw badInput(`${field} does not go with windowKind ${input.windowKind.toUpperCase()}`, ['input', field])
    }
  }
  const needed = own.find((field) => field !== 'boundaryTimeZone' && input[field as keyof RuleInput] == null)
  if (needed) throw badInput(`${needed} is missing`, ['input', needed])
  const minutes = input.windowMinutes ?? 0
  switch (input.windowKind) {
    case 'fixed':
      return { kind: 'fixed', minutes }
    case 'sliding':
      return { kind: 'sliding', minutes, maxMinutes: input.maxWindowMinutes ?? 0 }
    case 'boundary':
      return { kind: 'boundary', time: input.boundaryTime ?? '', timeZone: input.boundaryTimeZone ?? null }
  }
}

const toRule = (input: RuleInput): Rule => ({
  key: input.key,
  version: input.version,
  channel: input.channel,
  matchNotificationKey: input.matchNotificationKey ?? null,
  matchCategory: input.matchCategory ?? null,
  groupBy: input.groupBy,
  window: windowOf(input),
  maxItems: input.maxItems ?? null,
  excludeRead: input.excludeRead ?? false,
})

const DeleteDigestRuleInput = builder.inputType('DeleteDigestRuleInput', {
  description: 'Which version of which rule.',
  fields: (t) => ({
    key: t.string({ required: true, description: 'The rule.' }),
    version: t.int({ required: true, description: 'The version; an older one that was not deleted decides again.' }),
  }),
})

const DigestRulePayload = builder
  .objectRef<{ readonly tenantId: string; readonly id: string }>('DigestRulePayload')
  .implement({
    description: 'A rule after a change.',
    fields: (t) => ({
      digestRule: t.prismaField({
        type: DigestRule,
        description: 'The version concerned.',
        resolve: (query, { tenantId, id }, _, { prisma }) =>
          prisma.digestRule.findUniqueOrThrow({ ...query, where: { tenantId_id: { tenantId, id } } }),
      }),
    }),
  })

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

builder.mutationFields((t) => ({
  upsertDigestRule: t.field({
    type: DigestRulePayload,
    description:
      'Store a version of a rule, or bring it back; the same version with other fields is INVALID_STATE [operator].',
    args: { input: t.arg({ type: DigestRuleInput, required: true, description: 'All of it.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'OPERATE')
      const { tenantId } = context.principal
      const rule = toRule(input)
      const fault = digestRuleFault(rule, ['input'], (field) => ['input', INPUT_NAMES[field]])
      if (fault) throw badInput(`${fault.path.slice(1).join('.')} ${fault.message}`, fault.path)
      return { tenantId, id: await upsertDigestRule(context.app, tenantId, rule) }
    },
  }),
  deleteDigestRule: t.field({
    type: DigestRulePayload,
    description: 'Delete a version of a rule. Open buckets keep it [operator].',
    args: { input: t.arg({ type: DeleteDigestRuleInput, required: true, description: 'Which one.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'OPERATE')
      const { tenantId } = context.principal
      return { tenantId, id: await deleteDigestRule(context.app, { tenantId, ...input }) }
    },
  }),
  flushDigestBucket: t.field({
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
}))
