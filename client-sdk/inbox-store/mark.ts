import { actionOf, type InboxActionName, type Instants } from './action.ts'
import { fits, type InboxCounts, type InboxItem, type InboxListFilter, NO_COUNTS } from './item.ts'

/** Which items a mark concerns: exactly one of the two. */
export type InboxSelection =
  | { readonly ids: readonly string[] }
  /** All that fit. `upTo` is a cursor: what arrived later is left alone. Default: where the inbox stands on the screen. */
  | { readonly filter: InboxListFilter; readonly upTo?: string | undefined }

/** A mark that the user has made and the server has not answered yet. */
export interface Mark extends Instants {
  readonly id: string
  readonly action: InboxActionName
  readonly selection: InboxSelection
  /** The newest arrival that the user had before his eyes: a mark by filter concerns nothing newer. */
  readonly newestArrival: string
}

/** What a mark makes of an item that it was made upon; the item itself where that is so already. */
export const marked = (mark: Mark, item: InboxItem): InboxItem => {
  const { concerns, apply } = actionOf(mark.action)
  return concerns(item, mark) ? apply(item, mark) : item
}

/** Whether a mark changes this item, by all that is known here. */
export const isConcerned = (mark: Mark, item: InboxItem): boolean => {
  const { action, selection, newestArrival } = mark
  const { concerns, defaults } = actionOf(action)
  if (item.arrivedAt === null || !concerns(item, mark)) return false
  // Ids are looked up by who calls.
  if ('ids' in selection) return true
  return item.arrivedAt <= newestArrival && fits(selection.filter, item, defaults)
}

/**
 * What a mark by filter does to the badge for items that are not here: all that it counts beyond `here`, where the
 * filter leaves none of those out; otherwise nothing is foretold, and the server's answer tells.
 */
export const foretellUnheld = (
  { action, selection }: Mark,
  { shown, here }: { readonly shown: InboxCounts; readonly here: InboxCounts },
): InboxCounts => {
  if ('ids' in selection) return NO_COUNTS
  const { read, seen, archived, snoozed, categories, notificationKeys } = selection.filter
  const narrowed = [seen, archived || null, snoozed || null, categories, notificationKeys].some((one) => one != null)
  if (narrowed || read === true) return NO_COUNTS
  const elsewhere = (field: keyof InboxCounts): number => Math.min(0, here[field] - shown[field])
  if (action === 'seen' && read == null) return { ...NO_COUNTS, unseen: elsewhere('unseen') }
  if (action === 'read') return { ...NO_COUNTS, unread: elsewhere('unread'), unseen: elsewhere('unseen') }
  if (action === 'archive' && read == null)
    return { total: elsewhere('total'), unread: elsewhere('unread'), unseen: elsewhere('unseen') }
  return NO_COUNTS
}
