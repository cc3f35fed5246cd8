import type { Preference as StoredPreference } from '../generated/prisma/client.ts'
import type { InboxKey } from '../server/core/cursor.ts'
import {
  type EffectivePreference as Effective,
  effectivePreferences,
  storePreferences,
} from '../server/operations/preferences.ts'
import { subjectOf } from './access.ts'
import { builder } from './builder.ts'
import type { Context } from './context.ts'

/** A stored preference as the planner and the API name it: `null` stands for "any". */
interface Named {
  readonly notificationKey: string | null
  readonly category: string | null
  readonly channel: string | null
  readonly enabled: boolean
  readonly updatedAt: Date
}

const toNamed = (row: StoredPreference): Named => ({
  notificationKey: row.notificationKey || null,
  category: row.category || null,
  channel: row.channel || null,
  enabled: row.enabled,
  updatedAt: row.updatedAt,
})

const Preference = builder.objectRef<Named>('Preference').implement({
  description: 'What a recipient explicitly switched on or off.',
  fields: (t) => ({
    notificationKey: t.exposeString('notificationKey', { nullable: true, description: 'For this notifier.' }),
    category: t.exposeString('category', { nullable: true, description: 'For this category.' }),
    channel: t.exposeString('channel', { nullable: true, description: 'For this channel; any where null.' }),
    enabled: t.exposeBoolean('enabled', { description: 'On or off.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was set.' }),
  }),
})

const EffectivePreference = builder.objectRef<Effective<Named>>('EffectivePreference').implement({
  description: 'What applies now to one notifier on one channel.',
  fields: (t) => ({
    notificationKey: t.exposeString('notificationKey', { description: 'Which notifier.' }),
    category: t.exposeString('category', { nullable: true, description: 'Its category.' }),
    channel: t.exposeString('channel', { description: 'Which channel.' }),
    enabled: t.exposeBoolean('enabled', { description: 'Whether it would be sent, as far as preferences go.' }),
    locked: t.exposeBoolean('locked', { description: 'The notifier is required: it cannot be switched off.' }),
    decidedBy: t.field({
      type: Preference,
      nullable: true,
      description: 'The preference that decided, or null where the default did.',
      resolve: ({ decidedBy }) => decidedBy,
    }),
  }),
})

export interface Center extends InboxKey {
  readonly preferences: readonly Named[]
}

export const PreferenceCenter = builder.objectRef<Center>('PreferenceCenter').implement({
  description: 'What a recipient wants to hear of, and where.',
  fields: (t) => ({
    recipientId: t.exposeID('recipientId', { description: "Whose, by the host's own id." }),
    preferences: t.field({
      type: [Preference],
      description: 'What was explicitly set.',
      resolve: ({ preferences }) => [...preferences],
    }),
    effective: t.field({
      type: [EffectivePreference],
      description: 'For every known notifier and channel: what applies now, and why.',
      resolve: ({ preferences }, _, { app }) => [...effectivePreferences(app, preferences)],
    }),
  }),
})

export const centerOf = async ({ prisma }: Context, recipient: InboxKey): Promise<Center> => {
  const rows = await prisma.preference.findMany({
    where: { tenantId: recipient.tenantId, recipientId: recipient.recipientId },
    orderBy: [{ notificationKey: 'asc' }, { category: 'asc' }, { channel: 'asc' }],
  })
  return { ...recipient, preferences: rows.map(toNamed) }
}

builder.queryField('preferences', (t) =>
  t.field({
    type: PreferenceCenter,
    description: 'What a recipient wants to hear of [recipient; backend, operator with recipientId].',
    args: { recipientId: t.arg.id({ description: "Whose; a recipient token's own where left out." }) },
    resolve: (_, { recipientId }, context) =>
      centerOf(context, subjectOf(context, recipientId, { scopes: ['TRIGGER', 'OPERATE'], path: ['recipientId'] })),
  }),
)

const PreferenceInput = builder.inputType('PreferenceInput', {
  description:
    'Names a notification key, a category, a channel, or a key or category with a channel. The most specific one set decides.',
  fields: (t) => ({
    notificationKey: t.string({ description: 'For this notifier.' }),
    category: t.string({ description: 'For this category.' }),
    channel: t.string({ description: 'For this channel.' }),
    enabled: t.boolean({ description: 'null forgets it.' }),
  }),
})

const SetPreferencesInput = builder.inputType('SetPreferencesInput', {
  description: 'What to switch on or off.',
  fields: (t) => ({
    recipientId: t.id({ description: "Whose; a recipient token's own where left out." }),
    preferences: t.field({ type: [PreferenceInput], required: true, description: 'Those not named stay as they are.' }),
  }),
})

const SetPreferencesPayload = builder.objectRef<{ readonly center: Center }>('SetPreferencesPayload').implement({
  description: 'Preferences after a change.',
  fields: (t) => ({
    preferences: t.field({
      type: PreferenceCenter,
      description: 'All of them, as they are now.',
      resolve: ({ center }) => center,
    }),
  }),
})

builder.mutationField('setPreferences', (t) =>
  t.field({
    type: SetPreferencesPayload,
    description: 'Switch notifications on or off [recipient; backend, operator with recipientId].',
    args: { input: t.arg({ type: SetPreferencesInput, required: true, description: 'What to switch.' }) },
    resolve: async (_, { input }, context) => {
      const recipient = subjectOf(context, input.recipientId, {
        scopes: ['TRIGGER', 'OPERATE'],
        path: ['input', 'recipientId'],
      })
      await storePreferences(context.app, recipient, input.preferences)
      return { center: await centerOf(context, recipient) }
    },
  }),
)
