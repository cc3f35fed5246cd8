import type { Prisma } from '../../generated/prisma/client.ts'
import type { TenantPrisma } from '../db/client.ts'

/** All that is stored of one delivery and its cause: nothing is worked out anew. */
const STORY = {
  event: { select: { id: true, insertedAt: true, notificationKey: true, actorId: true, correlationId: true } },
  notification: {
    select: { id: true, insertedAt: true, recipientId: true, seenAt: true, readAt: true, archivedAt: true },
  },
  attempts: { orderBy: { attemptNumber: 'asc' } },
  decisions: { orderBy: [{ at: 'asc' }, { checkpoint: 'desc' }] },
  transitions: { orderBy: { at: 'asc' } },
} as const satisfies Prisma.DeliveryInclude

/** A delivery with everything that explains it. */
export type Explanation = Prisma.DeliveryGetPayload<{ include: typeof STORY }>

/** Reads what explains these deliveries, in as many queries as for one; `null` for those that do not exist. */
export const readExplanations = async (
  prisma: TenantPrisma,
  { tenantId, ids }: { readonly tenantId: string; readonly ids: readonly string[] },
): Promise<readonly (Explanation | null)[]> => {
  const rows = await prisma.delivery.findMany({ where: { tenantId, id: { in: [...ids] } }, include: STORY })
  const byId = new Map(rows.map((row) => [row.id, row as Explanation]))
  return ids.map((id) => byId.get(id) ?? null)
}
