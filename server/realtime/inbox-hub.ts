import type { InboxKey } from '../core/cursor.ts'
import { type InboxCounts, MAX_CHANGES } from '../core/inbox.ts'
import { inboxName } from '../core/name-of.ts'
import type { Database } from '../db/client.ts'
import type { NotificationRow } from '../db/sql/notification-row.ts'
import { type InboxChangesRow, readInboxChanges } from '../db/sql/read-inbox-changes.ts'
import { Pulled } from './iterator.ts'

/*
 * A subscriber is one of
 *
 *   idle ──next()──► asking ──a read finds something──► idle
 *
 * and, beside that, dirty or clean: a hint makes it dirty, a read that began after the hint makes it clean. Only who is
 * asking and dirty is read for. So a reader that is slow costs one mark, however much happens meanwhile, and then gets
 * fewer and larger updates; and nothing can overflow.
 */

/** What changed in an inbox since a version, in order. */
export interface InboxChanges {
  /** Where to go on from. */
  readonly version: number
  readonly changed: readonly NotificationRow[]
  /** What has left the inbox, by its own ids; with `changed` in one order of versions. */
  readonly removedIds: readonly string[]
  readonly counts: InboxCounts
  /** The version asked for cannot be continued from: reload, and go on from this one. */
  readonly resync: boolean
}

/** What a hub does for its subscribers. */
interface Desk {
  consider(subscriber: Subscriber): void
  leave(subscriber: Subscriber): void
}

class Subscriber extends Pulled<InboxChanges> {
  readonly inbox: InboxKey
  /** `null` until the first read has said where the inbox stands. */
  cursor: number | null
  dirty = true
  first = true
  private readonly desk: Desk

  constructor(desk: Desk, inbox: InboxKey, cursor: number | null) {
    super()
    this.desk = desk
    this.inbox = inbox
    this.cursor = cursor
  }

  protected asked(): void {
    this.desk.consider(this)
  }

  protected left(): void {
    this.desk.leave(this)
  }
}

export interface InboxHub {
  /** The inbox as it changes from version `after` on, or from now on. The first update comes at once. */
  subscribe(inbox: InboxKey, after: number | null): AsyncIterableIterator<InboxChanges, undefined>
  moved(inboxes: readonly InboxKey[] | 'all'): void
  readonly subscriberCount: number
  close(): void
}

/** How many subscribers one statement reads for. */
const MAX_READ_AT_ONCE = 500
const RETRY_AFTER_MS = 500

/** Makes of one inbox's rows what a subscriber with this cursor is to be told; `null`: nothing yet. */
const changesFor = (
  { cursor, first }: Subscriber,
  rows: readonly InboxChangesRow[],
): (InboxChanges & { readonly more: boolean }) | null => {
  const stand = rows[0]
  const version = stand?.version ?? 0
  const counts = { total: stand?.total ?? 0, unread: stand?.unread ?? 0, unseen: stand?.unseen ?? 0 }
  const lost = cursor !== null && (cursor > version || cursor < (stand?.resync_below ?? 0))
  if (lost) return { version, changed: [], removedIds: [], counts, resync: true, more: false }
  const moved = rows.filter((row): row is InboxChangesRow & NotificationRow => row.id !== null)
  if (!first && moved.length === 0 && version === cursor) return null
  const more = moved.length === MAX_CHANGES
  const last = moved.at(-1)?.inboxVersion
  // A row that is in no inbox any more is there for its version's sake.
  const changed = moved.filter(({ arrivalVersion }) => arrivalVersion !== null)
  const removedIds = moved.filter(({ arrivalVersion }) => arrivalVersion === null).map(({ id }) => id)
  return { version: more && last != null ? last : version, changed, removedIds, counts, resync: false, more }
}

/** What was given to subscribers at once: how many updates, how many of them said to reload, and how old the arrivals were. */
export interface Pushed {
  readonly updates: number
  readonly resyncs: number
  readonly delaysMs: readonly number[]
}

/** When the newest of what has just arrived did so; `null` where nothing has, and other changes alone are told of. */
const newestArrival = (changed: readonly NotificationRow[]): number | null => {
  const { arrivedAt, arrivalVersion, inboxVersion } = changed.at(-1) ?? {}
  return arrivedAt && arrivalVersion === inboxVersion ? arrivedAt.getTime() : null
}

/**
 * Pushes inboxes' changes to whoever subscribed. A hint says no more than "this inbox moved"; what is sent is read by
 * cursor, in one statement for all the inboxes that moved, so a lost hint delays and never loses.
 */
