import { CarillonClientError } from '../../../client-sdk/error.ts'
import type { InboxChangeFragment, InboxUpdateFragment } from '../../../client-sdk/generated/operations.ts'
import type { InboxItem, InboxListFilter, InboxSelection, InboxSource } from '../../../client-sdk/inbox-store/index.ts'

/** Lets something happen later: nothing comes back before this has resolved. */
export type Hop = (what: string) => Promise<void>

/** What becomes of one request to mark. */
export type Fate = 'answered' | 'refused' | 'lost before' | 'lost after'

interface Row {
  item: InboxItem
  version: number
  arrival: number
}

type Action = 'seen' | 'read' | 'unread' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze'

/** Opaque: nothing but equality can be seen in it. */
const cursorOf = (version: number): string => `${(version * 2_654_435_761) % 4_294_967_296}`

const MAX_AN_UPDATE = 3
const MAX_LISTED = 2

export const TOMORROW = '2026-03-01T09:00:00.000Z'

/**
 * An inbox as the server keeps it, in memory and in one's own time: each request is read at one moment and answered at
 * a later one, and the stream tells the present state of what has changed, in order, a few at a time.
 */
export class ModelInbox {
  readonly rows = new Map<string, Row>()
  readonly fates: Fate[] = []
  version = 0
  private removed: { id: string; version: number }[] = []
  private streams = new Set<() => void>()
  private erasedAt = 0
  private readonly hop: Hop

  constructor(hop: Hop) {
    this.hop = hop
  }

  get counts() {
    const counted = [...this.rows.values()].filter(({ item }) => !item.archivedAt && !item.snoozedUntil)
    return {
      total: counted.length,
      unread: counted.filter(({ item }) => !item.readAt).length,
      unseen: counted.filter(({ item }) => !item.seenAt).length,
    }
  }

  /** A notification arrives; one that is there already arrives anew. Several share an instant. */
  arrive(id: string): void {
    this.version += 1
    const item: InboxItem = {
      id,
      recipientId: 'bob',
      notificationKey: 'model',
      category: null,
      cursor: cursorOf(this.version),
      content: { title: id, body: null, data: null, primaryAction: null, secondaryAction: null },
      insertedAt: '2026-01-01T00:00:00.000Z',
      arrivedAt: new Date(Date.UTC(2026, 0, 1) + Math.floor(this.version / 3) * 1_000).toISOString(),
      seenAt: null,
      readAt: null,
      archivedAt: null,
      snoozedUntil: null,
    }
    this.removed = this.removed.filter((tombstone) => tombstone.id !== id)
    this.rows.set(id, { item, version: this.version, arrival: this.version })
    this.moved()
  }

  remove(id: string): void {
    if (!this.rows.delete(id)) return
    this.version += 1
    this.removed.push({ id, version: this.version })
    this.moved()
  }

  /** Whoever comes back with an older cursor is told to reload. */
  erase(): void {
    this.rows.clear()
    this.removed = []
    this.version += 1
    this.erasedAt = this.version
    this.moved()
  }

  mark(action: Action, selection: InboxSelection & { readonly until?: string }): InboxChangeFragment {
    const chosen = this.select(action, selection).filter(({ item }) => {
      if (action === 'seen') return !item.seenAt
      if (action === 'read') return !item.readAt
      if (action === 'unread') return item.readAt
      if (action === 'snooze') return item.snoozedUntil !== (selection.until ?? TOMORROW)
      if (action === 'unsnooze') return item.snoozedUntil
      return action === 'archive' ? !item.archivedAt : item.archivedAt
    })
    const at = `2026-02-01T00:00:${String(this.version % 60).padStart(2, '0')}.000Z`
    for (const row of chosen) {
      this.version += 1
      const { item } = row
      const set = {
        seen: { seenAt: at },
        read: { readAt: at, seenAt: item.seenAt ?? at },
        unread: { readAt: null },
        archive: { archivedAt: at },
        unarchive: { archivedAt: null },
        snooze: { snoozedUntil: selection.until ?? TOMORROW },
        unsnooze: { snoozedUntil: null },
      }[action]
      row.version = this.version
      row.item = { ...item, ...set, cursor: cursorOf(this.version) }
    }
    if (chosen.length > 0) this.moved()
    return {
      affectedCount: chosen.length,
      cursor: cursorOf(this.version),
      counts: this.counts,
      notifications: chosen
        .map(({ item }) => item)
        .reverse()
        .slice(0, MAX_LISTED),
    }
  }

  /** Oldest arrival first. */
  fitting(filter: InboxListFilter, defaults: InboxListFilter = {}): Row[] {
    return [...this.rows.values()]
      .filter(
        ({ item }) =>
          (item.archivedAt !== null) === (filter.archived ?? defaults.archived ?? false) &&
          (item.snoozedUntil !== null) === (filter.snoozed ?? defaults.snoozed ?? false) &&
          (filter.read == null || (item.readAt !== null) === filter.read) &&
          (filter.seen == null || (item.seenAt !== null) === filter.seen),
      )
      .sort((one, other) => one.arrival - other.arrival)
  }

