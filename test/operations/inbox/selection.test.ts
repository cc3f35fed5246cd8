import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { inboxOf, type TestInbox } from '../../support/inbox.ts'
import { greeting, mention } from '../../support/notifiers.ts'
import { refusalOf, trigger } from '../../support/trigger.ts'

let carillon: TestCarillon
let ada: TestInbox
let bob: TestInbox
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, mention], adapters: { email: memory() } })
  ada = await inboxOf(carillon, 'ada')
  bob = await inboxOf(carillon, 'bob')
  await ada.arrive('a1', 'a2')
  await bob.arrive('b1')
})
afterAll(() => carillon.close())

test('what arrived after the cursor stays untouched', async () => {
  const inbox = await inboxOf(carillon, 'upto')
  await inbox.arrive('one', 'two')
  const { cursor } = await inbox.stand()
  await inbox.arrive('three')
  const { affectedCount, counts } = await inbox.mark('markRead', { filter: {}, upTo: cursor })
  expect([affectedCount, counts.unread]).toEqual([2, 1])
  expect((await inbox.items({ read: false })).map(({ title }) => title)).toEqual(['three'])
})

test('what arrived before the cursor and changed after it is meant too', async () => {
  const inbox = await inboxOf(carillon, 'changed')
  await inbox.arrive('one')
  const { cursor } = await inbox.stand()
  await inbox.mark('markSeen', { filter: {} })
  expect((await inbox.mark('markRead', { filter: {}, upTo: cursor })).affectedCount).toBe(1)
})

test('a filter selects by state, category and notifier, and all that it says must fit', async () => {
  const inbox = await inboxOf(carillon, 'filter')
  const recipients = [{ id: 'filter' }]
  await inbox.arrive('hello')
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Ada' }, recipients })
  const titles = async (filter: object) => (await inbox.items(filter)).map(({ title }) => title)
  expect(await titles({ categories: ['comments', 'x'] })).toEqual(['Ada mentioned you'])
  expect(await titles({ categories: [] })).toEqual([])
  expect(await titles({ notificationKeys: ['greeting'] })).toEqual(['hello'])
  expect(await titles({ notificationKeys: ['greeting'], categories: ['comments'] })).toEqual([])
  expect((await inbox.mark('markSeen', { filter: { notificationKeys: ['greeting'] } })).affectedCount).toBe(1)
  expect(await titles({ seen: true })).toEqual(['hello'])
  expect(await titles({ seen: true, read: true })).toEqual([])
  expect(await titles({ seen: null, read: false, archived: false, snoozed: false })).toHaveLength(2)
  expect(await titles({ snoozed: true })).toEqual([])
  const { inbox: counted } = await carillon.ok(
    inbox.token,
    '{ inbox { all: count seen: count(filter: { seen: true }) archived: count(filter: { archived: true }) } }',
  )
  expect(counted).toEqual({ all: 2, seen: 1, archived: 0 })
})

test("unknown ids, ids of other things and another's ids change nothing, and the rest is done", async () => {
  const [own] = await ada.items()
  const [foreign] = await bob.items()
  const { events } = await carillon.ok(carillon.operatorKey, '{ events(first: 1) { edges { node { id } } } }')
  const ids = ['nonsense', '', foreign?.id, events.edges[0].node.id, own?.id, own?.id]
  const { affectedCount, notifications } = await ada.mark('markRead', { ids })
  expect([affectedCount, notifications.map(({ id }: { id: string }) => id)]).toEqual([1, [own?.id]])
  expect(await bob.items({ read: true })).toEqual([])
})

test('a notification that did not come into the inbox cannot be marked', async () => {
  const recipients = [{ id: 'off' }]
  const off = await inboxOf(carillon, 'off')
  const query = `mutation { setPreferences(input: { preferences: [{ channel: "in_app", enabled: false }] }) { preferences { recipientId } } }`
  await carillon.ok(off.token, query)
  const { event } = await trigger(carillon, { recipients })
  const { event: found } = await carillon.ok(
    carillon.operatorKey,
    'query ($id: ID!) { event(id: $id) { notifications { edges { node { id content { title } arrivedAt cursor } } } } }',
    { id: event.id },
  )
  const [{ node }] = found.notifications.edges
  expect(node).toMatchObject({ content: null, arrivedAt: null, cursor: null })
  expect((await off.mark('markRead', { ids: [node.id] })).affectedCount).toBe(0)
})

test.each<[string, () => Promise<object> | object, string]>([
  ['neither ids nor a filter', () => ({}), 'input'],
  ['both ids and a filter', () => ({ ids: [], filter: {} }), 'input'],
  ['both of them null', () => ({ ids: null, filter: null }), 'input'],
  ['more than a thousand ids', () => ({ ids: Array.from({ length: 1_001 }, () => 'x') }), 'input.ids'],
  ['ids up to a cursor', async () => ({ ids: [], upTo: (await ada.stand()).cursor }), 'input.upTo'],
  ["another inbox's cursor", async () => ({ filter: {}, upTo: (await bob.stand()).cursor }), 'input.upTo'],
  ['a malformed cursor', () => ({ filter: {}, upTo: 'nonsense' }), 'input.upTo'],
  ['an empty cursor', () => ({ filter: {}, upTo: '' }), 'input.upTo'],
  ['a category that cannot be', () => ({ filter: { categories: ['fine', 'a\0'] } }), 'input.filter.categories.1'],
])('a selection of %s is refused', async (_, selection, path) => {
  for (const action of ['markSeen', 'markRead', 'markUnread', 'archive', 'unarchive']) {
    expect(refusalOf(await ada.tryMark(action, await selection()))).toEqual({ code: 'BAD_USER_INPUT', path })
  }
})

test('a thousand ids may be named', async () => {
  const { affectedCount } = await ada.mark('markSeen', { ids: Array.from({ length: 1_000 }, () => 'x') })
  expect(affectedCount).toBe(0)
})

test('an operator marks for whom it names, and has to name one', async () => {
  const query = 'mutation ($input: InboxSelectionInput!) { markSeen(input: $input) { affectedCount } }'
  const mark = (recipientId?: string | null) =>
    carillon.ask(carillon.operatorKey, query, { input: { recipientId, filter: {} } })
  expect((await mark('bob')).data.markSeen.affectedCount).toBe(1)
  for (const recipientId of [undefined, null, ' ', 'x'.repeat(256)]) {
    expect(refusalOf(await mark(recipientId))).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipientId' })
  }
})
