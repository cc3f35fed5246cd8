import type { App } from '../server/app.ts'
import type { Principal } from '../server/core/principal.ts'
import type { TenantPrisma } from '../server/db/client.ts'
import type { Explanation } from '../server/operations/traces.ts'
import type { Context as Trace } from '../server/tracing.ts'

/** What every resolver is given: who asks, and what answers. */
export interface Context {
  readonly app: App
  readonly principal: Principal
  /** What the request stands within, for traces; left out where nobody says. */
  readonly parent?: Trace
  /** Reads that see the caller's tenant alone. */
  readonly prisma: TenantPrisma
  /** An explanation by delivery id; those asked for together are read together. */
  readonly explain: (deliveryId: string) => Promise<Explanation | null>
}
