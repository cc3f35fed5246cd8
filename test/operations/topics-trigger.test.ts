import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { greeting, teamNews } from '../support/notifiers.ts'
import { subscribe as subscribeOn } from '../support/settings.ts'
import { countRows, refusalOf, TRIGGER, trigger, triggerInput, tryTrigger } from '../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [greeting, teamNews] })
})
afterAll(() => carillon.close())

const subscribe = (topic: string, ...ids: readonly string[]) => subscribeOn(carillon, topic, ids)
const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}`)
/** As many as one call may subscribe, again and again. */
const subscribeMany = async (topic: string, ids: readonly string[]): Promise<void> => {
  for (let from = 0; from < ids.length; from += 1_000) await subscribe(topic, ...ids.slice(from, from + 1_000))
}

/** Who got an event, and what each of them reads. */
const audienceOf = async (eventId: string): Promise<readonly (readonly [string, string])[]> => {
  const query = `query ($id: ID!) { event(id: $id) { notifications(first: 100) { edges { node { recipientId content { title } } } } } }`
  const { event } = await carillon.ok(carillon.operatorKey, query, { id: eventId })
  type Edge = { readonly node: { readonly recipientId: string; readonly content: { readonly title: string } } }
  return event.notifications.edges.map(({ node }: Edge) => [node.recipientId, node.content.title]).sort()
}
const idsOf = async (eventId: string) => (await audienceOf(eventId)).map(([id]) => id)

const progressOf = async (eventId: string) => {
  const query =
    'query ($id: ID!) { event(id: $id) { status recipientCount plannedRecipientCount failedRecipientCount } }'
  return (await carillon.ok(carillon.backendKey, query, { id: eventId })).event
}
/** How many notifications an event has, and for how many recipients. */
const notified = async (idempotencyKey: string) => {
  const { rows } = await carillon.sql.query(
    `select count(*)::int as notifications, count(distinct n.recipient_id)::int as recipients
    from event e join notification n on (n.tenant_id, n.event_id) = (e.tenant_id, e.id) where e.idempotency_key = $1`,
    [idempotencyKey],
  )
  return rows[0]
}

test("who gets it are the notifier's own, then the caller's, then the topics' subscribers; the first mention wins", async () => {
  const details = [
    { id: 'ann', displayName: 'Stored Ann' },
    { id: 'bob', displayName: 'Stored Bob' },
    { id: 'cid', displayName: 'Stored Cid' },
  ]
  await carillon.ok(
    carillon.backendKey,
    'mutation ($input: UpsertRecipientsInput!) { upsertRecipients(input: $input) { __typename } }',
    { input: { recipients: details } },
  )
  await subscribe('union', 'ann', 'bob', 'cid', 'dan')
  const { event } = await trigger(carillon, {
    notificationKey: 'team.news',
    payload: { members: ['ann'] },
    recipients: [
      { id: 'ann', displayName: 'Given Ann' },
      { id: 'bob', displayName: 'Given Bob' },
    ],
    topics: ['union'],
  })
  expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 4, plannedRecipientCount: 4 })
  expect(await audienceOf(event.id)).toEqual([
    ['ann', 'Hello ann of the team'],
    ['bob', 'Hello Given Bob'],
    ['cid', 'Hello Stored Cid'],
    ['dan', 'Hello null'],
  ])
})

test('who subscribes to several of its topics gets it once', async () => {
  await subscribe('twice a', 'ann', 'bob')
  await subscribe('twice b', 'bob', 'cid')
  const { event } = await trigger(carillon, { recipients: null, topics: ['twice a', ' twice b ', 'twice a'] })
  expect(await idsOf(event.id)).toEqual(['ann', 'bob', 'cid'])
})

test('the actor never hears of its own act, though it subscribes', async () => {
  await subscribe('acted', 'ann', 'bob')
  const { event } = await trigger(carillon, { recipients: null, topics: ['acted'], actorId: ' bob ' })
  expect(event.recipientCount).toBe(1)
  expect(await idsOf(event.id)).toEqual(['ann'])
})

test('topics alone suffice, and a topic that nobody subscribes to concerns nobody', async () => {
  for (const topics of [['never heard of'], []]) {
    const { event } = await trigger(carillon, { recipients: null, topics })
    expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 0, plannedRecipientCount: 0 })
  }
  const refusal = refusalOf(await tryTrigger(carillon, { recipients: null, topics: null }))
  expect(refusal).toEqual({ code: 'BAD_USER_INPUT', path: 'input.recipients' })
})

test("another tenant's topic of the same name is another topic", async () => {
  const other = await carillon.addTenant('other')
  await subscribe('shared name', 'ours')
  const input = { topicKey: 'shared name', recipientIds: ['theirs'] }
  await carillon.ok(
    other.backendKey,
    'mutation ($input: TopicSubscriptionInput!) { subscribeToTopic(input: $input) { __typename } }',
    { input },
  )
  const { event } = await trigger(carillon, { recipients: null, topics: ['shared name'] })
  expect(await idsOf(event.id)).toEqual(['ours'])
  const theirs = await carillon.ok(other.backendKey, TRIGGER, {
    input: triggerInput({ recipients: null, topics: ['shared name', 'acted'] }),
  })
  expect(theirs.trigger.event.recipientCount).toBe(1)
})

test('a thousand subscribers are planned at once', async () => {
  await subscribeMany('thousand', many('k', 1_000))
  const { event } = await trigger(carillon, { recipients: null, topics: ['thousand'], idempotencyKey: 'thousand' })
  expect(event).toMatchObject({ status: 'PLANNED', recipientCount: 1_000, plannedRecipientCount: 1_000 })
  expect(await notified('thousand')).toEqual({ notifications: 1_000, recipients: 1_000 })
})

test('fifteen hundred are planned by a job, all of them, each once', async () => {
  await subscribeMany('large', many('m', 1_500))
  const input = triggerInput({ recipients: null, topics: ['large'], idempotencyKey: 'large' })
  const { event } = await trigger(carillon, input)
  expect(event).toMatchObject({ status: 'PLANNING', recipientCount: 1_500, plannedRecipientCount: 0 })
  expect(await notified('large')).toEqual({ notifications: 0, recipients: 0 })
  // A repeat answers it as it is.
  expect(await trigger(carillon, input)).toMatchObject({ deduplicated: true, event: { status: 'PLANNING' } })
  await carillon.drainJobs()
  expect(await progressOf(event.id)).toEqual({
    status: 'PLANNED',
    recipientCount: 1_500,
    plannedRecipientCount: 1_500,
    failedRecipientCount: 0,
  })
  expect(await notified('large')).toEqual({ notifications: 1_500, recipients: 1_500 })
  const { inbox } = await carillon.ok(await carillon.tokenFor('m-1499'), '{ inbox { counts { total } } }')
  expect(inbox.counts.total).toBe(1)
})

test('a large audience counts those who are named as well, each once, and without the actor', async () => {
  await subscribeMany('crowd', many('c', 1_200))
  const { event } = await trigger(carillon, {
    notificationKey: 'team.news',
    idempotencyKey: 'crowd',
    payload: { members: ['c-0000', 'member'] },
    recipients: [{ id: 'c-0001', displayName: 'Given' }, { id: 'named' }, { id: 'c-0002' }],
    topics: ['crowd', 'never heard of'],
    actorId: 'c-0002',
  })
  expect(event).toMatchObject({ status: 'PLANNING', recipientCount: 1_201 })
  // The topics were read when the planning began.
  await subscribe('crowd', 'late')
  await carillon.drainJobs()
  expect(await progressOf(event.id)).toMatchObject({ status: 'PLANNED', plannedRecipientCount: 1_201 })
  expect(await notified('crowd')).toEqual({ notifications: 1_201, recipients: 1_201 })
  const { rows } = await carillon.sql.query(
    `select recipient_id, content->>'title' as title from notification
    where notification_key = 'team.news' and recipient_id in ('c-0000', 'c-0001', 'c-0002', 'late', 'member', 'named') order by 1`,
  )
  expect(rows).toEqual([
    // By a job each is shown what is stored of it.
    { recipient_id: 'c-0000', title: 'Hello c-0000 of the team' },
    { recipient_id: 'c-0001', title: 'Hello Given' },
    { recipient_id: 'member', title: 'Hello member of the team' },
    { recipient_id: 'named', title: 'Hello null' },
  ])
})

test.each([
  ['more than a hundred topics', Array.from({ length: 101 }, (_, index) => `t${index}`), 'input.topics'],
  ['a blank topic', ['fine', ' '], 'input.topics.1'],
  ['a topic too long', ['x'.repeat(256)], 'input.topics.0'],
  ['a topic that cannot be stored', ['fine', 'a\0'], 'input.topics.1'],
])('%s are refused with their place, and nothing is written', async (_, topics, path) => {
  const before = await countRows(carillon)
  expect(refusalOf(await tryTrigger(carillon, { topics }))).toEqual({ code: 'BAD_USER_INPUT', path })
  expect(await countRows(carillon)).toEqual(before)
})

test('a hundred topics are as many as may be', async () => {
  const topics = many('hundred', 100)
  await subscribe('hundred-0099', 'ann')
  const { event } = await trigger(carillon, { recipients: null, topics })
  expect(await idsOf(event.id)).toEqual(['ann'])
})
