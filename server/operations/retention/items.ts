import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import {
  findOldItems,
  type ItemCutoffs,
  type OldItemsRow,
  type PrunedInboxRow,
  pruneInboxItems,
} from '../../db/sql/prune-inbox-items.ts'
import type { Capabilities } from '../capabilities.ts'
import { inBatch, type Pass } from './pass.ts'

/** How many inboxes one look finds. */
const MAX_LOOKED_AT = 200
/** How many items one batch takes out at most, but for one inbox that has more. */
const BATCH = 100

/** The next inboxes whose items make one batch. */
const nextBatch = (rows: readonly OldItemsRow[]): readonly OldItemsRow[] => {
  let room = BATCH
  const upTo = rows.findIndex(({ count }, index) => {
    room -= count
    return room < 0 && index > 0
  })
  return upTo === -1 ? rows : rows.slice(0, upTo)
}

const takeOut = async (
  capabilities: Capabilities,
  pass: Pass,
  { recipientIds, cutoffs }: { readonly recipientIds: readonly string[]; readonly cutoffs: ItemCutoffs },
): Promise<number> => {
  const { tenantId, now } = pass
  const keys = recipientIds.map((recipientId) => ({ tenantId, recipientId }))
  const moved = await inBatch(capabilities, pass, async (tx) => {
    const held = await tx.query<InboxRow>(lockInboxes(keys, { skipLocked: true }))
    const locked = held.map((inbox) => inbox.recipient_id)
    return tx.query<PrunedInboxRow>(pruneInboxItems(tenantId, { recipientIds: locked, now, cutoffs }))
  })
  capabilities.hints.inboxesMoved(moved.map((row) => ({ tenantId, recipientId: row.recipient_id })))
  return moved.reduce((sum, { count }) => sum + count, 0)
}

/** Takes the items out of a tenant's inboxes that are old enough, and tells whoever follows them. */
export const pruneOldItems = async (capabilities: Capabilities, pass: Pass): Promise<void> => {
  const { tenantId, cutoffs } = pass
  if (!cutoffs.archived && !cutoffs.read && !cutoffs.arrived) return
  let after = ''
  while (!pass.isOver()) {
    const begun = performance.now()
    const { rows } = await capabilities.db.system.query<OldItemsRow>(
      findOldItems(tenantId, { after, limit: MAX_LOOKED_AT, cutoffs }),
    )
    await pass.rest(performance.now() - begun)
    let taken = 0
    let left = rows.filter(({ count }) => count > 0)
    while (left.length > 0 && !pass.isOver()) {
      const batch = nextBatch(left)
      left = left.slice(batch.length)
      taken += await takeOut(capabilities, pass, { recipientIds: batch.map((row) => row.recipient_id), cutoffs })
    }
    pass.add({ items: taken })
    // An inbox may have more than one look finds: the same ones again, until nothing more comes of it.
    if (taken > 0) continue
    const last = rows.at(-1)
    if (!last) return
    after = last.recipient_id
  }
}
