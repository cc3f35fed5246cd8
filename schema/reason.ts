import { compare } from '../server/core/compare.ts'
import { REASONS } from '../server/core/reasons.ts'
import { allow } from './access.ts'
import { builder } from './builder.ts'

interface ReasonShape {
  readonly code: string
  readonly description: string
}

const Reason = builder.objectRef<ReasonShape>('Reason').implement({
  description: 'Why a delivery is deferred, held, suppressed or cancelled.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'As it stands in `planningReason` and `suppressionReason`.' }),
    description: t.exposeString('description', { description: 'What it means, for a support person.' }),
  }),
})

const SORTED: readonly ReasonShape[] = Object.entries(REASONS)
  .map(([code, description]) => ({ code, description }))
  .sort((a, b) => compare(a.code, b.code))

builder.queryField('reasons', (t) =>
  t.field({
    type: [Reason],
    description:
      'Every reason that planning, suppression and cancellation can give, with its meaning, in order of code [operator].',
    resolve: (_, __, context) => {
      allow(context, 'OPERATE')
      return [...SORTED]
    },
  }),
)
