import { WebSocket as PlatformWebSocket } from 'undici'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type CarillonClient, type ClientOptions, createClient, type InboxUpdate } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { type CuttableProxy, openCuttableProxy } from '../support/cuttable-proxy.ts'
import { until } from '../support/until.ts'
import { config, countUp } from './service.ts'

type Told = { readonly count: number } | undefined

let carillon: TestCarillon
let backend: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon(config)
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(() => carillon.close())

const frontEnd = async (recipientId: string, options: Partial<ClientOptions> = {}): Promise<CarillonClient> => {
  const token = await carillon.tokenFor(recipientId)
  const client = createClient({ url: carillon.graphqlUrl, token, ...options })
  onTestFinished(client.close)
  return client
}
const proxied = async (): Promise<CuttableProxy> => {
  const proxy = await openCuttableProxy(carillon.wsUrl)
  onTestFinished(proxy.close)
  return proxy
}
const countsIn = ({ changed }: InboxUpdate): unknown[] => changed.map(({ content }) => (content?.data as Told)?.count)
/** What is in an inbox, oldest arrival first, read page by page. */
const everythingIn = async (client: CarillonClient): Promise<unknown[]> => {
  const counts: unknown[] = []
  let after: string | null = null
  for (;;) {
    const { notifications }: Awaited<ReturnType<CarillonClient['inbox']>> = await client.inbox({ first: 100, after })
    counts.push(...notifications.edges.map(({ node }) => (node.content?.data as Told)?.count))
    after = notifications.pageInfo.endCursor
    if (!notifications.pageInfo.hasNextPage) return counts.reverse()
  }
}
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
const noSubscribers = () => until('nobody is subscribed', () => carillon.app.hub.subscriberCount === 0)
const next = async (updates: AsyncIterator<InboxUpdate, undefined>): Promise<InboxUpdate> => {
  const { value, done } = await updates.next()
  if (done) throw new Error('the watch ended')
  return value
}

test('2,000 notifications over a socket that is cut five times are each seen once, in order', async () => {
  const proxy = await proxied()
  const retries: string[] = []
  const client = await frontEnd('bob', { wsUrl: proxy.url, onRetry: ({ code }) => retries.push(code) })
  const { cursor } = await client.inbox()
  const telling = countUp(backend, { recipientId: 'bob', to: 2_000 })

  const seen: unknown[] = []
  const cursors: string[] = []
  const cutAfter = [1, 250, 500, 900, 1_200]
  let cut = 0
  for await (const update of client.watchInbox({ after: cursor })) {
    seen.push(...countsIn(update))
    cursors.push(update.cursor)
    if (seen.length >= (cutAfter[cut] ?? Number.POSITIVE_INFINITY)) cut += proxy.cut()
    if (seen.length < 2_000) continue
    expect(update.counts).toEqual({ total: 2_000, unread: 2_000, unseen: 2_000 })
    break
  }
  await telling
  expect(cut).toBe(5)
  expect(retries).toEqual(Array.from({ length: 5 }, () => 'NETWORK_ERROR'))
  expect(seen).toEqual(await everythingIn(client))
  expect(new Set(seen)).toEqual(new Set(upTo(2_000)))
  expect(new Set(cursors).size).toBe(cursors.length)
  await noSubscribers()
})

test('without a cursor a watch begins now, with the counts, and a cursor to come back with', async () => {
  await countUp(backend, { recipientId: 'now', to: 3 })
  const client = await frontEnd('now')
  const first = await next(client.watchInbox())
  expect(first).toMatchObject({ changed: [], removedIds: [], resync: false, counts: { total: 3, unread: 3 } })
  await countUp(backend, { recipientId: 'now', from: 3, to: 5 })
  expect(countsIn(await next(client.watchInbox({ after: first.cursor })))).toEqual([3, 4])
  await client.markRead({ filter: {} })
  const operator = createClient({ url: carillon.graphqlUrl, token: carillon.operatorKey })
  onTestFinished(operator.close)
  const marked = await next(operator.watchInbox({ recipientId: 'now', after: first.cursor }))
  expect(marked.counts).toEqual({ total: 5, unread: 0, unseen: 0 })
  expect(countsIn(marked)).toEqual([0, 1, 2, 3, 4])
})

test('a reader who is busy gets what came meanwhile at once, each notification in its latest state', async () => {
  const client = await frontEnd('busy')
  const updates = client.watchInbox()
  await next(updates)
  await countUp(backend, { recipientId: 'busy', to: 10 })
  for (const { node } of (await client.inbox()).notifications.edges) await client.markRead({ ids: [node.id] })
  const witness = client.watchInbox()
  await next(witness)
  await countUp(backend, { recipientId: 'busy', from: 10, to: 11 })
  await next(witness)
  // They share a socket, so the reader has been sent all but what may still be on its way.
  const read = [await next(updates)]
  while (read.at(-1)?.counts.total !== 11) read.push(await next(updates))
  expect(read.length).toBeLessThanOrEqual(3)
  const latest = new Map(read.flatMap(({ changed }) => changed.map(({ id, readAt }) => [id, readAt !== null] as const)))
  expect([...latest.values()]).toEqual([...Array(10).fill(true), false])
  expect(read.at(-1)?.counts).toEqual({ total: 11, unread: 1, unseen: 1 })
})

