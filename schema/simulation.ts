import { decisionSummary } from '../server/core/summary.ts'
import {
  type SimulatedDelivery as DeliveryShape,
  type SimulatedRecipient as RecipientShape,
  type Simulation as SimulationShape,
  simulateTrigger,
} from '../server/operations/simulations.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { Decision, Verdict } from './explanation.ts'
import { RecipientInput, toRecipientDetails } from './recipient.ts'

// Nothing is stored, so the instant is not each delivery's own.
type Decided<T> = T & Pick<SimulationShape, 'at'>

const SimulatedDelivery = builder.objectRef<Decided<DeliveryShape>>('SimulatedDelivery').implement({
  description: 'What would become of one channel of one recipient.',
  fields: (t) => ({
    channel: t.exposeString('channel', { description: 'Which channel.' }),
    stepKey: t.exposeString('stepKey', {
      nullable: true,
      description: 'The workflow step that it would be for; later steps are planned when the workflow comes to them.',
    }),
    verdict: t.field({ type: Verdict, description: 'What would be decided.', resolve: ({ verdict }) => verdict }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, where a rule objects.' }),
    nextEligibleAt: t.expose('nextEligibleAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When a deferred one might go on.',
    }),
    decisions: t.field({
      type: [Decision],
      description: 'Every rule that would be asked, in order: those that let it pass too.',
      resolve: ({ answers, at }) => answers.map((answer) => ({ ...answer, checkpoint: 'planning' as const, at })),
    }),
    summary: t.string({
      description: 'One sentence a support person can read out.',
      resolve: (delivery) => decisionSummary(delivery, delivery),
    }),
  }),
})

const SimulatedRecipient = builder.objectRef<Decided<RecipientShape>>('SimulatedRecipient').implement({
  description: 'What would become of one recipient.',
  fields: (t) => ({
    recipientId: t.exposeID('recipientId', { description: "The host's own id." }),
    deliveries: t.field({
      type: [SimulatedDelivery],
      description:
        'One for each channel, in order of name; of a workflow its first step, what that leads to at once, and then the channels that no step names.',
      resolve: ({ deliveries, at }) => deliveries.map((delivery) => ({ ...delivery, at })),
    }),
  }),
})

const Simulation = builder.objectRef<SimulationShape>('Simulation').implement({
  description: 'What a trigger would do.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'The instant that was decided for.' }),
    recipients: t.field({
      type: [SimulatedRecipient],
      description: 'In order of id. At most 100; recipientCount says how many in all.',
      resolve: ({ recipients, at }) => recipients.map((recipient) => ({ ...recipient, at })),
    }),
    recipientCount: t.exposeInt('recipientCount', { description: 'How many there are in all.' }),
  }),
})

const SimulateTriggerInput = builder.inputType('SimulateTriggerInput', {
  description: 'Something that might happen, and whom it would concern.',
  fields: (t) => ({
    notificationKey: t.string({ required: true, description: 'Which notifier.' }),
    payload: t.field({ type: 'JSON', description: 'What happened, as the notifier wants it; {} where left out.' }),
    recipients: t.field({
      type: [RecipientInput],
      description:
        'Who would get it, beside those whom the notifier names; details given here are used, and not stored. At most 1000.',
    }),
    topics: t.stringList({ description: 'Everyone subscribed to these topics. At most 100.' }),
    actorId: t.id({ description: 'Who caused it; never notified of its own act.' }),
    at: t.field({ type: 'DateTime', description: 'The instant to decide for; now where left out.' }),
  }),
})

builder.queryField('simulateTrigger', (t) =>
  t.field({
    type: Simulation,
    description:
      'What would happen if this were triggered at that instant. Writes nothing, sends nothing, and takes the same decisions as trigger [backend, operator].',
    args: { input: t.arg({ type: SimulateTriggerInput, required: true, description: 'What might happen.' }) },
    resolve: (_, { input }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const request = {
        notificationKey: input.notificationKey,
        // No default in the schema, as in a trigger's.
        payload: input.payload === undefined ? {} : input.payload,
        recipients: input.recipients?.map(toRecipientDetails) ?? null,
        topics: input.topics ?? null,
        actorId: input.actorId ?? null,
      }
      const { tenantId } = context.principal
      return simulateTrigger(context.app, { tenantId, request, path: ['input'], at: input.at ?? null })
    },
  }),
)
