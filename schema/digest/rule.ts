import type { DigestGrouping, DigestWindow, DigestRule as Rule } from '../../server/core/digest-rule.ts'
import { digestRuleFault } from '../../server/core/digest-rule-fault.ts'
import { badInput } from '../../server/errors.ts'
import { deleteDigestRule, upsertDigestRule } from '../../server/operations/digests/rules.ts'
import { allow } from '../access.ts'
import { builder } from '../builder.ts'

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

builder.queryField('digestRules', (t) =>
  t.prismaField({
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
)

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
}))
