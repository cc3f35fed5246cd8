'use client'

import { useMemo, useSyncExternalStore } from 'react'
import type { CarillonClientError } from '../error.ts'
import type { InboxItem, InboxListFilter, InboxListState, InboxState, InboxStore } from '../inbox-store/index.ts'
import { INITIAL_LIST } from '../inbox-store/list.ts'
import { useCarillon } from './provider.tsx'

const INITIAL_STATE: InboxState = { status: 'resting', error: null, counts: { total: 0, unread: 0, unseen: 0 } }

export interface UseInbox extends InboxListState, Pick<InboxStore, Mark> {
  /** Whether changes are coming in: see `InboxState`. */
  readonly connection: InboxState['status']
  /** Why they are not. */
  readonly connectionError: CarillonClientError | null
  readonly items: readonly InboxItem[]
  readonly filter: InboxListFilter
  readonly loadMore: () => Promise<void>
  readonly reload: () => void
}

type Mark = 'markSeen' | 'markRead' | 'markUnread' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze'

/**
 * An inbox, or the part of it that a filter fits, live. Marks show at once; their promises reject where the server
 * refuses, and the mark is taken back.
 */
export const useInbox = (filter?: InboxListFilter): UseInbox => {
  const { store } = useCarillon()
  // The store answers the same list for an equal filter.
  const list = store.list(filter)
  const state = useSyncExternalStore(list.subscribe, list.getSnapshot, () => INITIAL_LIST)
  const connection = useSyncExternalStore(store.subscribe, store.getSnapshot, () => INITIAL_STATE)
  return useMemo(
    () => ({
      ...state,
      filter: list.filter,
      connection: connection.status,
      connectionError: connection.error,
      loadMore: list.loadMore,
      reload: store.reload,
      markSeen: store.markSeen,
      markRead: store.markRead,
      markUnread: store.markUnread,
      archive: store.archive,
      unarchive: store.unarchive,
      snooze: store.snooze,
      unsnooze: store.unsnooze,
    }),
    [state, connection.status, connection.error, list, store],
  )
}

/** The badge: as the server counts, with the marks that it has not answered yet. */
export const useInboxCounts = (): InboxState['counts'] => {
  const { store } = useCarillon()
  return useSyncExternalStore(
    store.subscribe,
    () => store.getSnapshot().counts,
    () => INITIAL_STATE.counts,
  )
}
