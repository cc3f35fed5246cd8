import type { InboxItem } from './item.ts'

/**
 * Newest arrival first, as the server lists them. Arrivals of one instant stand as they were learned: what the stream
 * told later is newer, what a page listed later is older.
 */
export interface ArrivalOrder {
  /** Gives an item that the stream told of its rank among arrivals of the same instant. */
  newer(id: string): void
  /** The same for one that stands after all others on a page. */
  older(id: string): void
  forget(id: string): void
  readonly compare: (one: InboxItem, other: InboxItem) => number
}

const instantOf = ({ arrivedAt }: InboxItem): string => arrivedAt ?? ''

export const arrivesEarlier = (item: InboxItem, than: string): boolean => instantOf(item) < than

export const createArrivalOrder = (): ArrivalOrder => {
  const ranks = new Map<string, number>()
  let highest = 0
  let lowest = 0
  return {
    newer(id) {
      highest += 1
      ranks.set(id, highest)
    },
    older(id) {
      lowest -= 1
      ranks.set(id, lowest)
    },
    forget: (id) => void ranks.delete(id),
    compare(one, other) {
      // ISO 8601 in UTC: text sorts as time does.
      const [a, b] = [instantOf(one), instantOf(other)]
      if (a !== b) return a < b ? 1 : -1
      return (ranks.get(other.id) ?? 0) - (ranks.get(one.id) ?? 0)
    },
  }
}

/** Where an item stands, or would, in a list in order. */
export const placeOf = (items: readonly InboxItem[], item: InboxItem, compare: ArrivalOrder['compare']): number => {
  let from = 0
  let to = items.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (compare(items[middle] as InboxItem, item) < 0) from = middle + 1
    else to = middle
  }
  return from
}
