import type { DeliveryKey } from '../core/delivery.ts'
import type { Database } from '../db/client.ts'
import { readTailedDeliveries, type TailedRow, type TailFilter } from '../db/sql/read-tailed-deliveries.ts'
import type { Bus } from './bus.ts'
import { Pulled } from './iterator.ts'

/*
 * A follower is one of
 *
 *   idle ──next()──► asking ──a row that fits is found──► idle
 *
 * and has, beside that, ids that were hinted at and are not read yet. They are read only while it asks and has no rows
 * left, so one that is slow keeps ids alone, and of those the newest; and sees of each delivery the state it is in then.
 */

/** What a tail does for its followers. */
interface Desk {
  consider(follower: Follower): void
  leave(follower: Follower): void
}

class Follower extends Pulled<TailedRow> {
  readonly tenantId: string
  readonly filter: TailFilter
  /** In the order in which they changed. */
  readonly pending = new Set<string>()
  /** Read, and not yet handed out. */
  rows: readonly TailedRow[] = []
  /** The state in which each was last handed out, so that two hints about one change are told once. */
  readonly told = new Map<string, string>()
  private readonly desk: Desk

  constructor(desk: Desk, tenantId: string, filter: TailFilter) {
    super()
    this.desk = desk
    this.tenantId = tenantId
    this.filter = filter
  }

  protected asked(): void {
    this.desk.consider(this)
  }

  protected left(): void {
    this.desk.leave(this)
  }
}

export interface DeliveryTail {
  /** What changes from now on, and fits. Not gap-free: hints may be lost, and who is slow misses the oldest. */
  follow(tenantId: string, filter: TailFilter): AsyncIterableIterator<TailedRow, undefined>
  /** Tells every process of a change, where any of them wants to know. */
  changed(deliveries: readonly DeliveryKey[]): void
  /** Some process has told of a change. */
  heard(deliveries: readonly DeliveryKey[]): void
  /** Some process has followers. */
  tailed(): void
  readonly followerCount: number
  close(): void
}

/** How many ids a follower keeps that it has not asked for. */
const MAX_PENDING = 1_000
/** How many of them are read at once. */
const MAX_READ = 100
/** How many followers one statement reads for. */
const MAX_FOLLOWERS_READ = 50
const MAX_TOLD = 1_000
/** How often a process with followers says so, and how long the others believe it. */
const SAY_SO_EVERY_MS = 5_000
const BELIEVED_FOR_MS = 15_000

const stateOf = (row: TailedRow): string =>
  JSON.stringify([
    row.updatedAt,
    row.status,
    row.orchestrationState,
    row.suppressionReason,
    row.nextEligibleAt,
    row.nextAttemptAt,
  ])

/** Drops the oldest where there are more than so many. */
const keepNewest = (kept: Set<string> | Map<string, string>, max: number): void => {
  for (const oldest of kept.keys()) {
    if (kept.size <= max) return
    kept.delete(oldest)
  }
}

/** Pushes deliveries as they change to whoever follows them. A hint names the ids; the state is read. */
export const openDeliveryTail = ({
  db,
  bus,
  onError,
}: {
  readonly db: Pick<Database, 'system'>
  readonly bus: Pick<Bus, 'deliveriesChanged' | 'deliveriesTailed'>
  readonly onError: (error: Error) => void
}): DeliveryTail => {
  const followers = new Map<string, Set<Follower>>()
  const ready = new Set<Follower>()
  let believedUntil = 0
  let sayingSo: NodeJS.Timeout | null = null
  let reading = false
  let closed = false

  const consider = (follower: Follower): void => {
    if (!follower.isAsking) return
    const [row, ...rest] = follower.rows
    if (row) {
      follower.rows = rest
      follower.give(row)
    } else if (follower.pending.size > 0) {
      ready.add(follower)
      if (!reading) void readAll()
    }
  }

  const readAll = async (): Promise<void> => {
    reading = true
    while (ready.size > 0 && !closed) {
      const batch = [...ready].slice(0, MAX_FOLLOWERS_READ)
      for (const follower of batch) ready.delete(follower)
      try {
        await readFor(batch)
      } catch (error) {
        // What these would have shown is lost, which they are told to expect.
        onError(error as Error)
        for (const follower of batch) consider(follower)
      }
    }
    reading = false
  }

  const takeIds = ({ pending }: Follower): readonly string[] => {
    const ids = [...pending].slice(0, MAX_READ)
    for (const id of ids) pending.delete(id)
    return ids
  }

  const isNews = ({ told }: Follower, row: TailedRow): boolean => {
    const state = stateOf(row)
    const known = told.get(row.id) === state
    told.delete(row.id)
    told.set(row.id, state)
    keepNewest(told, MAX_TOLD)
    return !known
  }

  const readFor = async (batch: readonly Follower[]): Promise<void> => {
    const reads = batch.map((follower) => {
      const { tenantId, filter } = follower
      return { tenantId, filter, ids: takeIds(follower) }
    })
    const { rows } = await db.system.query<TailedRow & { ordinal: number }>(readTailedDeliveries(reads))
    for (const [index, follower] of batch.entries()) {
      const own = rows.filter(({ ordinal }) => ordinal === index + 1)
      follower.rows = own.filter((row) => isNews(follower, row))
      consider(follower)
    }
  }

  const sayIfFollowed = (): void => {
    if (followers.size > 0) {
      sayingSo ??= setInterval(() => bus.deliveriesTailed(), SAY_SO_EVERY_MS).unref()
      bus.deliveriesTailed()
    } else if (sayingSo) {
      clearInterval(sayingSo)
      sayingSo = null
    }
  }

  const leave = (follower: Follower): void => {
    const group = followers.get(follower.tenantId)
    group?.delete(follower)
    if (group?.size === 0) {
      followers.delete(follower.tenantId)
      sayIfFollowed()
    }
    ready.delete(follower)
  }
  const desk: Desk = { consider, leave }

  return {
    follow(tenantId, filter) {
      const follower = new Follower(desk, tenantId, filter)
      if (closed) follower.end()
      else {
        followers.set(tenantId, (followers.get(tenantId) ?? new Set()).add(follower))
        sayIfFollowed()
      }
      return follower
    },
    changed(deliveries) {
      if (performance.now() < believedUntil) bus.deliveriesChanged(deliveries)
    },
    heard(deliveries) {
      const touched = new Set<Follower>()
      for (const { tenantId, id } of deliveries) {
        for (const follower of followers.get(tenantId) ?? []) {
          follower.pending.add(id)
          touched.add(follower)
        }
      }
      for (const follower of touched) {
        keepNewest(follower.pending, MAX_PENDING)
        consider(follower)
      }
    },
    tailed() {
      believedUntil = performance.now() + BELIEVED_FOR_MS
    },
    get followerCount() {
      let count = 0
      for (const group of followers.values()) count += group.size
      return count
    },
    close() {
      closed = true
      for (const group of [...followers.values()]) for (const follower of [...group]) follower.end()
    },
  }
}
