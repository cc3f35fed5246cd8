import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { mention } from '../support/notifiers.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const START = '2026-01-15T12:00:00.000Z'

/** Broken for some. */
const failing = new Set<string>()

/** To whomever its payload names, on no channel for those who are to hear nothing. */
const crowd = defineNotifier({
  key: 'crowd',
  version: 1,
  payload: z.object({ members: z.array(z.string()) }),
  recipients: ({ payload }) => payload.members.map((id) => ({ id })),
  channels: ({ recipient }) => {
    if (failing.has(recipient.id)) throw new Error('broken')
    return recipient.id.startsWith('deaf') ? [] : ['in_app']
  },
  render: { in_app: () => ({ title: 'Hello all' }) },
})

/** To the inbox alone; each test has a key of its own. */
const notifier = (key: string) =>
  defineNotifier({
    key,
    version: 1,
    payload: z.object({}),
    channels: ['in_app'],
    render: { in_app: () => ({ title: key }) },
  })

const QUERY = `query ($recipientId: ID!, $notificationKey: String!, $since: DateTime) {
  explainRecipient(recipientId: $recipientId, notificationKey: $notificationKey, since: $since) {
    recipientId notificationKey finding summary
    explanations { eventId recipientId notificationKey channel status suppressionReason }
  }
}`

const clock = new TestClock(START)
let carillon: TestCarillon
beforeAll(async () => {
  const keys = [
    'once',
    'often',
    'later',
    'topical',
    'own',
    'theirs',
    'stopped',
    'busy',
    'spared',
    'trimmed',
    'again',
    'together',
  ]
  const notifiers = [...keys.map(notifier), mention, crowd]
  carillon = await startCarillon({ notifiers, adapters: { email: memory() } }, { clock })
})
afterAll(() => carillon.close())
beforeEach(() => {
  clock.set(START)
  failing.clear()
})

const explain = async (
  recipientId: string,
  notificationKey: string,
  since: string | null = null,
): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.operatorKey, QUERY, { recipientId, notificationKey, since })).explainRecipient

const findingOf = async (...asked: Parameters<typeof explain>): Promise<string> => (await explain(...asked)).finding

const send = (notificationKey: string, given: object = {}): Promise<GraphQLAnswer['data']> =>
  trigger(carillon, { notificationKey, payload: {}, ...given })

const cancel = (id: string) =>
  carillon.ok(carillon.backendKey, 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }', {
    id,
  })

const subscribe = (topicKey: string, ...recipientIds: string[]) =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: TopicSubscriptionInput!) { subscribeToTopic(input: $input) { __typename } }',
    { input: { topicKey, recipientIds } },
  )

test('where there are deliveries each is explained, newest first, and those of others are not', async () => {
  const payload = { author: 'Bob' }
  const first = await send('comment.mentioned', { payload, recipients: [{ id: 'ada' }, { id: 'bob' }] })
  clock.set('2026-01-15T13:00:00.000Z')
  await send('often', { recipients: [{ id: 'ada' }] })
  const recipients = [{ id: 'ada', email: 'ada@example.test' }]
  const second = await send('comment.mentioned', { payload, recipients })
  await carillon.drainJobs()

  const of = { recipientId: 'ada', notificationKey: 'comment.mentioned' }
  const sent = { ...of, status: 'SUCCEEDED', suppressionReason: null }
  const unsent = { ...of, status: 'SUPPRESSED', suppressionReason: 'missing_address' }
  expect(await explain('ada', 'comment.mentioned')).toEqual({
    ...of,
    finding: 'per_delivery',
    summary:
      'There are 4 deliveries of "comment.mentioned" to this recipient: their explanations say what became of each.',
    explanations: [
      { ...sent, eventId: second.event.id, channel: 'in_app' },
      { ...sent, eventId: second.event.id, channel: 'email' },
      { ...sent, eventId: first.event.id, channel: 'in_app' },
      { ...unsent, eventId: first.event.id, channel: 'email' },
    ],
  })

  // As of an instant: what was planned at it is in.
  const since = await explain('ada', 'comment.mentioned', '2026-01-15T13:00:00Z')
  expect([since.finding, since.explanations.length]).toEqual(['per_delivery', 2])
  expect(await findingOf('ada', 'comment.mentioned', '2026-01-15T13:00:00.001Z')).toBe('no_event')
})

