import type { Context } from '../../schema/context.ts'
import type { App } from '../app.ts'
import type { Principal } from '../core/principal.ts'
import { coalesce } from '../operations/coalesce.ts'
import { readExplanations } from '../operations/traces.ts'
import type { Context as Trace } from '../tracing.ts'

/** How many explanations are read at once. */
const MAX_EXPLANATIONS = 100

/**
 * One request's context: `parent` is what it stands within, for traces, and `reads` which database it asks for, the primary
 * where left out or where there is no other. A plain object: Yoga copies its own properties, and would lose getters.
 */
export const createContext = (
  served: App,
  principal: Principal,
  { parent, reads }: { readonly parent?: Trace | undefined; readonly reads?: 'primary' | 'replica' | undefined } = {},
): Context => {
  // Whatever a query reads, it reads from there.
  const app = reads === 'replica' && served.replica ? { ...served, db: served.replica.db } : served
  const { tenantId } = principal
  const prisma = app.db.prismaFor(tenantId)
  return {
    app,
    principal,
    ...(parent && { parent }),
    prisma,
    explain: coalesce((ids: readonly string[]) => readExplanations(app.db, { tenantId, ids }), {
      limit: MAX_EXPLANATIONS,
    }),
  }
}
