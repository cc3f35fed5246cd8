import { type ExplainedRecipient, explainRecipient } from '../server/operations/explain-recipient.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { DeliveryExplanation } from './explanation.ts'

const RecipientExplanation = builder.objectRef<ExplainedRecipient>('RecipientExplanation').implement({
  description: 'The answer to: why did this recipient (not) get this notification?',
  fields: (t) => ({
    recipientId: t.exposeID('recipientId', { description: "Who was asked about, by the host's own id." }),
    notificationKey: t.exposeString('notificationKey', { description: 'Which notification.' }),
    finding: t.exposeString('finding', {
      description:
        'no_event, not_a_recipient, actor_excluded, no_channel, scheduled, planning, or per_delivery where deliveries exist.',
    }),
    summary: t.exposeString('summary', {
      description: 'What to do or where to look, for a support person to read out.',
    }),
    explanations: t.field({
      type: [DeliveryExplanation],
      description: 'Of the deliveries, newest first: the newest 50.',
      resolve: async ({ deliveryIds }, _, { explain }) => {
        const explanations = await Promise.all(deliveryIds.map((id) => explain(id)))
        return explanations.filter((one) => one !== null)
      },
    }),
  }),
})

builder.queryField('explainRecipient', (t) =>
  t.field({
    type: RecipientExplanation,
    description:
      'Why did this recipient (not) get this notification? Answers even where no delivery exists [operator].',
    args: {
      recipientId: t.arg.id({ required: true, description: "Who, by the host's own id." }),
      notificationKey: t.arg.string({ required: true, description: 'Which notification.' }),
      since: t.arg({
        type: 'DateTime',
        description: 'Looks at nothing that came before; at everything where left out.',
      }),
    },
    resolve: (_, { recipientId, notificationKey, since }, context) => {
      allow(context, 'OPERATE')
      const { tenantId } = context.principal
      return explainRecipient(context.app, { tenantId, recipientId, notificationKey, since: since ?? null })
    },
  }),
)
