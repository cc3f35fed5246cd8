import { DEFAULT_TOKEN_SECONDS, MAX_TOKEN_SECONDS } from '../server/operations/credentials.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

const CreateRecipientTokenInput = builder.inputType('CreateRecipientTokenInput', {
  description: 'For whom, and for how long.',
  fields: (t) => ({
    recipientId: t.id({ required: true, description: "The host's own id." }),
    ttlSeconds: t.int({ description: `Default ${DEFAULT_TOKEN_SECONDS}, maximum ${MAX_TOKEN_SECONDS}.` }),
  }),
})

const CreateRecipientTokenPayload = builder
  .objectRef<{ readonly token: string; readonly expiresAt: Date }>('CreateRecipientTokenPayload')
  .implement({
    description: 'A token, to be handed to one front end.',
    fields: (t) => ({
      token: t.exposeString('token', { description: 'Goes into `Authorization: Bearer ...`, or `connection_init`.' }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When it ends.' }),
    }),
  })

builder.mutationField('createRecipientToken', (t) =>
  t.field({
    type: CreateRecipientTokenPayload,
    description: 'A short-lived token for a front end, for one recipient [backend].',
    args: { input: t.arg({ type: CreateRecipientTokenInput, required: true, description: 'For whom.' }) },
    resolve: (_, { input }, context) => {
      allow(context, 'TRIGGER')
      return context.app.credentials.createRecipientToken(context.principal, {
        recipientId: input.recipientId,
        ttlSeconds: input.ttlSeconds ?? null,
      })
    },
  }),
)