export const openInboxHub = ({
  db,
  onError,
  onPushed,
  sweepEveryMs = 15_000,
}: {
  readonly db: Pick<Database, 'system'>
  readonly onError: (error: Error) => void
  /** Told of each batch of updates that were given. */
  readonly onPushed?: (pushed: Pushed) => void
  /** How often every inbox that is watched is looked at, hint or none. */
  readonly sweepEveryMs?: number
}): InboxHub => {
  /** Lists, which are copied when they change: most inboxes have one subscriber, for whom a set is much. */
  const subscribers = new Map<string, readonly Subscriber[]>()
  const ready = new Set<Subscriber>()
  let reading = false
  let retry: NodeJS.Timeout | null = null
  let closed = false

  const consider = (subscriber: Subscriber): void => {
    if (!subscriber.isAsking || !subscriber.dirty) return
    ready.add(subscriber)
    if (!reading && !retry) void readAll()
  }

  const readAll = async (): Promise<void> => {
    reading = true
    while (ready.size > 0 && !closed) {
      const batch = [...ready].slice(0, MAX_READ_AT_ONCE)
      for (const subscriber of batch) ready.delete(subscriber)
      // One that was answered since it was put here stays dirty until it asks again.
      const asking = batch.filter((subscriber) => subscriber.isAsking)
      if (asking.length === 0) continue
      for (const subscriber of asking) subscriber.dirty = false
      try {
        await readFor(asking)
      } catch (error) {
        onError(error as Error)
        for (const subscriber of asking) {
          subscriber.dirty = true
          if (subscriber.isAsking) ready.add(subscriber)
        }
        retry = setTimeout(() => {
          retry = null
          void readAll()
        }, RETRY_AFTER_MS)
        break
      }
    }
    reading = false
  }

  const readFor = async (batch: readonly Subscriber[]): Promise<void> => {
    const wanted = batch.map(({ inbox, cursor }) => ({ ...inbox, after: cursor }))
    const { rows } = await db.system.query<InboxChangesRow>(readInboxChanges(wanted))
    const byOrdinal: InboxChangesRow[][] = batch.map(() => [])
    for (const row of rows) byOrdinal[row.ordinal - 1]?.push(row)
    const pushed = { updates: 0, resyncs: 0, delaysMs: [] as number[] }
    const now = Date.now()
    for (const [index, subscriber] of batch.entries()) {
      // It may have left meanwhile.
      if (!subscriber.isAsking) continue
      const changes = changesFor(subscriber, byOrdinal[index] ?? [])
      if (!changes) {
        consider(subscriber)
        continue
      }
      const { more, ...value } = changes
      pushed.updates += 1
      if (value.resync) pushed.resyncs += 1
      // What was there before somebody subscribed had nobody to be pushed to.
      const arrived = subscriber.first ? null : newestArrival(value.changed)
      if (arrived !== null) pushed.delaysMs.push(Math.max(0, now - arrived))
      subscriber.cursor = value.version
      subscriber.first = false
      subscriber.dirty ||= more
      subscriber.give(value)
    }
    if (pushed.updates > 0) onPushed?.(pushed)
  }

  const moved = (inboxes: readonly InboxKey[] | 'all'): void => {
    const touched =
      inboxes === 'all' ? [...subscribers.values()] : inboxes.map((inbox) => subscribers.get(inboxName(inbox)))
    for (const group of touched) {
      for (const subscriber of group ?? []) {
        subscriber.dirty = true
        consider(subscriber)
      }
    }
  }

  const leave = (subscriber: Subscriber): void => {
    const name = inboxName(subscriber.inbox)
    const others = (subscribers.get(name) ?? []).filter((other) => other !== subscriber)
    if (others.length > 0) subscribers.set(name, others)
    else subscribers.delete(name)
    ready.delete(subscriber)
  }

  const desk: Desk = { consider, leave }
  const sweep = setInterval(() => moved('all'), sweepEveryMs)
  sweep.unref()

  return {
    subscribe(inbox, after) {
      const subscriber = new Subscriber(desk, inbox, after)
      if (closed) subscriber.end()
      else subscribers.set(inboxName(inbox), [...(subscribers.get(inboxName(inbox)) ?? []), subscriber])
      return subscriber
    },
    moved,
    get subscriberCount() {
      let count = 0
      for (const group of subscribers.values()) count += group.length
      return count
    },
    close() {
      closed = true
      clearInterval(sweep)
      if (retry) clearTimeout(retry)
      for (const group of [...subscribers.values()]) for (const subscriber of group) subscriber.end()
    },
  }
}
