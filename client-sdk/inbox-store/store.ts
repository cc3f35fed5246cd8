import type { CarillonClient } from '../client.ts'
import type { CarillonClientError } from '../error.ts'
import type { InboxChangeFragment, InboxUpdateFragment } from '../generated/operations.ts'
import type { InboxActionName, InboxMarks } from './action.ts'
import { type InboxCounts, type InboxItem, type InboxListFilter, NO_COUNTS, sameCounts } from './item.ts'
import { createLedger } from './ledger.ts'
import { createList, type InboxList, type OwnList } from './list.ts'
import { createListeners } from './listeners.ts'
import type { InboxSelection, Mark } from './mark.ts'
import { createArrivalOrder } from './order.ts'
import { createSender } from './sender.ts'
import { openTabs, type Tabs } from './tabs.ts'

/*
 * A store is one of
 *
 *   resting ──somebody subscribes──► following ──the last one leaves──► resting
 *
 * At rest it costs the server nothing, and knows where it was; when it follows again it catches up from there.
 */

/** The part of a client that a store needs. */
export type InboxSource = InboxMarks & Pick<CarillonClient, 'inbox' | 'watchInbox' | 'viewer'>

export interface InboxStoreOptions {
  /** Whose inbox, for an operator; a recipient's own token needs none. */
  readonly recipientId?: string | undefined
  /** How many items a page has; default 30, at most 100. */
  readonly pageSize?: number | undefined
  /** How long to wait before a mark that could not be sent is tried again, doubling up to 30 s. Default 500 ms. */
  readonly firstRetryMs?: number | undefined
}

export interface InboxState {
  /**
   * `connecting` until the inbox is followed for the first time; `live`; `offline` while it comes back by itself;
   * `failed` where it cannot, until `reload()`. `resting` while nobody is subscribed.
   */
  readonly status: 'resting' | 'connecting' | 'live' | 'offline' | 'failed'
  /** Why it is offline or has failed. */
  readonly error: CarillonClientError | null
  /** The badge, with the marks that the server has not answered yet. */
  readonly counts: InboxCounts
}

/** A mark by ids or filter; resolves when the server has answered, rejects when it refused: then it is taken back. */
export type MarkInbox = (selection: InboxSelection) => Promise<InboxChangeFragment>

/**
 * One recipient's inbox, live: a badge, lists, and marks that show at once, in every tab. The server's word is final:
 * whatever comes in whatever order, the store ends with what the server has.
 */
export interface InboxStore {
  /** Calls back after every change of the state. The inbox is followed as long as somebody is subscribed. */
  subscribe(listener: () => void): () => void
  /** The same object as long as nothing has changed. */
  getSnapshot(): InboxState
  /** The list with this filter; the same one for the same filter. Left out: all that is neither archived nor snoozed. */
  list(filter?: InboxListFilter): InboxList
  /** Calls back with what has newly arrived, unread, since the store began, also while it was offline. */
  onArrival(listener: (items: readonly InboxItem[]) => void): () => void
  readonly markSeen: MarkInbox
  /** Read, and seen. */
  readonly markRead: MarkInbox
  readonly markUnread: MarkInbox
  readonly archive: MarkInbox
  readonly unarchive: MarkInbox
  /** Puts items away until an instant, when they come back by themselves. */
  readonly snooze: (selection: {
    readonly ids: readonly string[]
    readonly until: Date
  }) => Promise<InboxChangeFragment>
  readonly unsnooze: MarkInbox
  /** Throws everything away and loads it anew; also the way out of `failed`. */
  reload(): void
  /** Ends it for good: marks that were not sent are rejected with CLIENT_CLOSED. The client stays open. */
  close(): void
}

const DEFAULT_PAGE_SIZE = 30
/** A tab that has died cannot say what came of its mark. */
const FOREIGN_MARK_MS = 15_000
/** What came of a mark in another tab, or of one that concerned many items, the stream tells: for so long it may. */
const TELLING_MS = 3_000

