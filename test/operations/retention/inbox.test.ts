import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createClient, createInboxStore } from '../../../client-sdk/index.ts'
import { findOldItems, type OldItemsRow, pruneInboxItems } from '../../../server/db/sql/prune-inbox-items.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { inboxOf, type TestInbox } from '../../support/inbox.ts'
import { greeting } from '../../support/notifiers.ts'
import { openRawSocket } from '../../support/raw-socket.ts'
import { DAY_MS } from '../../support/retention.ts'
import { until } from '../../support/until.ts'

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [greeting],
      retention: { events: '100d', inbox: { archived: '10d', read: '20d', all: '40d' } },
    },
    { clock },
  )
})
afterAll(() => carillon.close())

const UPDATES = `subscription ($after: InboxCursor) {
  inboxUpdates(after: $after) { cursor resync counts { total unread unseen } removedIds changed { content { title } } }
}`

/** Follows an inbox over a socket, and collects what it is told. */
const follow = async ({ token }: TestInbox, after?: string) => {
  const socket = await openRawSocket(carillon.wsUrl, { token })
  onTestFinished(() => socket.end())
  socket.subscribe('1', UPDATES, { after })
  const updates = () =>
    socket.answers('1').flatMap(({ type, payload }) => (type === 'next' ? [payload.data.inboxUpdates] : []))
  return {
    updates,
    told: (count: number) => until(`${count} updates came`, () => updates().length >= count),
  }
}

const titles = async (inbox: TestInbox, filter?: object): Promise<string[]> =>
  (await inbox.items(filter)).map(({ title }) => title)

const later = (days: number): void => clock.advance(days * DAY_MS)

