import type { OutcomePeriod as Period } from '../server/core/outcome.ts'
import { readOutcomeHistory } from '../server/operations/outcome-history.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { DeliveryOutcome } from './outcome.ts'

type Count = Period['outcomes'][number]

const PeriodCount = builder.objectRef<Count>('OutcomePeriodCount').implement({
  description: 'How many deliveries of a period have one outcome; at least one.',
  fields: (t) => ({
    outcome: t.field({
      type: DeliveryOutcome,
      description: 'What has become of them till now.',
      resolve: ({ outcome }) => outcome,
    }),
    count: t.exposeInt('count', { description: 'How many they are.' }),
  }),
})

const OutcomePeriod = builder.objectRef<Period>('OutcomePeriod').implement({
  description: 'What became of the deliveries that were planned in one period.',
  fields: (t) => ({
    startsAt: t.expose('startsAt', { type: 'DateTime', description: 'When it begins.' }),
    outcomes: t.field({
      type: [PeriodCount],
      description:
        'In order of outcome; empty where none was planned. Those that were pruned count in the period in which their day begins, in UTC.',
      resolve: ({ outcomes }) => [...outcomes],
    }),
  }),
})

const OutcomeHistoryInput = builder.inputType('OutcomeHistoryInput', {
  description: 'Which deliveries are counted, and by which periods.',
  fields: (t) => ({
    insertedAfter: t.field({
      type: 'DateTime',
      required: true,
      description: 'Planned at this instant or later; the periods are counted from here on.',
    }),
    insertedBefore: t.field({
      type: 'DateTime',
      description: 'Planned before this instant, at most 31 days later; now where left out.',
    }),
    periodMinutes: t.int({
      required: true,
      description: 'How long a period is, 1 to 1440; there may be 750 of them.',
    }),
    notificationKey: t.string({ description: 'Of this notifier.' }),
    channel: t.string({ description: 'On this channel.' }),
  }),
})

builder.queryField('outcomeHistory', (t) =>
  t.field({
    type: [OutcomePeriod],
    description: 'What became of the deliveries that were planned in each period, in order of time [operator].',
    args: { input: t.arg({ type: OutcomeHistoryInput, required: true, description: 'Which, and how finely.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'OPERATE')
      const periods = await readOutcomeHistory(context.app, {
        tenantId: context.principal.tenantId,
        notificationKey: input.notificationKey ?? null,
        channel: input.channel ?? null,
        insertedAfter: input.insertedAfter,
        insertedBefore: input.insertedBefore ?? null,
        periodMinutes: input.periodMinutes,
      })
      return [...periods]
    },
  }),
)