test('of more than fifty deliveries the newest fifty are explained', async () => {
  const events: string[] = []
  for (let round = 0; round < 51; round++) {
    clock.advance(1_000)
    events.unshift((await send('busy')).event.id)
  }
  const { explanations, summary } = await explain('ada', 'busy')
  expect(explanations.map(({ eventId }: { eventId: string }) => eventId)).toEqual(events.slice(0, 50))
  expect(summary).toMatch(/^There are more than 50 deliveries of "busy" to this recipient:/)
  const fifty = await explain('ada', 'busy', '2026-01-15T12:00:02Z')
  expect([fifty.explanations.length, fifty.summary]).toEqual([50, expect.stringMatching(/^There are 50 deliveries/)])
})

test('a key that no notifier has is said to be one, and is no error', async () => {
  const { finding, summary, explanations } = await explain('ada', 'comment.mentionned')
  expect([finding, explanations]).toEqual(['no_event', []])
  expect(summary).toContain('No notifier has the key "comment.mentionned"')
})

test('where nothing was triggered that is said', async () => {
  expect((await explain('ada', 'once')).summary).toMatch(/^There is no event of "once": look at whether the backend/)
  await send('once', { recipients: [{ id: 'bob' }] })
  expect(await findingOf('ada', 'once')).toBe('not_a_recipient')
  expect(await findingOf('ada', 'once', START)).toBe('not_a_recipient')
  expect(await explain('ada', 'once', '2026-01-15T12:00:01Z')).toMatchObject({
    finding: 'no_event',
    summary: expect.stringMatching(/^There is no event of "once" since 2026-01-15 12:00:01 UTC:/),
  })
})

test('who is not among the recipients is told where to look, and who was never heard of, to check the id', async () => {
  await send('theirs', { recipients: [{ id: 'bob' }] })
  const summary = 'This recipient is not among those of the event of 2026-01-15 12:00:00 UTC.'
  expect((await explain('ada', 'theirs')).summary).toBe(
    `${summary} Look at whom the trigger names, and at the topics that it gives and this recipient subscribes to.`,
  )
  expect((await explain('adda', 'theirs')).summary).toBe(
    `${summary} Nothing is stored of such a recipient, as of one that was never planned for: check the id.`,
  )
})

test('who caused it is told so', async () => {
  await send('own', { actorId: 'carl', recipients: [{ id: 'carl' }, { id: 'bob' }] })
  expect(await explain('carl', 'own')).toMatchObject({
    finding: 'actor_excluded',
    summary: expect.stringMatching(
      /^This recipient itself caused the newest event, of 2026-01-15 12:00:00 UTC: nobody/,
    ),
  })
  expect(await findingOf('bob', 'own')).toBe('per_delivery')
  await send('own', { recipients: [{ id: 'bob' }] })
  expect(await explain('carl', 'own')).toMatchObject({
    finding: 'actor_excluded',
    summary: expect.stringContaining('caused 1 of the 2 events'),
  })
  await send('own', { recipients: [{ id: 'carl' }] })
  expect(await findingOf('carl', 'own')).toBe('per_delivery')
})

test('an event that waits for its time is named with its instant, whenever it was triggered', async () => {
  const sendAt = '2026-01-16T09:00:00.000Z'
  const recipients = [{ id: 'ada' }, { id: 'carl' }]
  const { event } = await send('later', { sendAt, recipients, actorId: 'carl' })
  expect(event.status).toBe('SCHEDULED')
  const found = {
    finding: 'scheduled',
    summary: 'An event is scheduled for 2026-01-16 09:00:00 UTC: this recipient is in its audience.',
    explanations: [],
  }
  expect(await explain('ada', 'later')).toMatchObject(found)
  expect(await explain('ada', 'later', '2026-01-15T23:00:00Z')).toMatchObject(found)
  expect(await findingOf('bob', 'later')).toBe('not_a_recipient')
  expect(await findingOf('carl', 'later')).toBe('actor_excluded')

  clock.set(sendAt)
  await carillon.drainJobs()
  expect(await explain('ada', 'later')).toMatchObject({
    finding: 'per_delivery',
    explanations: [{ eventId: event.id, status: 'SUCCEEDED' }],
  })
  // It happened when it was sent, for those who did not get it too.
  expect(await findingOf('bob', 'later', sendAt)).toBe('not_a_recipient')
  expect(await findingOf('bob', 'later', '2026-01-16T09:00:01Z')).toBe('no_event')
})

test('a topic of a scheduled event counts by who subscribes to it now', async () => {
  await subscribe('releases', 'ada', 'carl')
  await subscribe('other', 'bob')
  const sendAt = '2026-01-16T09:00:00.000Z'
  await send('topical', { sendAt, recipients: null, topics: ['releases', 'unheard'], actorId: 'carl' })
  expect(await explain('ada', 'topical')).toMatchObject({
    finding: 'scheduled',
    summary: expect.stringContaining('this recipient subscribes to one of its topics'),
  })
  expect(await findingOf('bob', 'topical')).toBe('not_a_recipient')
  expect(await findingOf('carl', 'topical')).toBe('actor_excluded')
  await subscribe('releases', 'bob')
  expect(await findingOf('bob', 'topical')).toBe('scheduled')
})