test('items go by their own age: archived ones first, then read ones, then whatever is left, and the badge follows', async () => {
  const inbox = await inboxOf(carillon, 'ada')
  await inbox.arrive('archived', 'read', 'unread', 'snoozed')
  const [snoozed, , read, archived] = await inbox.items()
  await inbox.mark('archive', { ids: [archived?.id] })
  await inbox.mark('markRead', { ids: [read?.id] })
  const SNOOZE = 'mutation ($input: SnoozeInput!) { snooze(input: $input) { affectedCount } }'
  const snoozedUntil = new Date(clock.now().getTime() + 60 * DAY_MS).toISOString()
  await carillon.ok(inbox.token, SNOOZE, { input: { ids: [snoozed?.id], until: snoozedUntil } })

  later(9)
  expect((await carillon.app.prune()).items).toBe(0)
  later(2)
  expect((await carillon.app.prune()).items).toBe(1)
  expect(await titles(inbox, { archived: true })).toEqual([])
  expect(await titles(inbox)).toEqual(['unread', 'read'])
  expect((await inbox.stand()).counts).toEqual({ total: 2, unread: 1, unseen: 1 })
  later(10)
  expect((await carillon.app.prune()).items).toBe(1)
  expect(await titles(inbox)).toEqual(['unread'])
  expect((await inbox.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  later(20)
  expect((await carillon.app.prune()).items).toBe(1)
  // What hides until later is there when it comes back, however old it is; but then its time is over.
  expect(await titles(inbox, { snoozed: true })).toEqual(['snoozed'])
  expect((await inbox.stand()).counts).toEqual({ total: 0, unread: 0, unseen: 0 })
  later(30)
  await carillon.drainJobs()
  expect(await titles(inbox)).toEqual(['snoozed'])
  expect((await carillon.app.prune()).items).toBe(1)
  // Nothing can be done about what has gone.
  expect((await inbox.mark('markUnread', { ids: [read?.id] })).affectedCount).toBe(0)
})

test('a front end that follows is told of each item that goes, and one that comes back in time as well', async () => {
  const inbox = await inboxOf(carillon, 'bob')
  await inbox.arrive('one', 'two', 'three')
  const ids = (await inbox.items()).map(({ id }) => id).reverse()
  const { cursor } = await inbox.stand()
  const live = await follow(inbox)
  await live.told(1)
  later(41)
  await inbox.arrive('new')
  await live.told(2)
  await carillon.app.prune()
  await until('all three were told of', () => live.updates().flatMap(({ removedIds }) => removedIds).length === 3)
  expect(live.updates().flatMap(({ removedIds }) => removedIds)).toEqual(ids)
  expect(live.updates().some(({ resync }) => resync)).toBe(false)
  expect(live.updates().at(-1).counts).toEqual({ total: 1, unread: 1, unseen: 1 })

  const back = await follow(inbox, cursor)
  await back.told(1)
  const [caughtUp] = back.updates()
  expect(caughtUp).toMatchObject({ resync: false, removedIds: ids, changed: [{ content: { title: 'new' } }] })
})

test('who comes back after the history itself has gone reloads, and the stream goes on', async () => {
  const inbox = await inboxOf(carillon, 'carl')
  await inbox.arrive('old')
  const { cursor: before } = await inbox.stand()
  const live = await follow(inbox)
  await live.told(1)
  later(101)
  await inbox.arrive('new')
  await carillon.app.prune()
  await until('it was told of', () => live.updates().some(({ removedIds }) => removedIds.length > 0))
  later(2)
  const { events } = await carillon.app.prune()
  expect(events).toBeGreaterThan(0)

  const late = await follow(inbox, before)
  await late.told(1)
  expect(late.updates()[0]).toMatchObject({ resync: true, changed: [], removedIds: [], counts: { total: 1 } })
  await inbox.arrive('newest')
  await late.told(2)
  await live.told(4)
  expect(late.updates()[1]).toMatchObject({ resync: false, changed: [{ content: { title: 'newest' } }] })
  // Whoever was there all the time need not reload, and a cursor from behind the gap is good.
  expect(live.updates().some(({ resync }) => resync)).toBe(false)
  const good = await follow(inbox, late.updates()[0].cursor)
  await good.told(1)
  expect(good.updates()[0]).toMatchObject({ resync: false, changed: [{ content: { title: 'newest' } }] })
})

test("the SDK's store loses the items that go, and reloads by itself where it was away for too long", async () => {
  const inbox = await inboxOf(carillon, 'dora')
  await inbox.arrive('first', 'second')
  const client = createClient({ url: carillon.graphqlUrl, token: inbox.token })
  const store = createInboxStore(client)
  onTestFinished(async () => {
    store.close()
    await client.close()
  })
  const list = store.list()
  const shown = () => list.getSnapshot().items.map(({ content }) => content?.title)
  const leaveList = list.subscribe(() => {})
  let leave = store.subscribe(() => {})
  await until('both are shown', () => shown().join() === 'second,first')
  later(41)
  await inbox.arrive('third')
  await carillon.app.prune()
  await until('the old ones have gone', () => shown().join() === 'third')
  expect(store.getSnapshot().counts).toEqual({ total: 1, unread: 1, unseen: 1 })

  leave()
  leaveList()
  await until('nobody follows', () => carillon.app.hub.subscriberCount === 0)
  later(101)
  await inbox.arrive('fourth')
  await carillon.app.prune()
  later(2)
  await carillon.app.prune()
  list.subscribe(() => {})
  leave = store.subscribe(() => {})
  await until('the new one alone is shown', () => shown().join() === 'fourth')
  expect(store.getSnapshot().counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  leave()
})

test('an inbox of more old items than one look finds is gone through in one pass, past those that stay', async () => {
  const inbox = await inboxOf(carillon, 'gina')
  const titles = Array.from({ length: 230 }, (_, index) => `item ${index}`)
  await Promise.all(titles.map((title) => inbox.arrive(title)))
  const { rows } = await carillon.sql.query(
    `update notification set archived_at = arrived_at where recipient_id = 'gina' and arrival_version % 10 > 0 returning id`,
  )
  await carillon.sql.query(`update inbox set (total, unread, unseen) = (23, 23, 23) where recipient_id = 'gina'`)
  later(11)
  expect(rows).toHaveLength(207)
  expect((await carillon.app.prune()).items).toBe(207)
  expect((await inbox.items()).length).toBe(23)
  expect((await inbox.stand()).counts).toEqual({ total: 23, unread: 23, unseen: 23 })
})

test('what was found to be old and is so no longer when its inbox is locked, stays', async () => {
  const inbox = await inboxOf(carillon, 'hugo')
  await inbox.arrive('back', 'gone', 'of another')
  const [other, gone, back] = await inbox.items()
  const ids = [gone?.id, back?.id]
  await inbox.mark('archive', { ids: [...ids, other?.id] })
  later(11)
  const now = clock.now()
  const cutoffs = { archived: new Date(now.getTime() - 10 * DAY_MS), read: null, arrived: null }
  const { system } = carillon.app.db
  const { rows } = await system.query<OldItemsRow>(findOldItems('acme', { after: 'hugn', limit: 1, cutoffs }))
  expect(rows).toMatchObject([{ recipient_id: 'hugo', reached: 3 }])
  await inbox.mark('unarchive', { ids: [back?.id] })
  const found = rows[0]?.ids.slice(0, 2) ?? []
  const prune = (recipientIds: string[]) =>
    system.query(pruneInboxItems('acme', { ids: found, recipientIds, now, cutoffs }))
  expect((await prune(['gina'])).rows).toEqual([])
  expect((await prune(['hugo'])).rows).toEqual([{ recipient_id: 'hugo', count: 1 }])
  expect(await titles(inbox)).toEqual(['back'])
  expect(await titles(inbox, { archived: true })).toEqual(['of another'])
})

test('what was pruned is told from what was erased', async () => {
  const rowsOf = async (id: string) =>
    (
      await carillon.sql.query(
        'select pruned_at is not null as pruned, erased_at is not null as erased, inbox_version is not null as told from notification where recipient_id = $1',
        [id],
      )
    ).rows
  for (const id of ['emil', 'fred']) await (await inboxOf(carillon, id)).arrive('hello')
  later(41)
  await carillon.app.prune()
  const ERASE = 'mutation { eraseRecipient(input: { recipientId: "fred" }) { erasedNotificationCount } }'
  await carillon.ok(carillon.backendKey, ERASE)
  expect(await rowsOf('emil')).toEqual([{ pruned: true, erased: false, told: true }])
  expect(await rowsOf('fred')).toEqual([{ pruned: true, erased: true, told: false }])
})