  private select(action: Action, selection: InboxSelection): Row[] {
    if ('ids' in selection) {
      const ids = new Set(selection.ids)
      return [...this.rows.values()].filter(({ item }) => ids.has(item.id)).sort((a, b) => a.arrival - b.arrival)
    }
    const { upTo } = selection
    let last = this.version
    while (upTo && cursorOf(last) !== upTo && last > 0) last -= 1
    return this.fitting(selection.filter, { archived: action === 'unarchive', snoozed: action === 'unsnooze' }).filter(
      ({ arrival }) => arrival <= last,
    )
  }

  private moved(): void {
    for (const wake of this.streams) wake()
  }

  private async ask(action: Action, input: unknown): Promise<InboxChangeFragment> {
    const fate = this.fates.shift() ?? 'answered'
    await this.hop(`${action} comes`)
    if (fate === 'lost before') throw new CarillonClientError('NETWORK_ERROR', 'lost on the way there')
    if (fate === 'refused') {
      await this.hop(`${action} is refused`)
      throw new CarillonClientError('FORBIDDEN', 'no')
    }
    const answer = this.mark(action, input as InboxSelection)
    await this.hop(`${action} is answered`)
    if (fate === 'lost after') throw new CarillonClientError('NETWORK_ERROR', 'lost on the way back')
    return answer
  }

  private changesAfter(version: number): { readonly update: InboxUpdateFragment; readonly version: number } {
    if (version < this.erasedAt) {
      const update = { cursor: cursorOf(this.version), changed: [], removedIds: [], counts: this.counts, resync: true }
      return { update, version: this.version }
    }
    const changes = [
      ...[...this.rows.values()].map(({ item, version: at }) => ({ at, item, id: item.id })),
      ...this.removed.map(({ id, version: at }) => ({ at, item: null, id })),
    ]
      .filter(({ at }) => at > version)
      .sort((one, other) => one.at - other.at)
    const told = changes.slice(0, MAX_AN_UPDATE)
    const reached = told.length < changes.length ? (told.at(-1)?.at ?? version) : this.version
    return {
      version: reached,
      update: {
        cursor: cursorOf(reached),
        changed: told.flatMap(({ item }) => item ?? []),
        removedIds: told.flatMap(({ item, id }) => (item ? [] : [id])),
        counts: this.counts,
        resync: false,
      },
    }
  }

  private watch(after: string | null): AsyncIterableIterator<InboxUpdateFragment, undefined> {
    let ended = false
    let stand = this.version
    while (after !== null && stand > 0 && cursorOf(stand) !== after) stand -= 1
    let first = true
    let wake: (() => void) | null = null
    const tell = () => wake?.()
    this.streams.add(tell)
    const iterator: AsyncIterableIterator<InboxUpdateFragment, undefined> = {
      [Symbol.asyncIterator]: () => iterator,
      next: async () => {
        while (!ended && !first && stand === this.version) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        if (ended) return { done: true, value: undefined }
        await this.hop('the stream reads')
        const { update, version } = this.changesAfter(stand)
        first = false
        stand = version
        await this.hop('the stream tells')
        return ended ? { done: true, value: undefined } : { done: false, value: update }
      },
      return: async () => {
        ended = true
        this.streams.delete(tell)
        tell()
        return { done: true, value: undefined }
      },
    }
    return iterator
  }

  /** A client of this inbox. */
  source(): InboxSource {
    const marks = (action: Action) => (input: unknown) => this.ask(action, input)
    return {
      inbox: async (variables) => {
        const { filter, first, after } = variables ?? {}
        await this.hop('a page is asked for')
        const cursor = cursorOf(this.version)
        const counts = this.counts
        // As the server does: where it stands is one statement, the page another.
        await this.hop('a page is read')
        const rows = this.fitting(filter ?? {})
          .reverse()
          .filter(({ arrival }) => after == null || arrival < Number(after))
        const page = rows.slice(0, first ?? 20)
        const edges = page.map(({ item, arrival }) => ({ cursor: String(arrival), node: item }))
        const end = edges.at(-1)?.cursor ?? null
        const pageInfo = {
          hasNextPage: page.length < rows.length,
          hasPreviousPage: false,
          startCursor: null,
          endCursor: end,
        }
        await this.hop('a page comes')
        return { recipientId: 'bob', cursor, counts, notifications: { edges, pageInfo } }
      },
      watchInbox: (variables) => this.watch(variables?.after ?? null),
      viewer: async () => ({ tenantId: 'acme', scopes: ['RECIPIENT'], recipientId: 'bob' }),
      markSeen: marks('seen'),
      markRead: marks('read'),
      markUnread: marks('unread'),
      archive: marks('archive'),
      unarchive: marks('unarchive'),
      snooze: marks('snooze'),
      unsnooze: marks('unsnooze'),
    }
  }
}