test('what is there, and what is to come, are both said', async () => {
  await send('again')
  await send('again', { sendAt: '2026-01-16T09:00:00.000Z' })
  const { finding, summary, explanations } = await explain('ada', 'again')
  expect([finding, explanations.length]).toEqual(['per_delivery', 1])
  expect(summary).toBe(
    'There is one delivery of "again" to this recipient: its explanation says what became of it. More is to come. An event is scheduled for 2026-01-16 09:00:00 UTC: this recipient is in its audience.',
  )
})

test('an event that was cancelled before it was planned is not taken for one of others', async () => {
  const { event } = await send('stopped', { sendAt: '2026-01-16T09:00:00.000Z' })
  await cancel(event.id)
  const cancelled = /^The event of 2026-01-15 12:00:00 UTC was cancelled before everybody was planned/
  expect(await explain('ada', 'stopped')).toMatchObject({
    finding: 'not_a_recipient',
    summary: expect.stringMatching(cancelled),
  })
  await subscribe('stops', 'ada')
  const topical = await send('stopped', { sendAt: '2026-01-16T09:00:00.000Z', recipients: null, topics: ['stops'] })
  await cancel(topical.event.id)
  expect((await explain('ada', 'stopped')).summary).toMatch(/^2 events were cancelled before everybody was planned/)
})

test('one that was planned whole before it was cancelled was for those who have deliveries of it', async () => {
  const { event } = await send('spared', { recipients: [{ id: 'bob' }] })
  await cancel(event.id)
  expect((await explain('ada', 'spared')).summary).toMatch(/^This recipient is not among those of the event/)
  expect(await findingOf('bob', 'spared')).toBe('per_delivery')
})

test('in a large audience those who wait for their turn, whose turn failed, and who have no channel, are each told so', async () => {
  const members = Array.from({ length: 1_001 }, (_, index) => `member-${String(index).padStart(4, '0')}`)
  const { event } = await send('crowd', { payload: { members: [...members, 'deaf-dan', 'fay'] }, recipients: null })
  expect(event.status).toBe('PLANNING')
  expect(await explain('member-0500', 'crowd')).toMatchObject({
    finding: 'planning',
    summary: expect.stringContaining("this recipient's turn has not come yet"),
  })
  expect(await findingOf('stranger', 'crowd')).toBe('not_a_recipient')

  failing.add('fay')
  await carillon.drainJobs()
  expect(await explain('fay', 'crowd', '2026-01-15T14:00:00Z')).toMatchObject({
    finding: 'planning',
    summary: expect.stringMatching(
      /: the notifier's own code has failed for this recipient (once|\d times) and will be tried/,
    ),
  })
  expect(await findingOf('member-0500', 'crowd')).toBe('per_delivery')
  expect(await explain('deaf-dan', 'crowd')).toMatchObject({
    finding: 'no_channel',
    summary: expect.stringContaining('look at `channels` of the notifier "crowd"'),
    explanations: [],
  })
})

test('an id may stand in blanks, and is answered without', async () => {
  await send('trimmed')
  expect(await explain('  ada ', 'trimmed')).toMatchObject({ recipientId: 'ada', finding: 'per_delivery' })
})

test.each([
  ['a blank recipient', { recipientId: ' ' }, 'recipientId'],
  ['a recipient too long', { recipientId: 'x'.repeat(256) }, 'recipientId'],
  ['a blank key', { notificationKey: '' }, 'notificationKey'],
  ['a key too long', { notificationKey: 'x'.repeat(256) }, 'notificationKey'],
])('%s is refused, and named', async (_, given, path) => {
  const answer = await carillon.ask(carillon.operatorKey, QUERY, {
    recipientId: 'ada',
    notificationKey: 'once',
    ...given,
  })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path })
})

test('explanations are read together: as many transactions for ten as for one', async () => {
  for (let round = 0; round < 10; round++) {
    clock.advance(1_000)
    await send('together')
  }
  let transactions = 0
  const count = () => {
    transactions += 1
  }
  const { tenant } = carillon.app.db
  const during = async (since: string, explained: number) => {
    transactions = 0
    tenant.on('acquire', count)
    expect((await explain('ada', 'together', since)).explanations.length).toBe(explained)
    tenant.off('acquire', count)
    return transactions
  }
  const one = await during('2026-01-15T12:00:10Z', 1)
  expect(one).toBeGreaterThan(0)
  expect(await during(START, 10)).toBe(one)
})
