import { type KnownNotifier, knownNotifier, knownNotifiers } from '../server/operations/notifiers.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

const Notifier = builder.objectRef<KnownNotifier>('Notifier').implement({
  description: "One kind of notification, as the host's code defines it.",
  fields: (t) => ({
    key: t.exposeString('key', { description: 'What triggers name it by.' }),
    version: t.exposeInt('version', { description: 'Of its code.' }),
    category: t.exposeString('category', { nullable: true, description: 'What recipients can switch off as one.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
    channels: t.stringList({
      description: 'Those that it may be sent on, in order of name.',
      resolve: ({ channels }) => [...channels],
    }),
    required: t.exposeBoolean('required', { description: 'Cannot be switched off by a recipient.' }),
    urgent: t.exposeBoolean('urgent', { description: 'Ignores quiet hours.' }),
    payloadSchema: t.field({
      type: 'JSON',
      description: 'JSON Schema of the payload, as a trigger has to give it.',
      resolve: ({ payloadSchema }) => payloadSchema(),
    }),
    examplePayload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'Made of that schema: its required fields, with plausible values. What its code checks beyond may refuse it.',
      resolve: ({ examplePayload }) => examplePayload(),
    }),
  }),
})

builder.queryFields((t) => ({
  notifiers: t.field({
    type: [Notifier],
    description:
      'The notifiers this server knows, in order of key, with their payload as JSON Schema [backend, operator].',
    resolve: (_, _args, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      return [...knownNotifiers(context.app)]
    },
  }),
  notifier: t.field({
    type: Notifier,
    nullable: true,
    description: 'The notifier with this key [backend, operator].',
    args: { key: t.arg.string({ required: true, description: "The notifier's key." }) },
    resolve: (_, { key }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      return knownNotifier(context.app, key)
    },
  }),
}))
