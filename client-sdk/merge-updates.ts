import type { InboxUpdateFragment } from './generated/operations.ts'

/**
 * Two updates of an inbox as one: each notification once, in its latest state and at its latest place. Where either
 * says that the inbox is to be reloaded, so does the result, and nothing else.
 */
export const mergeUpdates = (earlier: InboxUpdateFragment, later: InboxUpdateFragment): InboxUpdateFragment => {
  if (earlier.resync || later.resync) return { ...later, changed: [], removedIds: [], resync: true }
  const overtaken = new Set([...later.changed.map(({ id }) => id), ...later.removedIds])
  return {
    ...later,
    changed: [...earlier.changed.filter(({ id }) => !overtaken.has(id)), ...later.changed],
    removedIds: [...earlier.removedIds.filter((id) => !overtaken.has(id)), ...later.removedIds],
  }
}
