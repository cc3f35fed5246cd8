import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { inboxOf, type TestInbox } from '../../support/inbox.ts'
import { greeting } from '../../support/notifiers.ts'
import { refusalOf } from '../../support/trigger.ts'

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting] }, { clock })
})
afterAll(() => carillon.close())

const SNOOZE = `mutation ($input: SnoozeInput!) {
  snooze(input: $input) { affectedCount counts { total unread unseen } notifications { id snoozedUntil } }
}`
const snooze = async ({ token }: TestInbox, ids: readonly string[], until: string) =>
  (await carillon.ok(token, SNOOZE, { input: { ids, until } })).snooze

const later = (minutes: number): string => new Date(clock.now().getTime() + minutes * 60_000).toISOString()
const titles = async (inbox: TestInbox, filter?: object) => (await inbox.items(filter)).map(({ title }) => title)

test('a snoozed item is out of the list and the badge, and comes back by itself, in its place and as it was', async () => {
  const ada = await inboxOf(carillon, 'ada')
  await ada.arrive('one', 'two', 'three')
  const [, two] = await ada.items()
  await ada.mark('markSeen', { ids: [two?.id] })
  const until = later(10)
  expect(await snooze(ada, [two?.id as string], until)).toEqual({
    affectedCount: 1,
    counts: { total: 2, unread: 2, unseen: 2 },
    notifications: [{ id: two?.id, snoozedUntil: until }],
  })
  expect(await titles(ada)).toEqual(['three', 'one'])
  expect(await titles(ada, { snoozed: true })).toEqual(['two'])
  clock.set(later(9))
  expect(await carillon.drainJobs()).toBe(0)
  const { cursor } = await ada.stand()
  clock.set(until)
  await carillon.drainJobs()
  expect(await titles(ada)).toEqual(['three', 'two', 'one'])
  const stand = await ada.stand()
  expect(stand.counts).toEqual({ total: 3, unread: 3, unseen: 2 })
  expect(stand.cursor).not.toBe(cursor)
})

test('snoozed once more it comes back at the latest instant, and brought back by hand it does not come back twice', async () => {
  const bob = await inboxOf(carillon, 'bob')
  await bob.arrive('one', 'two')
  const ids = (await bob.items()).map(({ id }) => id)
  await snooze(bob, ids, later(10))
  await snooze(bob, ids, later(30))
  expect((await snooze(bob, ids, later(30))).affectedCount).toBe(0)
  clock.set(later(10))
  await carillon.drainJobs()
  expect(await titles(bob)).toEqual([])
  expect(await bob.mark('unsnooze', { filter: {} })).toMatchObject({ affectedCount: 2, counts: { total: 2 } })
  clock.set(later(60))
  expect(await carillon.drainJobs()).toBe(0)
  expect(await titles(bob)).toEqual(['two', 'one'])
})

test('what is archived while it sleeps stays archived when it wakes', async () => {
  const eve = await inboxOf(carillon, 'eve')
  await eve.arrive('one')
  const [one] = await eve.items()
  await snooze(eve, [one?.id as string], later(10))
  await eve.mark('archive', { ids: [one?.id] })
  clock.set(later(10))
  await carillon.drainJobs()
  expect(await titles(eve)).toEqual([])
  expect(await titles(eve, { archived: true })).toEqual(['one'])
  expect((await eve.stand()).counts).toEqual({ total: 0, unread: 0, unseen: 0 })
})

test("many wake at once, each recipient's in its own inbox, and watchers are told", async () => {
  const names = ['w1', 'w2', 'w3']
  for (const name of names) {
    const inbox = await inboxOf(carillon, name)
    await inbox.arrive('a', 'b')
    await snooze(
      inbox,
      (await inbox.items()).map(({ id }) => id),
      later(5),
    )
  }
  const watched = await inboxOf(carillon, 'w2')
  const updates = carillon.app.hub.subscribe({ tenantId: carillon.tenantId, recipientId: 'w2' }, null)
  await updates.next()
  clock.set(later(5))
  await carillon.drainJobs()
  const { value } = await updates.next()
  expect(value).toMatchObject({ counts: { total: 2 }, changed: [{ snoozedUntil: null }, { snoozedUntil: null }] })
  await updates.return?.()
  expect(await titles(watched)).toEqual(['b', 'a'])
})

test('until must be in the future, and ids of others change nothing', async () => {
  const foreign = await inboxOf(carillon, 'foreign')
  await foreign.arrive('theirs')
  const ids = (await foreign.items()).map(({ id }) => id)
  const mine = await inboxOf(carillon, 'mine')
  expect((await snooze(mine, ids, later(5))).affectedCount).toBe(0)
  const refused = await carillon.ask(mine.token, SNOOZE, { input: { ids, until: clock.now().toISOString() } })
  expect(refusalOf(refused)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.until' })
})
