import type { QueryConfig } from 'pg'
import { type InboxRow, lockInboxes } from '../../db/sql/lock-inboxes.ts'
import {
  findMoreOldItems,
  findOldItems,
  MOST_OF_ONE,
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
  const upTo = rows.findIndex(({ ids }, index) => {
    room -= ids.length
    return room < 0 && index > 0
  })
  return upTo === -1 ? rows : rows.slice(0, upTo)
}

const takeOut = async (capabilities: Capabilities, pass: Pass, batch: readonly OldItemsRow[]): Promise<number> => {
  const { tenantId, now, cutoffs } = pass
  const keys = batch.map((row) => ({ tenantId, recipientId: row.recipient_id }))
  const ids = batch.flatMap((row) => row.ids)
  const moved = await inBatch(capabilities, pass, async (tx) => {
    const held = await tx.query<InboxRow>(lockInboxes(keys, { skipLocked: true }))
    const recipientIds = held.map((inbox) => inbox.recipient_id)
    return tx.query<PrunedInboxRow>(pruneInboxItems(tenantId, { ids, recipientIds, now, cutoffs }))
  })
  capabilities.hints.inboxesMoved(moved.map((row) => ({ tenantId, recipientId: row.recipient_id })))
  return moved.reduce((sum, { count }) => sum + count, 0)
}

const find = async ({ db }: Capabilities, pass: Pass, statement: QueryConfig): Promise<readonly OldItemsRow[]> => {
  const begun = performance.now()
  const { rows } = await db.system.query<OldItemsRow>(statement)
  await pass.rest(performance.now() - begun)
  return rows
}

/**
 * Takes the items out of a tenant's inboxes that are old enough, and tells whoever follows them. Each inbox is gone through
 * once, from where the look before it ended. One that somebody holds is left to the next time. Answers whether it came to
 * the end.
 */
export const pruneOldItems = async (capabilities: Capabilities, pass: Pass): Promise<boolean> => {
  const { tenantId, cutoffs } = pass
  if (!cutoffs.archived && !cutoffs.read && !cutoffs.arrived) return true
  let after: string | null = ''
  while (after !== null && !pass.isOver()) {
    let found = await find(capabilities, pass, findOldItems(tenantId, { after, limit: MAX_LOOKED_AT, cutoffs }))
    after = found.at(-1)?.recipient_id ?? null
    while (found.length > 0 && !pass.isOver()) {
      let left = found.filter(({ ids }) => ids.length > 0)
      while (left.length > 0 && !pass.isOver()) {
        const batch = nextBatch(left)
        left = left.slice(batch.length)
        pass.add({ items: await takeOut(capabilities, pass, batch) })
      }
      const longer = found.filter(({ ids }) => ids.length === MOST_OF_ONE)
      found = longer.length > 0 ? await find(capabilities, pass, findMoreOldItems(tenantId, longer, cutoffs)) : []
    }
  }
  return !pass.isOver()
}