test('a reader who has stopped reading costs nothing but its cursor, and misses nothing when it goes on', async () => {
  const client = await frontEnd('slow')
  const updates = client.watchInbox()
  await next(updates)
  await until('it alone is subscribed', () => carillon.app.hub.subscriberCount === 1)
  await countUp(backend, { recipientId: 'slow', to: 1_500 })
  await noSubscribers()
  await countUp(backend, { recipientId: 'slow', from: 1_500, to: 2_000 })

  const kept = await next(updates)
  expect(kept.changed.length).toBeGreaterThanOrEqual(1_000)
  expect(kept.changed.length).toBeLessThan(1_100)
  const seen = countsIn(kept)
  while (seen.length < 2_000) seen.push(...countsIn(await next(updates)))
  expect(seen).toEqual(await everythingIn(client))
})

test('a connection that has gone silent is noticed and replaced', async () => {
  const proxy = await proxied()
  const client = await frontEnd('silent', { wsUrl: proxy.url, keepAliveMs: 300 })
  const updates = client.watchInbox()
  await next(updates)
  proxy.freeze()
  await countUp(backend, { recipientId: 'silent', to: 3 })
  expect(countsIn(await next(updates))).toEqual([0, 1, 2])
})

test('the WebSocket of browsers and newer Nodes does as well as that of package ws', async () => {
  const proxy = await proxied()
  const client = await frontEnd('browser', { wsUrl: proxy.url, webSocketImpl: PlatformWebSocket })
  const updates = client.watchInbox()
  await next(updates)
  await countUp(backend, { recipientId: 'browser', to: 1 })
  expect(countsIn(await next(updates))).toEqual([0])
  expect(proxy.cut()).toBe(1)
  await countUp(backend, { recipientId: 'browser', from: 1, to: 2 })
  expect(countsIn(await next(updates))).toEqual([1])
  client.close()
  await until('the socket is closed', () => proxy.connectionCount === 0)
})

test('a server that is away is waited for, from before the first update on', async () => {
  const proxy = await proxied()
  proxy.admit('nobody')
  const retries: string[] = []
  const client = await frontEnd('patient', { wsUrl: proxy.url, onRetry: ({ code }) => retries.push(code) })
  const first = next(client.watchInbox())
  await until('it has tried in vain', () => retries.length > 0)
  expect(retries[0]).toBe('NETWORK_ERROR')
  proxy.admit('everyone')
  expect((await first).counts.total).toBe(0)
})

test('return() ends a watch at once, also one that waits, and frees it on the server', async () => {
  const client = await frontEnd('leaver')
  const updates = client.watchInbox()
  await next(updates)
  const waiting = updates.next()
  await until('it is subscribed', () => carillon.app.hub.subscriberCount === 1)
  expect(await updates.return?.()).toEqual({ value: undefined, done: true })
  expect(await waiting).toEqual({ value: undefined, done: true })
  expect(await updates.next()).toEqual({ value: undefined, done: true })
  await noSubscribers()
})

test('close() ends every watch and the socket, and none can be begun again', async () => {
  const proxy = await proxied()
  const client = await frontEnd('closer', { wsUrl: proxy.url })
  const watches = [client.watchInbox(), client.watchInbox()]
  await Promise.all(watches.map(next))
  expect(proxy.connectionCount).toBe(1)
  const waiting = watches.map((watch) => watch.next())
  client.close()
  expect(await Promise.all(waiting)).toEqual([
    { value: undefined, done: true },
    { value: undefined, done: true },
  ])
  await until('the socket is closed', () => proxy.connectionCount === 0)
  await expect(client.watchInbox().next()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
  expect((await client.inbox()).counts.total).toBe(0)
})

test('close() while it connects leaves nothing behind', async () => {
  const proxy = await proxied()
  proxy.admit('to the door')
  const client = await frontEnd('hasty', { wsUrl: proxy.url })
  const waiting = client.watchInbox().next()
  await until('it connects', () => proxy.connectionCount === 1)
  client.close()
  expect(await waiting).toEqual({ value: undefined, done: true })
  await until('the socket is gone', () => proxy.connectionCount === 0)
})

test('what coming back cannot heal is thrown, once', async () => {
  const refused = createClient({ url: carillon.graphqlUrl, token: 'ck_nobody' }).watchInbox()
  await expect(refused.next()).rejects.toMatchObject({ name: 'CarillonClientError', code: 'UNAUTHENTICATED' })
  expect(await refused.next()).toEqual({ value: undefined, done: true })

  const loggedOut = createClient({ url: carillon.graphqlUrl, token: () => null }).watchInbox()
  await expect(loggedOut.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })

  await expect(backend.watchInbox({ recipientId: 'bob' }).next()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  const client = await frontEnd('wrong')
  await expect(client.watchInbox({ after: 'nonsense' }).next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  await expect(client.watchInbox({ recipientId: 'bob' }).next()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await noSubscribers()
})

test('any subscription can be followed, typed by its document', async () => {
  const client = await frontEnd('own')
  const badge = client.subscribe('subscription { inboxUpdates { counts { unread } } }')
  expect(await badge.next()).toEqual({ value: { inboxUpdates: { counts: { unread: 0 } } }, done: false })
  await countUp(backend, { recipientId: 'own', to: 1 })
  expect(await badge.next()).toEqual({ value: { inboxUpdates: { counts: { unread: 1 } } }, done: false })
  await badge.return?.()
  await expect(client.subscribe('subscription { nonsense }').next()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
})
