import type { InboxChangeFragment, InboxUpdateFragment } from '../generated/operations.ts'
import { addToCounts, emptyCounts, type InboxCounts, type InboxItem, NO_COUNTS, plus } from './item.ts'
import { foretellUnheld, isConcerned, type Mark, marked } from './mark.ts'
import type { ArrivalOrder } from './order.ts'

/*
 * What is known of an inbox, and what is shown of it.
 *
 *   known:  what the server said last of an item      shown:  the same, with the user's unanswered marks upon it
 *
 * Three speak of an item: the stream, pages, and the answers to marks, each over its own way, so what is heard last may
 * be old. Two rules keep the order, without looking into a cursor:
 *
 *   The stream has the last word. Whatever an item has become, the stream tells, in order.
 *   A page or an answer says nothing of an item that had news since it was asked for: it may have been read before.
 */

/** A question to the server whose answer tells how things stood at some moment after it was asked. */
export interface Asked {
  readonly at: number
}

interface News {
  readonly at: number
  /** `null`: it has left the inbox. */
  readonly item: InboxItem | null
}

interface Pending {
  readonly mark: Mark
  /** Told the server at this moment, or later. */
  asked: Asked
  /** The arrivals that it concerns: an item that arrives anew is a new item. */
  readonly arrivals: Map<string, string | null>
  readonly ids: ReadonlySet<string> | null
  /** What it does to the badge for items that are not here. */
  unheld: InboxCounts
  /** The server has done it; what became of each item is about to be told. */
  confirmed: boolean
}

interface Entry {
  readonly known: InboxItem
  readonly shown: InboxItem
  readonly pending: readonly Pending[]
}

/** Hears which items are shown otherwise than before; `null` where one is not there any more. */
export interface LedgerAudience {
  /** Whether anybody would show this item. */
  wants(item: InboxItem): boolean
  /** Whether anybody shows it. */
  holds(id: string): boolean
  changed(items: ReadonlyMap<string, InboxItem | null>): void
}

export interface Ledger {
  /** The badge, with unanswered marks. */
  counts(): InboxCounts
  /** Where the stream stands; `null` before it has begun. */
  readonly cursor: string | null
  /** The newest arrival that is known. */
  readonly newestArrival: string
  ask(): Asked
  /** To be called once for each `ask`, after its answer has been taken in, or has failed. */
  settle(asked: Asked): void
  /** Takes in a page, newest first. */
  page(asked: Asked, page: { readonly items: readonly InboxItem[]; readonly counts: InboxCounts }): void
  /** Takes in what the stream tells; answers the items that have newly arrived. */
  told(update: InboxUpdateFragment): readonly InboxItem[]
  /** The stream begins here. */
  begin(cursor: string): void
  mark(mark: Mark): void
  /** The mark is sent, perhaps once more. */
  sent(markId: string): void
  /** Answers whether that was all; `false` where the stream is to tell of further items, as after `confirmed`. */
  answered(markId: string, answer: InboxChangeFragment): boolean
  /** Another tab's mark was answered. Its items are shown as marked until the stream tells of them, or it is dropped. */
  confirmed(markId: string): void
  /** Takes a mark back: the server refused it, or nobody knows. */
  dropped(markId: string): void
  /** Shows what the stream told meanwhile and somebody wants now. */
  offer(): void
  /** Forgets all items: they are to be loaded anew. */
  reset(): void
}