/** Unique among a browser's tabs; `crypto.randomUUID` is for pages over https alone. */
const newMarkId = (): string => `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`

const keyOf = (filter: InboxListFilter): string =>
  JSON.stringify(
    Object.entries(filter)
      .filter(([, value]) => value != null)
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )

/** Makes a store over a client. Nothing is asked before somebody subscribes. */
export const createInboxStore = (client: InboxSource, options: InboxStoreOptions = {}): InboxStore => {
  const { pageSize = DEFAULT_PAGE_SIZE } = options
  const recipientId = options.recipientId ?? null
  const lists = new Map<string, OwnList>()
  const arrivals = new Set<(items: readonly InboxItem[]) => void>()
  /** Marks that are shown for a while yet. */
  const dropping = new Map<string, ReturnType<typeof setTimeout>>()
  let state: InboxState = { status: 'resting', error: null, counts: NO_COUNTS }
  let following = 0
  let watch: AsyncIterator<InboxUpdateFragment, undefined> | null = null
  let run = 0
  let tabs: Tabs | null = null
  let closed = false

  const show = (next: Partial<InboxState>): void => {
    const counts = ledger.counts()
    const { status = state.status, error = state.error } = next
    const sameBadge = sameCounts(counts, state.counts)
    if (status === state.status && error === state.error && sameBadge) return
    state = { status, error, counts: sameBadge ? state.counts : counts }
    listeners.tell()
  }

  const follow = (): (() => void) => {
    following += 1
    // After the one who came has had the time to say what for.
    queueMicrotask(() => void start())
    return () => {
      following -= 1
      // One who comes back at once, as React's strict mode does, finds everything as it was.
      setTimeout(() => following === 0 && rest(), 0)
    }
  }

  const order = createArrivalOrder()
  const listeners = createListeners(follow)
  const ledger = createLedger(order, {
    wants: (item) => [...lists.values()].some((list) => list.wants(item)),
    holds: (id) => [...lists.values()].some((list) => list.holds(id)),
    changed: (items) => {
      for (const list of lists.values()) list.changed(items)
    },
  })
  const sender = createSender(client, {
    recipientId,
    firstRetryMs: options.firstRetryMs,
    onSent: ({ id }) => ledger.sent(id),
  })

  const loadLists = (): void => {
    for (const list of lists.values()) {
      const { status } = list.getSnapshot()
      if (list.isWanted && status !== 'ready') void list.load().then(() => show({}))
    }
  }

  const hear = (update: InboxUpdateFragment): void => {
    if (update.resync) {
      ledger.reset()
      for (const list of lists.values()) list.restart()
    }
    const arrived = ledger.told(update)
    show({ status: 'live', error: null })
    sender.wake()
    loadLists()
    if (arrived.length > 0) for (const listener of [...arrivals]) listener(arrived)
  }

  const onStatus = (status: 'live' | 'waiting', error: CarillonClientError | null): void => {
    show({ status: status === 'live' ? 'live' : 'offline', error })
    if (status === 'live') {
      sender.wake()
      loadLists()
    }
  }

  const start = async (): Promise<void> => {
    if (closed || following === 0) return
    if (state.status === 'resting') {
      run += 1
      show({ status: 'connecting', error: null })
      void meetTabs()
      await watchFrom(run)
    } else if (ledger.cursor !== null && state.status !== 'failed') loadLists()
  }

  const watchFrom = async (own: number): Promise<void> => {
    try {
      if (ledger.cursor === null) {
        // Its cursor is where the stream begins: nothing is missed in between, and one request is saved.
        const [first] = [...lists.values()].filter(({ isWanted }) => isWanted)
        const cursor = (await first?.load()) ?? null
        if (cursor !== null && ledger.cursor === null) ledger.begin(cursor)
        if (own !== run) return
        show({})
        if (cursor !== null) loadLists()
      }
      const updates = client.watchInbox({ after: ledger.cursor, recipientId }, { onStatus })
      watch = updates
      for await (const update of updates) {
        if (own !== run) return
        hear(update)
      }
    } catch (error) {
      if (own === run) show({ status: 'failed', error: error as CarillonClientError })
    }
  }

  const rest = (): void => {
    run += 1
    void watch?.return?.()
    watch = null
    tabs?.close()
    tabs = null
    show({ status: 'resting', error: null })
  }

  const meetTabs = async (): Promise<void> => {
    const own = run
    // Whose inbox this is: another's tab must not hear of it. Without an answer each tab stands by itself.
    const viewer = await client.viewer().catch(() => null)
    if (viewer && own === run)
      tabs = openTabs(`carillon ${viewer.tenantId} ${recipientId ?? viewer.recipientId}`, hearTab)
  }

  const dropLater = (markId: string, afterMs: number): void => {
    clearTimeout(dropping.get(markId))
    const drop = (): void => {
      dropping.delete(markId)
      ledger.dropped(markId)
      show({})
    }
    dropping.set(markId, setTimeout(drop, afterMs))
  }
  const hearTab: Parameters<typeof openTabs>[1] = (message) => {
    if (message.kind === 'made') {
      ledger.mark(message.mark)
      dropLater(message.mark.id, FOREIGN_MARK_MS)
    } else if (dropping.has(message.markId)) {
      if (message.kind === 'answered') ledger.confirmed(message.markId)
      dropLater(message.markId, message.kind === 'answered' ? TELLING_MS : 0)
    }
    show({})
  }

  const make =
    (action: InboxActionName) =>
    async (asked: InboxSelection & { readonly until?: Date }): Promise<InboxChangeFragment> => {
      const upTo = 'filter' in asked ? (asked.upTo ?? ledger.cursor ?? undefined) : undefined
      const selection = 'ids' in asked ? { ids: asked.ids } : { filter: asked.filter, ...(upTo && { upTo }) }
      const { newestArrival } = ledger
      const id = newMarkId()
      const mark: Mark = {
        id,
        action,
        selection,
        at: new Date().toISOString(),
        until: asked.until?.toISOString() ?? null,
        newestArrival,
      }
      ledger.mark(mark)
      show({})
      tabs?.tell({ kind: 'made', mark })
      try {
        const answer = await sender.send(mark)
        if (!ledger.answered(id, answer)) dropLater(id, TELLING_MS)
        tabs?.tell({ kind: 'answered', markId: id })
        return answer
      } catch (error) {
        ledger.dropped(id)
        tabs?.tell({ kind: 'dropped', markId: id })
        throw error
      } finally {
        show({})
      }
    }

  return {
    subscribe: listeners.subscribe,
    getSnapshot: () => state,
    list(filter = {}) {
      const key = keyOf(filter)
      const existing = lists.get(key)
      if (existing) return existing
      const list = createList({
        filter,
        pageSize,
        ledger,
        order,
        loadPage: (page) => client.inbox({ recipientId, ...page }),
        onSubscribed: follow,
      })
      lists.set(key, list)
      return list
    },
    onArrival(listener) {
      arrivals.add(listener)
      return () => void arrivals.delete(listener)
    },
    markSeen: make('seen'),
    markRead: make('read'),
    markUnread: make('unread'),
    archive: make('archive'),
    unarchive: make('unarchive'),
    snooze: make('snooze'),
    unsnooze: make('unsnooze'),
    reload() {
      ledger.reset()
      for (const list of lists.values()) list.restart()
      if (state.status === 'failed') {
        show({ status: 'resting', error: null })
        void start()
      } else loadLists()
    },
    close() {
      closed = true
      for (const timer of dropping.values()) clearTimeout(timer)
      sender.close()
      rest()
    },
  }
}
