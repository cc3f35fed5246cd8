import type { OutcomeCount as Count } from '../server/core/outcome.ts'
import { readOutcomes } from '../server/operations/outcomes.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

export const DeliveryOutcome = builder.enumType('DeliveryOutcome', {
  description: 'What deliveries are counted by.',
  values: {
    PENDING: { value: 'pending', description: 'To be sent now, or being handed to the provider.' },
    SENT: { value: 'sent', description: 'The provider took it, or it is in the inbox.' },
    SUPPRESSED: { value: 'suppressed', description: 'A rule said that it must not be sent.' },
    DELAYED: { value: 'delayed', description: 'Deferred, or held for a digest.' },
    DIGESTED: { value: 'digested', description: 'Sent as part of a digest.' },
    FAILED: { value: 'failed', description: 'Failed for now; another try is due.' },
    EXHAUSTED: { value: 'exhausted', description: 'Given up: all tries were used up.' },
    CANCELLED: { value: 'cancelled', description: 'Given up or stopped for another reason.' },
  } as const,
})

const OutcomeCount = builder.objectRef<Count>('OutcomeCount').implement({
  description: 'How many deliveries of a notification and a channel have one outcome; at least one.',
  fields: (t) => ({
    notificationKey: t.exposeString('notificationKey', { description: 'Of this notifier.' }),
    channel: t.exposeString('channel', { description: 'On this channel.' }),
    outcome: t.field({
      type: DeliveryOutcome,
      description: 'What became of them.',
      resolve: ({ outcome }) => outcome,
    }),
    count: t.exposeInt('count', { description: 'How many they are.' }),
  }),
})

const OutcomeFilter = builder.inputType('OutcomeFilter', {
  description: 'Which deliveries are counted: those that fit all that is given.',
  fields: (t) => ({
    notificationKey: t.string({ description: 'Of this notifier.' }),
    channel: t.string({ description: 'On this channel.' }),
    insertedAfter: t.field({
      type: 'DateTime',
      description: 'Planned at this instant or later; of what was pruned, on a day (UTC) that begins then or later.',
    }),
    insertedBefore: t.field({
      type: 'DateTime',
      description: 'Planned before this instant; of what was pruned, on a day (UTC) that begins before it.',
    }),
  }),
})

builder.queryField('outcomes', (t) =>
  t.field({
    type: [OutcomeCount],
    description: 'Counts by notification key, channel and outcome, in that order [operator].',
    args: { filter: t.arg({ type: OutcomeFilter, description: 'All deliveries where left out.' }) },
    resolve: async (_, { filter }, context) => {
      allow(context, 'OPERATE')
      const counts = await readOutcomes(context.app, {
        tenantId: context.principal.tenantId,
        notificationKey: filter?.notificationKey ?? null,
        channel: filter?.channel ?? null,
        insertedAfter: filter?.insertedAfter ?? null,
        insertedBefore: filter?.insertedBefore ?? null,
      })
      return [...counts]
    },
  }),
)