export const createLedger = (order: ArrivalOrder, audience: LedgerAudience): Ledger => {
  const entries = new Map<string, Entry>()
  const pending = new Map<string, Pending>()
  /** What was new while questions are under way. */
  const news = new Map<string, News>()
  const questions = new Set<Asked>()
  const touched = new Set<string>()
  /** What marks do to the badge for items that are here. */
  let overlay = emptyCounts()
  let known: InboxCounts = NO_COUNTS
  let countedAt = 0
  let now = 0
  let resetAt = 0
  let cursor: string | null = null
  let newestArrival = ''

  const weigh = ({ known: item, shown }: Entry, times: 1 | -1): void => {
    addToCounts(overlay, shown, times)
    addToCounts(overlay, item, times === 1 ? -1 : 1)
  }

  const set = (id: string, item: InboxItem, marks: readonly Pending[]): void => {
    const before = entries.get(id)
    if (before) weigh(before, -1)
    const current = marks.filter(({ arrivals }) => arrivals.get(id) === item.arrivedAt)
    const shown = current.reduce((before, { mark }) => marked(mark, before), item)
    const entry: Entry = { known: item, shown, pending: current }
    entries.set(id, entry)
    weigh(entry, 1)
    touched.add(id)
  }

  /** A mark that was made before its item was here concerns it all the same, and then counts with it. */
  const marksUpon = (item: InboxItem): Pending[] => {
    const upon: Pending[] = []
    let shown = item
    for (const one of pending.values()) {
      if (one.confirmed || !(one.ids ? one.ids.has(item.id) : true) || !isConcerned(one.mark, shown)) continue
      const after = marked(one.mark, shown)
      const difference = emptyCounts()
      addToCounts(difference, shown, 1)
      addToCounts(difference, after, -1)
      const left = (field: keyof InboxCounts): number => Math.min(0, one.unheld[field] + difference[field])
      one.unheld = { total: left('total'), unread: left('unread'), unseen: left('unseen') }
      one.arrivals.set(item.id, item.arrivedAt)
      upon.push(one)
      shown = after
    }
    return upon
  }

  const remove = (id: string): void => {
    const entry = entries.get(id)
    if (!entry) return
    weigh(entry, -1)
    entries.delete(id)
    order.forget(id)
    touched.add(id)
  }

  const put = (item: InboxItem, rank: 'newer' | 'older'): void => {
    const held = entries.get(item.id)
    if (!held && !audience.wants(item)) return
    if (!held || held.known.arrivedAt !== item.arrivedAt) order[rank](item.id)
    set(item.id, item, held ? held.pending.filter(({ confirmed }) => !confirmed) : marksUpon(item))
  }

  const take = (id: string, item: InboxItem | null, rank: 'newer' | 'older'): boolean => {
    const last = news.get(id)
    const before = last ? last.item : (entries.get(id)?.known ?? null)
    // The same change again, over another way.
    if (before && item && before.cursor === item.cursor) {
      if (!entries.has(id)) put(item, rank)
      return false
    }
    now += 1
    if (questions.size > 0) news.set(id, { at: now, item })
    if (item) put(item, rank)
    else remove(id)
    if (item?.arrivedAt && item.arrivedAt > newestArrival) newestArrival = item.arrivedAt
    return true
  }

  const newsSince = ({ at }: Asked, id: string): News | null => {
    const last = news.get(id)
    return last && last.at > at ? last : null
  }

  const flush = (): void => {
    if (touched.size === 0) return
    const changes = new Map<string, InboxItem | null>()
    for (const id of touched) changes.set(id, entries.get(id)?.shown ?? null)
    touched.clear()
    audience.changed(changes)
    for (const id of changes.keys()) {
      if (audience.holds(id) || (entries.get(id)?.pending.length ?? 0) > 0) continue
      remove(id)
      touched.delete(id)
    }
  }

  const release = (one: Pending): void => {
    pending.delete(one.mark.id)
    settle(one.asked)
    for (const id of one.arrivals.keys()) {
      const entry = entries.get(id)
      if (entry?.pending.includes(one))
        set(
          id,
          entry.known,
          entry.pending.filter((other) => other !== one),
        )
    }
    flush()
  }

  const confirm = (one: Pending): void => {
    one.confirmed = true
    one.unheld = NO_COUNTS
    flush()
  }

  const ask = (): Asked => {
    const asked = { at: now }
    questions.add(asked)
    return asked
  }
  /** Nothing that was asked before this moment is heard: the stream will not tell what became of it. */
  const disregardAnswers = (): void => {
    now += 1
    resetAt = now
    news.clear()
  }
  const settle = (asked: Asked): void => {
    questions.delete(asked)
    if (questions.size === 0) news.clear()
  }

  const counts = (): InboxCounts => plus(known, overlay, ...[...pending.values()].map(({ unheld }) => unheld))

  return {
    counts,
    get cursor() {
      return cursor
    },
    get newestArrival() {
      return newestArrival
    },
    ask,
    settle,
    begin(at) {
      cursor = at
    },

    page(asked, { items, counts: counted }) {
      if (countedAt <= asked.at) known = counted
      // With the first page the stream begins.
      if (cursor === null) disregardAnswers()
      for (const item of items) {
        const later = newsSince(asked, item.id)
        if (!later) take(item.id, item, 'older')
        else if (later.item && !entries.has(item.id)) put(later.item, 'older')
        // Whoever asked may not show it yet, known as it is.
        touched.add(item.id)
      }
      flush()
    },

    told(update) {
      if (cursor === null) disregardAnswers()
      cursor = update.cursor
      const before = newestArrival
      const arrived: InboxItem[] = []
      for (const item of update.changed) {
        if (!take(item.id, item, 'newer')) continue
        const isNew = item.arrivedAt !== null && item.arrivedAt >= before && item.cursor !== null
        if (isNew && item.readAt === null && item.seenAt === null && item.archivedAt === null) arrived.push(item)
      }
      for (const id of update.removedIds) take(id, null, 'newer')
      now += 1
      known = update.counts
      countedAt = now
      flush()
      return arrived
    },

    mark(mark) {
      const ids = 'ids' in mark.selection ? new Set(mark.selection.ids) : null
      const one: Pending = { mark, asked: ask(), arrivals: new Map(), ids, unheld: NO_COUNTS, confirmed: false }
      const here = emptyCounts()
      const concerned: string[] = []
      for (const id of ids ?? entries.keys()) {
        const entry = entries.get(id)
        if (!entry) continue
        addToCounts(here, entry.shown, 1)
        if (isConcerned(mark, entry.shown)) concerned.push(id)
      }
      one.unheld = foretellUnheld(mark, { shown: counts(), here })
      pending.set(mark.id, one)
      for (const id of concerned) {
        const entry = entries.get(id) as Entry
        one.arrivals.set(id, entry.known.arrivedAt)
        set(id, entry.known, [...entry.pending, one])
      }
      flush()
    },

    sent(markId) {
      const one = pending.get(markId)
      if (!one) return
      const earlier = one.asked
      one.asked = ask()
      settle(earlier)
    },

    answered(markId, answer) {
      const one = pending.get(markId)
      if (!one) return true
      const { asked } = one
      // The inbox that it speaks of is not this one any more.
      if (asked.at < resetAt) {
        release(one)
        return true
      }
      // The stream's counts may be older than the answer's, unless it has told of what the mark did.
      const streamKnows = answer.notifications.some(({ id }) => newsSince(asked, id))
      if (countedAt <= asked.at || (answer.affectedCount > 0 && !streamKnows)) {
        now += 1
        known = answer.counts
        countedAt = now
      }
      for (const item of answer.notifications) if (!newsSince(asked, item.id)) take(item.id, item, 'older')
      const inPart = answer.affectedCount > answer.notifications.length
      if (inPart) confirm(one)
      else release(one)
      return !inPart
    },

    confirmed(markId) {
      const one = pending.get(markId)
      if (one) confirm(one)
    },

    dropped(markId) {
      const one = pending.get(markId)
      if (one) release(one)
    },

    offer() {
      for (const { item } of news.values()) {
        if (!item) continue
        if (entries.has(item.id)) touched.add(item.id)
        else put(item, 'newer')
      }
      flush()
    },

    reset() {
      disregardAnswers()
      for (const id of [...entries.keys()]) order.forget(id)
      entries.clear()
      touched.clear()
      overlay = emptyCounts()
      for (const one of pending.values()) {
        one.arrivals.clear()
        one.unheld = NO_COUNTS
      }
    },
  }
}
