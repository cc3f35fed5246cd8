import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { greeting, teamNews } from '../../support/notifiers.ts'
import { countRows, refusalOf, trigger, tryTrigger } from '../../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, teamNews] })
})
afterAll(() => carillon.close())

/** Who got an event, and what each of them reads. */
const audienceOf = async (eventId: string): Promise<readonly (readonly [string, string])[]> => {
  const query = `query ($id: ID!) { event(id: $id) { notifications(first: 100) { edges { node { recipientId content { title } } } } } }`
  const { event } = await carillon.ok(carillon.operatorKey, query, { id: eventId })
  type Edge = { readonly node: { readonly recipientId: string; readonly content: { readonly title: string } } }
  return event.notifications.edges.map(({ node }: Edge) => [node.recipientId, node.content.title]).sort()
}

const detailsOf = async (recipientId: string) => {
  const query = `query ($id: ID!) { recipient(recipientId: $id) { type displayName email phone timeZone locale data addresses { channel address } } }`
  return (await carillon.ok(carillon.backendKey, query, { id: recipientId })).recipient
}

test("the notifier's own recipients get it where the caller names none", async () => {
  const { event } = await trigger(carillon, {
    notificationKey: 'team.news',
    payload: { members: ['bob', 'ann'] },
    recipients: null,
  })
  expect(await audienceOf(event.id)).toEqual([
    ['ann', 'Hello ann of the team'],
    ['bob', 'Hello bob of the team'],
  ])
})

test("the caller's recipients come beside the notifier's, and the first mention of an id wins", async () => {
  const { event } = await trigger(carillon, {
    notificationKey: 'team.news',
    payload: { members: ['bob', ' bob', 'ann'] },
    recipients: [{ id: 'ann', displayName: 'Not me' }, { id: ' cid ', displayName: 'Cid' }, { id: 'cid' }],
  })
  expect(event.recipientCount).toBe(3)
  expect(await audienceOf(event.id)).toEqual([
    ['ann', 'Hello ann of the team'],
    ['bob', 'Hello bob of the team'],
    ['cid', 'Hello Cid'],
  ])
})

test('where neither says who gets it, that is refused', async () => {
  const refusal = refusalOf(await tryTrigger(carillon, { recipients: null }))
  expect(refusal).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients' })
})

test('an empty audience is an event with nobody in it', async () => {
  const { event } = await trigger(carillon, { recipients: [] })
  expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 0, plannedRecipientCount: 0 })
  const own = await trigger(carillon, { notificationKey: 'team.news', payload: { members: [] }, recipients: null })
  expect(own.event).toMatchObject({ status: 'PLANNED', recipientCount: 0 })
})

test('the actor never hears of its own act', async () => {
  const recipients = [{ id: 'ann' }, { id: 'bob ' }]
  const { event } = await trigger(carillon, { recipients, actorId: ' bob' })
  expect([event.actorId, event.recipientCount]).toEqual(['bob', 1])
  const alone = await trigger(carillon, { recipients: [{ id: 'bob' }], actorId: 'bob' })
  expect(alone.event.recipientCount).toBe(0)
})

test('details that are given are stored, those left out stay, and null removes', async () => {
  const id = randomUUID()
  const all = {
    displayName: 'Ada',
    email: 'ada@example.test',
    phone: '+491701234567',
    timeZone: 'Europe/Berlin',
    locale: 'de-DE',
    data: { plan: 'pro' },
  }
  await trigger(carillon, {
    recipients: [{ id, type: 'bot', ...all, addresses: [{ channel: 'push', address: 'one' }] }],
  })
  expect(await detailsOf(id)).toMatchObject({ type: 'bot', ...all })

  await trigger(carillon, {
    recipients: [{ id, displayName: 'Lovelace', addresses: [{ channel: 'push', address: 'two' }] }],
  })
  const changed = await detailsOf(id)
  expect(changed).toMatchObject({ type: 'bot', ...all, displayName: 'Lovelace' })
  expect(changed.addresses).toEqual([
    { channel: 'email', address: 'ada@example.test' },
    { channel: 'sms', address: '+491701234567' },
    { channel: 'push', address: 'one' },
    { channel: 'push', address: 'two' },
  ])

  const nothing = { displayName: null, email: null, phone: null, timeZone: null, locale: null }
  await trigger(carillon, { recipients: [{ id, type: null, ...nothing, data: null }] })
  expect(await detailsOf(id)).toMatchObject({ type: 'bot', ...nothing, data: {} })
})

test('a recipient of whom nothing but the id is said is not stored, and has an inbox', async () => {
  const id = randomUUID()
  await trigger(carillon, { recipients: [{ id }] })
  expect(await detailsOf(id)).toBeNull()
  const { inbox } = await carillon.ok(await carillon.tokenFor(id), '{ inbox { counts { total } } }')
  expect(inbox.counts.total).toBe(1)
})

test('details of a request that is a repeat change nothing', async () => {
  const id = randomUUID()
  const input = { idempotencyKey: id, recipients: [{ id, displayName: 'First' }] }
  await trigger(carillon, input)
  await trigger(carillon, { recipients: [{ id, displayName: 'Second' }] })
  expect((await trigger(carillon, input)).deduplicated).toBe(true)
  expect((await detailsOf(id)).displayName).toBe('Second')
})

test('a recipient whose details cannot be used refuses the whole, and names the field', async () => {
  const before = await countRows(carillon)
  const answer = await tryTrigger(carillon, { recipients: [{ id: 'fine' }, { id: 'zoe', timeZone: 'Mars/Phobos' }] })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients.1.timeZone' })
  expect(await countRows(carillon)).toEqual(before)
})

test('a thousand and more whom the notifier names are planned by a job, each once', async () => {
  const members = Array.from({ length: 1_001 }, (_, index) => `member-${index}`)
  const input = { notificationKey: 'team.news', payload: { members }, recipients: null, idempotencyKey: 'large' }
  const { event } = await trigger(carillon, input)
  expect(event).toMatchObject({ status: 'PLANNING', recipientCount: 1_001, plannedRecipientCount: 0 })
  expect((await trigger(carillon, input)).deduplicated).toBe(true)
  await carillon.drainJobs()
  const again = await trigger(carillon, input)
  expect(again.event).toMatchObject({ status: 'PLANNED', recipientCount: 1_001, plannedRecipientCount: 1_001 })
  const { rows } = await carillon.sql.query(
    `select count(*)::int, count(distinct recipient_id)::int as distinct from notification where notification_key = 'team.news' and recipient_id like 'member-%'`,
  )
  expect(rows).toEqual([{ count: 1_001, distinct: 1_001 }])
})
