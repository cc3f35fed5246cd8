import type { DeliveryCap as Cap } from '../server/core/delivery-cap.ts'
import type { PolicySettings as Settings } from '../server/core/policy.ts'
import { type QuietHours as Hours, WEEKDAYS } from '../server/core/quiet-hours.ts'
import { policyOf, storePolicy } from '../server/operations/policy-settings.ts'
import { subjectOf } from './access.ts'
import { builder } from './builder.ts'
import { type Center, centerOf, PreferenceCenter } from './preference.ts'

const Weekday = builder.enumType('Weekday', {
  description: 'A day of the week.',
  values: Object.fromEntries(WEEKDAYS.map((day) => [day.toUpperCase(), { value: day }])) as {
    readonly [Day in (typeof WEEKDAYS)[number] as Uppercase<Day>]: { readonly value: Day }
  },
})

const QuietHours = builder.objectRef<Hours>('QuietHours').implement({
  description: 'A stretch of the day in which nothing is sent; what comes up in it waits for its end.',
  fields: (t) => ({
    start: t.exposeString('start', { description: 'Local wall-clock, HH:MM.' }),
    end: t.exposeString('end', {
      description: 'Local wall-clock, HH:MM, no longer quiet itself; at or before start it is on the next day.',
    }),
    days: t.field({
      type: [Weekday],
      description: 'The days on which it starts; all where empty.',
      resolve: ({ days }) => [...days],
    }),
    channels: t.stringList({
      description: 'All but in_app where empty.',
      resolve: ({ channels }) => [...channels],
    }),
  }),
})

const DeliveryCap = builder.objectRef<Cap>('DeliveryCap').implement({
  description: 'How much is sent at most; what comes beyond it is suppressed.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'So many deliveries.' }),
    windowMinutes: t.exposeInt('windowMinutes', { description: 'Within as many minutes back.' }),
    channel: t.exposeString('channel', {
      nullable: true,
      description: 'On this channel; on all but in_app where null.',
    }),
    category: t.exposeString('category', { nullable: true, description: 'In this category; in any where null.' }),
  }),
})

const PolicySettings = builder.objectRef<Settings>('PolicySettings').implement({
  description: 'When a recipient may be told, and how often.',
  fields: (t) => ({
    timeZone: t.exposeString('timeZone', {
      nullable: true,
      description: "IANA name of the zone of the quiet hours; the recipient's own, else the server's, where null.",
    }),
    quietHours: t.field({
      type: [QuietHours],
      description: 'When nothing is sent.',
      resolve: ({ quietHours }) => [...quietHours],
    }),
    caps: t.field({
      type: [DeliveryCap],
      description: 'How much is sent at most; each of them holds.',
      resolve: ({ caps }) => [...caps],
    }),
  }),
})

builder.objectField(PreferenceCenter, 'policy', (t) =>
  t.field({
    type: PolicySettings,
    description: 'When, and how often.',
    resolve: (recipient, _, { app }) => policyOf(app, recipient),
  }),
)

const QuietHoursInput = builder.inputType('QuietHoursInput', {
  description: 'A stretch of the day in which nothing is to be sent.',
  fields: (t) => ({
    start: t.string({ required: true, description: 'Local wall-clock, HH:MM.' }),
    end: t.string({
      required: true,
      description: 'Local wall-clock, HH:MM, no longer quiet itself; at or before start it is on the next day.',
    }),
    days: t.field({ type: [Weekday], description: 'The days on which it starts; all where left out.' }),
    channels: t.stringList({ description: 'All but in_app where left out.' }),
  }),
})

const DeliveryCapInput = builder.inputType('DeliveryCapInput', {
  description: 'How much is to be sent at most.',
  fields: (t) => ({
    limit: t.int({ required: true, description: 'So many deliveries, 1 to 1000.' }),
    windowMinutes: t.int({ required: true, description: 'Within as many minutes back, 1 to 525600 (a year).' }),
    channel: t.string({ description: 'On this channel; on all but in_app where left out.' }),
    category: t.string({ description: 'In this category; in any where left out.' }),
  }),
})

const SetPolicySettingsInput = builder.inputType('SetPolicySettingsInput', {
  description: 'When a recipient may be told, and how often. Left out: unchanged. null: forgotten.',
  fields: (t) => ({
    recipientId: t.id({ description: "Whose; a recipient token's own where left out." }),
    timeZone: t.string({ description: 'An IANA zone name.' }),
    quietHours: t.field({
      type: [QuietHoursInput],
      description: 'All of them, at most 50; some time of the week stays free.',
    }),
    caps: t.field({ type: [DeliveryCapInput], description: 'All of them, at most 20.' }),
  }),
})

const SetPolicySettingsPayload = builder.objectRef<{ readonly center: Center }>('SetPolicySettingsPayload').implement({
  description: 'Policy settings after a change.',
  fields: (t) => ({
    preferences: t.field({
      type: PreferenceCenter,
      description: 'All that the recipient wants, as it is now.',
      resolve: ({ center }) => center,
    }),
  }),
})

builder.mutationField('setPolicySettings', (t) =>
  t.field({
    type: SetPolicySettingsPayload,
    description: 'Say when a recipient may be told, and how often [recipient; backend, operator with recipientId].',
    args: { input: t.arg({ type: SetPolicySettingsInput, required: true, description: 'What to set.' }) },
    resolve: async (_, { input }, context) => {
      const { recipientId, ...settings } = input
      const recipient = subjectOf(context, recipientId, {
        scopes: ['TRIGGER', 'OPERATE'],
        path: ['input', 'recipientId'],
      })
      await storePolicy(context.app, recipient, settings)
      return { center: await centerOf(context, recipient) }
    },
  }),
)
