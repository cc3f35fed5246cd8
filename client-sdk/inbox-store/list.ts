import type { CarillonClientError } from '../error.ts'
import type { InboxQuery } from '../generated/operations.ts'
import { fits, type InboxItem, type InboxListFilter } from './item.ts'
import type { Ledger } from './ledger.ts'
import { createListeners, type Listeners } from './listeners.ts'
import { type ArrivalOrder, arrivesEarlier, placeOf } from './order.ts'

/*
 * A list is one of
 *
 *   waiting ──load──► loading ──a page──► ready ──more──► loading ...         failed ──load──► loading
 *
 * and shows every item that fits its filter and arrived no earlier than the end of its last page.
 */

export interface InboxListState {
  /** Newest arrival first. The same array as long as nothing in it has changed. */
  readonly items: readonly InboxItem[]
  /** `loading` until the first page is here; `failed` where it cannot be had. */
  readonly status: 'loading' | 'ready' | 'failed'
  readonly hasMore: boolean
  readonly isLoadingMore: boolean
  /** Why the last page did not come; `null` where it did. */
  readonly error: CarillonClientError | null
}

/** A part of an inbox, live, page by page. */
export interface InboxList {
  readonly filter: InboxListFilter
  /** Calls back after every change. The list is loaded, and followed, as long as somebody is subscribed. */
  subscribe(listener: () => void): () => void
  /** The same object as long as nothing has changed. */
  getSnapshot(): InboxListState
  /** Loads the next page; after a failure, the one that failed. Resolves when it is there or has failed. */
  loadMore(): Promise<void>
}

export interface OwnList extends InboxList {
  readonly isWanted: boolean
  wants(item: InboxItem): boolean
  holds(id: string): boolean
  changed(items: ReadonlyMap<string, InboxItem | null>): void
  /** Loads where there is anything to load, and answers the inbox's cursor as it was then; `null` where it failed. */
  load(): Promise<string | null>
  /** Throws away what is here, at the next page; what is under way is not taken in. */
  restart(): void
}

export type LoadPage = (page: {
  readonly filter: InboxListFilter
  readonly first: number
  readonly after: string | null
}) => Promise<InboxQuery['inbox']>

export const INITIAL_LIST: InboxListState = {
  items: [],
  status: 'loading',
  hasMore: false,
  isLoadingMore: false,
  error: null,
}

/** More changes of place than this at once are sorted in together, instead of one by one. */
const FEW = 32

const merge = (
  items: readonly InboxItem[],
  added: readonly InboxItem[],
  compare: ArrivalOrder['compare'],
): InboxItem[] => {
  const merged: InboxItem[] = []
  let next = 0
  for (const item of items) {
    while (next < added.length && compare(added[next] as InboxItem, item) < 0) merged.push(added[next++] as InboxItem)
    merged.push(item)
  }
  while (next < added.length) merged.push(added[next++] as InboxItem)
  return merged
}

export const createList = ({
  filter,
  pageSize,
  ledger,
  order,
  loadPage,
  onSubscribed,
}: {
  readonly filter: InboxListFilter
  readonly pageSize: number
  readonly ledger: Pick<Ledger, 'ask' | 'settle' | 'page' | 'offer'>
  readonly order: ArrivalOrder
  readonly loadPage: LoadPage
  readonly onSubscribed: () => () => void
}): OwnList => {
  const listeners: Listeners = createListeners(onSubscribed)
  const held = new Map<string, InboxItem>()
  let items: InboxItem[] = []
  /** The instant of arrival that pages have got to; `null` before the first, and '' where they have got to the end. */
  let reach: string | null = null
  let after: string | null = null
  let state = INITIAL_LIST
  let loading: Promise<string | null> | null = null
  let generation = 0

  const show = (next: Partial<InboxListState>): void => {
    state = { ...state, ...next }
    listeners.tell()
  }

  const wants = (item: InboxItem): boolean => reach !== null && !arrivesEarlier(item, reach) && fits(filter, item)

  const indexOf = (list: readonly InboxItem[], item: InboxItem): number => {
    const place = placeOf(list, item, order.compare)
    // Its rank may have changed since it was put there.
    return list[place] === item ? place : list.indexOf(item)
  }

  const changed = (changes: ReadonlyMap<string, InboxItem | null>): void => {
    const gone: InboxItem[] = []
    const added: InboxItem[] = []
    let copy: InboxItem[] | null = null
    for (const [id, item] of changes) {
      const was = held.get(id)
      const is = item && wants(item) ? item : null
      if (was === (is ?? undefined)) continue
      if (is) held.set(id, is)
      else held.delete(id)
      if (was && is && was.arrivedAt === is.arrivedAt) {
        copy ??= items.slice()
        copy[indexOf(copy, was)] = is
        continue
      }
      if (was) gone.push(was)
      if (is) added.push(is)
    }
    if (!copy && gone.length + added.length === 0) return
    copy ??= items.slice()
    if (gone.length + added.length <= FEW) {
      for (const item of gone) copy.splice(indexOf(copy, item), 1)
      for (const item of added) copy.splice(placeOf(copy, item, order.compare), 0, item)
    } else {
      const leaving = new Set(gone)
      copy = merge(
        copy.filter((item) => !leaving.has(item)),
        added.sort(order.compare),
        order.compare,
      )
    }
    items = copy
    show({ items })
  }

  const takeIn = (asked: ReturnType<Ledger['ask']>, { notifications, counts }: InboxQuery['inbox']): void => {
    const { edges, pageInfo } = notifications
    const page = edges.map(({ node }) => node)
    const end = pageInfo.hasNextPage ? (page.at(-1)?.arrivedAt ?? reach ?? '') : ''
    if (reach === null) {
      // What is shown of a list that begins anew stays until now.
      held.clear()
      items = []
    }
    reach = reach === null || end < reach ? end : reach
    after = pageInfo.endCursor ?? after
    ledger.page(asked, { items: page, counts })
    ledger.offer()
    show({ items, status: 'ready', hasMore: pageInfo.hasNextPage, isLoadingMore: false, error: null })
  }

  const load = (): Promise<string | null> => {
    loading ??= (async () => {
      const own = generation
      const asked = ledger.ask()
      show(reach === null ? { status: 'loading', error: null } : { isLoadingMore: true, error: null })
      try {
        const inbox = await loadPage({ filter, first: pageSize, after })
        if (own !== generation) return null
        takeIn(asked, inbox)
        return inbox.cursor
      } catch (error) {
        if (own === generation) {
          const failed = reach === null ? ({ status: 'failed' } as const) : {}
          show({ ...failed, isLoadingMore: false, error: error as CarillonClientError })
        }
        return null
      } finally {
        ledger.settle(asked)
        if (own === generation) loading = null
      }
    })()
    return loading
  }

  return {
    filter,
    subscribe: listeners.subscribe,
    getSnapshot: () => state,
    get isWanted() {
      return listeners.count > 0
    },
    wants,
    holds: (id) => held.has(id),
    changed,
    load,
    async loadMore() {
      if (reach === null || state.hasMore) await load()
    },
    restart() {
      generation += 1
      loading = null
      reach = null
      after = null
      show({ status: 'loading', hasMore: false, isLoadingMore: false, error: null })
    },
  }
}
