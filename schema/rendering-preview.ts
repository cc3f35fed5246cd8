import { previewRendering } from '../server/operations/previews.ts'
import type { Rendered } from '../server/operations/render-content.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'
import { RecipientInput, toRecipientDetails } from './recipient.ts'

interface Preview extends Rendered {
  readonly channel: string
}

const RenderingPreview = builder.objectRef<Preview>('RenderingPreview').implement({
  description: 'What one channel would say to one recipient.',
  fields: (t) => ({
    channel: t.exposeString('channel', { description: 'Which channel.' }),
    renderKey: t.exposeString('renderKey', { description: 'Which template.' }),
    renderVersion: t.exposeInt('renderVersion', { description: 'Which version of it.' }),
    content: t.field({
      type: 'JSON',
      description: 'As the channel would be given it.',
      resolve: ({ content }) => content,
    }),
  }),
})

const PreviewRenderingInput = builder.inputType('PreviewRenderingInput', {
  description: 'What to render, and for whom.',
  fields: (t) => ({
    notificationKey: t.string({ required: true, description: 'Which notifier.' }),
    payload: t.field({ type: 'JSON', description: 'What happened, as the notifier wants it; {} where left out.' }),
    recipient: t.field({
      type: RecipientInput,
      required: true,
      description: 'For whom; details given here are laid over the stored ones, and not stored.',
    }),
    channel: t.string({ required: true, description: 'One of those that the notifier renders.' }),
  }),
})

builder.queryField('previewRendering', (t) =>
  t.field({
    type: RenderingPreview,
    description:
      'What would be rendered, through the production path. Writes nothing, sends nothing [backend, operator].',
    args: { input: t.arg({ type: PreviewRenderingInput, required: true, description: 'What to render.' }) },
    resolve: async (_, { input }, context) => {
      allow(context, 'TRIGGER', 'OPERATE')
      const { notificationKey, channel } = input
      // No default in the schema, as in a trigger's.
      const payload = input.payload === undefined ? {} : input.payload
      const request = { notificationKey, payload, channel, recipient: toRecipientDetails(input.recipient) }
      const { tenantId } = context.principal
      return { channel, ...(await previewRendering(context.app, { tenantId, request, path: ['input'] })) }
    },
  }),
)
