import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createInboxStore, type InboxItem, type InboxStore } from '../../../client-sdk/inbox-store/index.ts'
import { ModelInbox } from './model-inbox.ts'

/** What is on its way, let through by hand. */
let waiting: { readonly what: string; readonly go: () => void }[] = []
const hop = (what: string): Promise<void> => new Promise((resolve) => void waiting.push({ what, go: resolve }))
const turn = async (): Promise<void> => {
  for (let time = 0; time < 5; time += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
const goOn = async (until: (what: string) => boolean = () => true): Promise<void> => {
  await turn()
  for (;;) {
    const index = waiting.findIndex(({ what }) => until(what))
    if (index === -1) return
    waiting.splice(index, 1)[0]?.go()
    await turn()
  }
}

beforeEach(() => void vi.stubGlobal('BroadcastChannel', undefined))
afterEach(() => {
  vi.unstubAllGlobals()
  waiting = []
})

const opened = async (server: ModelInbox, pageSize = 10): Promise<InboxStore> => {
  const store = createInboxStore(server.source(), { pageSize, firstRetryMs: 0 })
  store.list().subscribe(() => {})
  await goOn()
  return store
}
const shown = (store: InboxStore): string[] =>
  store
    .list()
    .getSnapshot()
    .items.map(({ id, readAt }) => (readAt ? `${id} read` : id))

test('a mark shows at once, in the list and on the badge, and stays whatever way the server’s word takes', async () => {
  for (const first of ['read is answered', 'the stream tells']) {
    const server = new ModelInbox(hop)
    for (const id of ['a', 'b', 'c']) server.arrive(id)
    const store = await opened(server)
    const seen: string[] = []
    const look = () => seen.push(`${shown(store).join()} ${store.getSnapshot().counts.unread}`)
    store.subscribe(look)
    store.list().subscribe(look)
    const marking = store.markRead({ ids: ['b'] })
    expect(`${shown(store).join()} ${store.getSnapshot().counts.unread}`).toBe('c,b read,a 2')
    await goOn((what) => what !== (first === 'the stream tells' ? 'read is answered' : 'the stream tells'))
    await goOn()
    await marking
    expect(new Set(seen.slice(1))).toEqual(new Set(['c,b read,a 2']))
    store.close()
  }
})

test('a mark that is refused is taken back, and says why', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = await opened(server)
  server.fates.push('refused')
  const refused = expect(store.archive({ ids: ['a'] })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(shown(store)).toEqual([])
  expect(store.getSnapshot().counts.total).toBe(0)
  await goOn()
  await refused
  expect(shown(store)).toEqual(['a'])
  expect(store.getSnapshot().counts).toEqual({ total: 1, unread: 1, unseen: 1 })
})

test('a mark that got lost on the way stays, and is sent again until it is answered', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = await opened(server)
  server.fates.push('lost before', 'lost after', 'lost before')
  const marking = store.markRead({ ids: ['a'] })
  let done = false
  void marking.then(() => {
    done = true
  })
  while (!done) {
    expect(shown(store)).toEqual(['a read'])
    await goOn()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  expect((await marking).affectedCount).toBe(0)
  expect(server.counts.unread).toBe(0)
})

test('marks reach the server in the order in which they were made, however quickly', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = await opened(server)
  const marks = [store.markRead({ ids: ['a'] }), store.markUnread({ ids: ['a'] }), store.markRead({ ids: ['a'] })]
  expect(shown(store)).toEqual(['a read'])
  await turn()
  expect(waiting.map(({ what }) => what)).toEqual(['read comes'])
  await goOn()
  await Promise.all(marks)
  expect(server.counts.unread).toBe(0)
  expect(shown(store)).toEqual(['a read'])
})

test('marking all leaves alone what arrives while the mark is under way, and the badge never shows anything else', async () => {
  const server = new ModelInbox(hop)
  for (let count = 0; count < 8; count += 1) server.arrive(`old ${count}`)
  const store = await opened(server, 3)
  const badges: number[] = []
  store.subscribe(() => badges.push(store.getSnapshot().counts.unread))
  const marking = store.markRead({ filter: {} })
  expect(store.getSnapshot().counts.unread).toBe(0)
  server.arrive('new')
  await goOn()
  await marking
  expect(server.counts.unread).toBe(1)
  expect(store.getSnapshot().counts).toEqual(server.counts)
  expect(shown(store)[0]).toBe('new')
  expect(
    shown(store)
      .slice(1)
      .every((one) => one.endsWith('read')),
  ).toBe(true)
  expect(Math.max(...badges)).toBeLessThanOrEqual(1)
})

test('what has newly arrived is told once, and what merely changed is not', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = await opened(server)
  const told: string[] = []
  store.onArrival((items: readonly InboxItem[]) => void told.push(...items.map(({ id }) => id)))
  server.mark('archive', { ids: ['a'] })
  server.mark('unarchive', { ids: ['a'] })
  await goOn()
  server.arrive('b')
  server.arrive('c')
  await goOn()
  server.mark('read', { ids: ['b'] })
  await goOn()
  expect(told.filter((id) => id !== 'a')).toEqual(['b', 'c'])
  server.arrive('b')
  await goOn()
  expect(told.at(-1)).toBe('b')
})

test('a snapshot is the same object until something in it changes, and then only that differs', async () => {
  const server = new ModelInbox(hop)
  for (let count = 0; count < 40; count += 1) server.arrive(`${count}`)
  const store = await opened(server, 40)
  const before = store.list().getSnapshot()
  expect(store.list().getSnapshot()).toBe(before)
  expect(store.list({}).getSnapshot()).toBe(before)
  const state = store.getSnapshot()
  expect(store.getSnapshot()).toBe(state)
  server.mark('read', { ids: ['7'] })
  await goOn()
  const after = store.list().getSnapshot()
  expect(after.items).not.toBe(before.items)
  expect(after.items.filter((item, index) => item !== before.items[index]).map(({ id }) => id)).toEqual(['7'])
})

test('nobody subscribed, nothing followed; whoever comes back gets what has changed meanwhile', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = createInboxStore(server.source())
  await turn()
  expect(waiting).toEqual([])
  const leave = store.list().subscribe(() => {})
  await goOn()
  expect(store.getSnapshot().status).toBe('live')
  leave()
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(store.getSnapshot().status).toBe('resting')
  server.arrive('b')
  await goOn()
  expect(shown(store)).toEqual(['a'])
  store.list().subscribe(() => {})
  await goOn()
  expect(shown(store)).toEqual(['b', 'a'])
})

test('an inbox that was erased is loaded anew', async () => {
  const server = new ModelInbox(hop)
  server.arrive('a')
  const store = await opened(server)
  server.erase()
  server.arrive('b')
  await goOn()
  expect(shown(store)).toEqual(['b'])
  expect(store.list().getSnapshot().status).toBe('ready')
})
