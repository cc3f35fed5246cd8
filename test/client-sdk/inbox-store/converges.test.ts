import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  createInboxStore,
  type InboxItem,
  type InboxListFilter,
  type InboxStore,
} from '../../../client-sdk/inbox-store/index.ts'
import { type Fate, type Hop, ModelInbox, TOMORROW } from './model-inbox.ts'

/*
 * Two tabs, a server that others change too, requests that overtake each other, get lost or are refused: in whatever
 * order all of that comes, both tabs end with what the server has.
 */

const FILTERS: readonly InboxListFilter[] = [{}, { read: false }, { archived: true }, { snoozed: true }]
const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']

/** A turn of the event loop: everything that can go on by itself has done so. */
const turn = async (): Promise<void> => {
  vi.advanceTimersByTime(60_000)
  await new Promise<void>((resolve) => setImmediate(resolve))
}

interface Channel {
  readonly name: string
  listener: ((event: { data: unknown }) => void) | null
  heard: Promise<void>
}

let channels: Channel[] = []
let hop: Hop = () => Promise.resolve()

/** The browser's, in that a tab hears another's messages in order, and each in its own time. */
class SlowBroadcastChannel {
  private readonly me: Channel
  constructor(name: string) {
    this.me = { name, listener: null, heard: Promise.resolve() }
    channels.push(this.me)
  }
  postMessage(data: unknown): void {
    for (const other of channels) {
      if (other === this.me || other.name !== this.me.name) continue
      const hear = async (): Promise<void> => {
        await hop('a tab hears')
        other.listener?.({ data: structuredClone(data) })
      }
      other.heard = other.heard.then(hear)
    }
  }
  addEventListener(_: string, listener: (event: { data: unknown }) => void): void {
    this.me.listener = listener
  }
  close(): void {
    channels = channels.filter((one) => one !== this.me)
  }
}

beforeEach(() => {
  vi.stubGlobal('BroadcastChannel', SlowBroadcastChannel)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
  channels = []
})

const fates = fc.constantFrom<Fate>('answered', 'answered', 'answered', 'refused', 'lost before', 'lost after')
const marking = fc.record({
  kind: fc.constant('mark' as const),
  tab: fc.nat({ max: 1 }),
  action: fc.constantFrom('markSeen', 'markRead', 'markUnread', 'archive', 'unarchive', 'unsnooze'),
  selection: fc.oneof(
    fc.record({ ids: fc.subarray(IDS, { minLength: 1 }) }),
    fc.record({ filter: fc.constantFrom<InboxListFilter>({}, { read: false }, { seen: false }) }),
  ),
  fate: fates,
})
const snoozing = fc.record({
  kind: fc.constant('snooze' as const),
  tab: fc.nat({ max: 1 }),
  ids: fc.subarray(IDS, { minLength: 1 }),
  fate: fates,
})
const elsewhere = fc.record({
  kind: fc.constant('elsewhere' as const),
  action: fc.constantFrom('seen', 'read', 'unread', 'archive', 'unarchive', 'snooze', 'unsnooze'),
  ids: fc.subarray(IDS, { minLength: 1, maxLength: 2 }),
})
const step = fc.oneof(
  { weight: 4, arbitrary: marking },
  { weight: 1, arbitrary: snoozing },
  { weight: 3, arbitrary: elsewhere },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('arrive' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), id: fc.constantFrom(...IDS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('more' as const), tab: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('away' as const), tab: fc.nat({ max: 1 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'erase' as const }) },
)

/** What is in a list, by instant of arrival: the order within one is not the server's promise. */
const byArrival = (items: readonly InboxItem[]): unknown[] => {
  const groups: { arrivedAt: string | null; items: unknown[] }[] = []
  for (const { id, arrivedAt, seenAt, readAt, archivedAt, snoozedUntil, cursor } of items) {
    if (groups.at(-1)?.arrivedAt !== arrivedAt) groups.push({ arrivedAt, items: [] })
    groups.at(-1)?.items.push(`${id} ${seenAt} ${readAt} ${archivedAt} ${snoozedUntil} ${cursor}`)
  }
  return groups.map((group) => ({ ...group, items: group.items.sort() }))
}

const follow = (store: InboxStore) => {
  const leave = [store.subscribe(() => {}), ...FILTERS.map((filter) => store.list(filter).subscribe(() => {}))]
  return () => {
    for (const one of leave) one()
  }
}

test('two tabs end with the server’s state, whatever was marked, changed, lost and refused in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.tuple(step, fc.nat({ max: 6 })), { maxLength: 25 }),
      async (scheduler, steps) => {
        channels = []
        hop = async (what) => void (await scheduler.schedule(Promise.resolve(), what))
        const server = new ModelInbox(hop)
        for (const id of IDS.slice(0, 5)) server.arrive(id)
        const stores = [0, 1].map(() => createInboxStore(server.source(), { pageSize: 2, firstRetryMs: 0 }))
        const leaving = stores.map(follow)
        const goOn = async (times: number): Promise<void> => {
          for (let time = 0; time < times && scheduler.count() > 0; time += 1) await scheduler.waitOne()
        }
        for (const [one, hops] of steps) {
          if (one.kind === 'mark') {
            server.fates.push(one.fate)
            stores[one.tab]?.[one.action](one.selection).catch(() => {})
          } else if (one.kind === 'snooze') {
            server.fates.push(one.fate)
            stores[one.tab]?.snooze({ ids: one.ids, until: new Date(TOMORROW) }).catch(() => {})
          } else if (one.kind === 'elsewhere') server.mark(one.action, { ids: one.ids })
          else if (one.kind === 'arrive') server.arrive(one.id)
          else if (one.kind === 'remove') server.remove(one.id)
          else if (one.kind === 'erase') server.erase()
          else if (one.kind === 'more') void stores[one.tab]?.list({}).loadMore()
          else {
            leaving[one.tab]?.()
            await turn()
            leaving[one.tab] = follow(stores[one.tab] as InboxStore)
          }
          await goOn(hops)
        }
        const settle = async (): Promise<void> => {
          for (let quiet = 0; quiet < 3; quiet += 1) {
            if (scheduler.count() > 0) quiet = 0
            await goOn(Number.POSITIVE_INFINITY)
            await turn()
          }
        }
        await settle()
        for (const store of stores) {
          for (const filter of FILTERS) {
            while (store.list(filter).getSnapshot().hasMore) {
              void store.list(filter).loadMore()
              await settle()
            }
            const listed = server.fitting(filter).map(({ item }) => item)
            expect(byArrival(store.list(filter).getSnapshot().items)).toEqual(byArrival(listed.reverse()))
          }
          expect(store.getSnapshot()).toMatchObject({ status: 'live', counts: server.counts })
        }
        for (const leave of leaving) leave()
        for (const store of stores) store.close()
      },
    ),
    { numRuns: 300 },
  )
})
