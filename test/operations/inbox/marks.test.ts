import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeInboxCursor } from '../../../server/core/cursor.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { inboxOf, type TestInbox } from '../../support/inbox.ts'
import { greeting } from '../../support/notifiers.ts'

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] }, { clock })
})
afterAll(() => carillon.close())

const versionOf = ({ recipientId }: TestInbox, cursor: string) =>
  decodeInboxCursor({ tenantId: 'acme', recipientId }, cursor)

test('reading marks as seen too, and the first time counts', async () => {
  const inbox = await inboxOf(carillon, 'ada')
  await inbox.arrive('one', 'two')
  const [two] = await inbox.items()
  const first = clock.now().toISOString()
  const read = await inbox.mark('markRead', { ids: [two?.id] })
  expect(read).toMatchObject({ affectedCount: 1, counts: { total: 2, unread: 1, unseen: 1 } })
  expect(read.notifications).toMatchObject([{ content: { title: 'two' }, readAt: first, seenAt: first }])

  clock.advance(60_000)
  const again = await inbox.mark('markRead', { ids: [two?.id] })
  expect(again).toEqual({ ...read, affectedCount: 0, notifications: [] })
  expect(await inbox.items()).toMatchObject([{ readAt: first }, { readAt: null }])
})

test('seeing does not read, and what was seen before it was read keeps its first instant', async () => {
  const inbox = await inboxOf(carillon, 'bob')
  await inbox.arrive('one')
  const seenAt = clock.now().toISOString()
  expect((await inbox.mark('markSeen', { filter: {} })).counts).toEqual({ total: 1, unread: 1, unseen: 0 })
  clock.advance(1_000)
  const readAt = clock.now().toISOString()
  const { notifications, counts } = await inbox.mark('markRead', { filter: {} })
  expect(notifications).toMatchObject([{ seenAt, readAt }])
  expect(counts).toEqual({ total: 1, unread: 0, unseen: 0 })
})

test('what is marked unread stays seen', async () => {
  const inbox = await inboxOf(carillon, 'cid')
  await inbox.arrive('one')
  await inbox.mark('markRead', { filter: {} })
  const unread = await inbox.mark('markUnread', { filter: {} })
  expect(unread).toMatchObject({ affectedCount: 1, counts: { total: 1, unread: 1, unseen: 0 } })
  expect(unread.notifications).toMatchObject([{ readAt: null, seenAt: expect.any(String) }])
  expect((await inbox.mark('markUnread', { filter: {} })).affectedCount).toBe(0)
})

test('what is archived leaves the list and the counts, and comes back as it was', async () => {
  const inbox = await inboxOf(carillon, 'dan')
  await inbox.arrive('one', 'two', 'three')
  const [, two] = await inbox.items()
  const archived = await inbox.mark('archive', { ids: [two?.id] })
  expect(archived).toMatchObject({ affectedCount: 1, counts: { total: 2, unread: 2, unseen: 2 } })
  expect((await inbox.items()).map(({ title }) => title)).toEqual(['three', 'one'])
  expect((await inbox.items({ archived: true })).map(({ title }) => title)).toEqual(['two'])
  expect((await inbox.mark('archive', { ids: [two?.id] })).affectedCount).toBe(0)

  // What is put away can be read, and is not counted.
  expect((await inbox.mark('markRead', { ids: [two?.id] })).counts).toEqual({ total: 2, unread: 2, unseen: 2 })
  const back = await inbox.mark('unarchive', { filter: {} })
  expect(back).toMatchObject({ affectedCount: 1, counts: { total: 3, unread: 2, unseen: 2 } })
  expect((await inbox.items()).map(({ title }) => title)).toEqual(['three', 'two', 'one'])
})

test('{} is everything that is not archived, and for unarchive everything that is', async () => {
  const inbox = await inboxOf(carillon, 'eve')
  await inbox.arrive('one', 'two', 'three')
  const [three] = await inbox.items()
  await inbox.mark('archive', { ids: [three?.id] })
  expect((await inbox.mark('markRead', { filter: {} })).affectedCount).toBe(2)
  expect((await inbox.mark('markRead', { filter: { archived: true } })).affectedCount).toBe(1)
  expect((await inbox.mark('archive', { filter: {} })).affectedCount).toBe(2)
  expect((await inbox.mark('unarchive', { filter: { archived: false } })).affectedCount).toBe(0)
  expect((await inbox.mark('unarchive', { filter: {} })).affectedCount).toBe(3)
})

test('every change has a version of its own, given out in order of arrival', async () => {
  const inbox = await inboxOf(carillon, 'fay')
  await inbox.arrive('one', 'two', 'three', 'four')
  const [four, , two] = await inbox.items()
  expect(versionOf(inbox, (await inbox.stand()).cursor)).toBe(4)
  await inbox.mark('markRead', { ids: [two?.id, four?.id] })
  const versions = async () =>
    (await inbox.items()).map((item) => versionOf(inbox, (item as { cursor?: string }).cursor ?? ''))
  expect(await versions()).toEqual([6, 3, 5, 1])
  const { cursor } = await inbox.mark('markSeen', { filter: {} })
  expect(await versions()).toEqual([6, 8, 5, 7])
  expect([versionOf(inbox, cursor), versionOf(inbox, (await inbox.stand()).cursor)]).toEqual([8, 8])
})

test('a change of many answers the newest hundred of them, and how many there were', async () => {
  const inbox = await inboxOf(carillon, 'gil')
  const titles = Array.from({ length: 130 }, (_, index) => `${index}`)
  await inbox.arrive(...titles)
  const { affectedCount, notifications, counts } = await inbox.mark('markRead', { filter: {} })
  expect([affectedCount, counts]).toEqual([130, { total: 130, unread: 0, unseen: 0 }])
  const shown = notifications.map(({ content }: { content: { title: string } }) => content.title)
  expect(shown).toEqual(titles.slice(30).reverse())
})

test('marking an inbox of one to whom nothing ever happened changes nothing', async () => {
  const inbox = await inboxOf(carillon, 'nobody')
  const nothing = { total: 0, unread: 0, unseen: 0 }
  expect(await inbox.mark('markRead', { filter: {} })).toMatchObject({
    affectedCount: 0,
    counts: nothing,
    notifications: [],
  })
  expect(await inbox.stand()).toMatchObject({ counts: nothing })
})
