import { batchesOf, chosenOf, type SeenOldEvent, TOMBSTONE_MS } from '../../core/retention.ts'
import { type Ages, findOldEvents, type OldEventRow } from '../../db/sql/find-old-events.ts'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import {
  listOldNotifications,
  lockOldDeliveries,
  lockOldEvents,
  type OldNotificationRow,
} from '../../db/sql/lock-old-events.ts'
import { type LookedAtNotificationRow, lookAtOldNotifications } from '../../db/sql/look-at-old-notifications.ts'
import { type PrunedEventRow, pruneBuckets, pruneEvents } from '../../db/sql/prune-events.ts'
import { type PrunedNotificationsRow, pruneNotifications } from '../../db/sql/prune-notifications.ts'
import type { Transaction } from '../../db/transaction.ts'
import type { Capabilities } from '../capabilities.ts'
import { FIRST_ID, inBatch, type Pass } from './pass.ts'

/** How many events one look finds, of how many recipients in all. */
const MAX_LOOKED_AT = { events: 100, recipients: 5_000 }
/** How many notifications one batch deletes, with all that came of them: a few hundred rows, so that nobody waits long. */
const BATCH = 50

interface PrunedBatch {
  readonly events: readonly PrunedEventRow[]
  readonly notifications: number
  readonly deliveries: number
}

const pruneBatch = async (
  tx: Transaction,
  {
    tenantId,
    events,
    ages,
  }: { readonly tenantId: string; readonly events: readonly SeenOldEvent[]; readonly ages: Ages },
): Promise<PrunedBatch> => {
  const locked = await tx.query<{ id: string }>(
    lockOldEvents(
      tenantId,
      events.map(({ id }) => id),
    ),
  )
  const eventIds = locked.map(({ id }) => id)
  const found = await tx.query<OldNotificationRow>(listOldNotifications(tenantId, { eventIds, limit: BATCH }))
  const ids = found.map(({ id }) => id)
  const keys = [...new Set(found.map((row) => row.recipient_id))].map((recipientId) => ({ tenantId, recipientId }))
  const [inboxes, deliveries] = await Promise.all([
    tx.query<InboxRow>(lockInboxes(keys, { skipLocked: true })),
    tx.query<{ id: string }>(lockOldDeliveries(tenantId, ids)),
  ])
  // Lock, then look: what was found over may have been let go on again since.
  const seen = await tx.query<LookedAtNotificationRow>(
    lookAtOldNotifications(tenantId, {
      ids,
      ages,
      recipientIds: inboxes.map((inbox) => inbox.recipient_id),
      deliveryIds: deliveries.map(({ id }) => id),
    }),
  )
  const rows = seen.map(({ id, event_id: eventId, prunable }) => ({ id, eventId, prunable }))
  const isLarge = events.some(({ rest }) => rest > BATCH)
  const chosen = chosenOf(rows, isLarge).map(({ id }) => id)
  const [[pruned], over] = await Promise.all([
    tx.query<PrunedNotificationsRow>(pruneNotifications(tenantId, { ids: chosen, now: ages.now })),
    tx.query<PrunedEventRow>(pruneEvents(tenantId, { ids: eventIds, cutoff: ages.cutoff })),
  ])
  const { deliveries: count, bucket_ids: bucketIds } = pruned as PrunedNotificationsRow
  if (bucketIds.length > 0) await tx.query(pruneBuckets(tenantId, bucketIds))
  return { events: over, notifications: chosen.length, deliveries: count }
}

/** Goes through a tenant's events once, oldest first; answers whether a digest was among what was pruned. */
const pruneOnce = async (capabilities: Capabilities, pass: Pass, ages: Ages): Promise<boolean> => {
  const { tenantId } = pass
  let after = FIRST_ID
  let digests = false
  while (!pass.isOver()) {
    const { rows } = await capabilities.db.system.query<OldEventRow>(
      findOldEvents(tenantId, { after, ages, ...MAX_LOOKED_AT }),
    )
    const old = rows.filter((row) => row.old)
    for (const events of batchesOf(old, BATCH)) {
      let batch: PrunedBatch
      // One that is larger than a batch takes several; what is left of any is found by the next pass.
      do {
        if (pass.isOver()) return digests
        batch = await inBatch(capabilities, pass, (tx) => pruneBatch(tx, { tenantId, events, ages }))
        pass.add({ ...batch, events: batch.events.length })
        digests ||= batch.events.some((event) => event.is_digest)
      } while (batch.events.length < events.length && batch.notifications > 0)
    }
    const last = old.at(-1)
    if (!last || old.length < rows.length) return digests
    after = last.id
  }
  return digests
}

/**
 * Prunes a tenant's events that are over for long enough, each whole, with all that came of it. What went into a digest
 * is kept until that is pruned, and goes right after it.
 */
export const pruneOldEvents = async (capabilities: Capabilities, pass: Pass): Promise<void> => {
  const { now, cutoffs } = pass
  if (!cutoffs.events) return
  const ages = { cutoff: cutoffs.events, tombstones: new Date(now.getTime() - TOMBSTONE_MS), now }
  while (await pruneOnce(capabilities, pass, ages)) {
    // Once more, for what had gone into the digests.
  }
}
