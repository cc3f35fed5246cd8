import type { Principal } from '../server/core/principal.ts'
import { builder } from './builder.ts'

export const Scope = builder.enumType('Scope', {
  description: 'What a credential allows.',
  values: {
    TRIGGER: { description: 'Backends: trigger and signal, recipients, tokens.' },
    OPERATE: { description: 'Operators: explanations, and every inbox.' },
    RECIPIENT: { description: 'A front end: the inbox and preferences of one recipient.' },
  } as const,
})

const Viewer = builder.objectRef<Principal>('Viewer').implement({
  description: 'Whose credential a request came with.',
  fields: (t) => ({
    tenantId: t.exposeID('tenantId', { description: 'The tenant that everything in the answer belongs to.' }),
    scopes: t.field({
      type: [Scope],
      description: 'What the credential allows.',
      resolve: ({ scopes }) => [...scopes],
    }),
    recipientId: t.exposeID('recipientId', { nullable: true, description: 'Set for a recipient token.' }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({ type: Viewer, description: 'Whose credential this is.', resolve: (_, __, { principal }) => principal }),
)
