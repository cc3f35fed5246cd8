import type { App } from '../server/app.ts'
import type { Principal } from '../server/core/principal.ts'
import type { TenantPrisma } from '../server/db/client.ts'
import type { Explanation } from '../server/operations/traces.ts'

/** What every resolver is given: who asks, and what answers. */
export interface Context {
  readonly app: App
  readonly principal: Principal
  /** Reads that see the caller's tenant alone. */
  readonly prisma: TenantPrisma
  /** An explanation by delivery id; those asked for together are read together. */
  readonly explain: (deliveryId: string) => Promise<Explanation | null>
}
