import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { readAsTenant } from '../../server/db/transaction.ts'
import { defineNotifier, memory } from '../../server/index.ts'
import { storePreferences } from '../../server/operations/preferences.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { contentOfTables, type Watch, watchTransactions } from '../support/nothing-written.ts'
import { alarm, greeting, invoice, mention, page, teamNews } from '../support/notifiers.ts'
import { simulate, trySimulate } from '../support/simulate.ts'
import { trigger, tryTrigger } from '../support/trigger.ts'

const NOON = '2026-01-15T12:00:00.000Z'

/** Fails for one recipient. */
const moody = defineNotifier({
  key: 'moody',
  version: 1,
  payload: z.object({}),
  channels: ({ recipient }) => {
    if (recipient.id === 'zoe') throw new Error('a secret of the host')
    return ['in_app' as const]
  },
  render: { in_app: () => ({ title: 'T' }) },
})

/** By e-mail and to a pager, neither of them in-app. */
const both = defineNotifier({
  key: 'both',
  version: 1,
  payload: z.object({}).loose(),
  channels: ['email', 'pager'],
  render: { email: () => ({ subject: 'S', html: '', text: '' }), pager: () => ({}) },
})

const clock = new TestClock(NOON)
let carillon: TestCarillon
let watch: Watch
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [alarm, both, greeting, invoice, mention, moody, page, teamNews],
      adapters: { email: memory({ name: 'mail' }), pager: memory({ name: 'pager' }) },
    },
    { clock },
  )
  watch = watchTransactions(carillon)
})
afterAll(() => carillon.close())

type Simulated = GraphQLAnswer['data']

/** `recipient/channel verdict reason`, in order. */
const outlineOf = ({ recipients }: Simulated): readonly string[] =>
  recipients.flatMap(({ recipientId, deliveries }: Simulated) =>
    deliveries.map(({ channel, verdict, reason }: Simulated) =>
      [`${recipientId}/${channel}`, verdict, reason].filter(Boolean).join(' '),
    ),
  )

const SUBSCRIBE = `mutation ($topicKey: String!, $recipientIds: [ID!]!) {
  subscribeToTopic(input: { topicKey: $topicKey, recipientIds: $recipientIds }) { __typename }
}`
const subscribe = (key: string, topicKey: string, recipientIds: readonly string[]) =>
  carillon.ok(key, SUBSCRIBE, { topicKey, recipientIds })

const setPolicy = (recipientId: string, input: object) =>
  carillon.ok(
    carillon.backendKey,
    'mutation ($input: SetPolicySettingsInput!) { setPolicySettings(input: $input) { __typename } }',
    { input: { recipientId, ...input } },
  )

test('a simulation writes nothing: no row of any table changes, no transaction is given an id, no inbox is made', async () => {
  await subscribe(carillon.backendKey, 'written', ['ada', 'new-in-topic'])
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' } })
  await carillon.drainJobs()
  await carillon.ok(carillon.operatorKey, '{ viewer { tenantId } }')
  const before = await contentOfTables(carillon)
  expect(Object.keys(before).length).toBeGreaterThan(14)
  watch.statements.length = 0
  watch.transactionIds.length = 0

  const simulated = await simulate(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Bob' },
    recipients: [
      { id: 'ada', email: 'other@example.test' },
      { id: 'nobody', displayName: 'N', email: 'n@example.test', addresses: [{ channel: 'push', address: 'x' }] },
    ],
    topics: ['written', 'no-such-topic'],
  })
  expect(outlineOf(simulated)).toHaveLength(6)

  expect(await contentOfTables(carillon)).toEqual(before)
  expect(watch.transactionIds).toEqual([null])
  expect(watch.statements.filter((text) => !/^(with|select|begin|commit|set transaction)\b/i.test(text))).toEqual([])
  expect(watch.statements.filter((text) => /\bfor (no key )?(update|share)\b/i.test(text))).toEqual([])
  const { rows } = await carillon.sql.query(
    "select recipient_id from inbox where recipient_id in ('nobody', 'new-in-topic')",
  )
  expect(rows).toEqual([])
  expect(await carillon.drainJobs()).toBe(0)
  expect(await contentOfTables(carillon)).toEqual(before)
})

test('what watches that nothing is written would see a trigger', async () => {
  const before = await contentOfTables(carillon)
  watch.transactionIds.length = 0
  await trigger(carillon)
  expect(watch.transactionIds.filter(Boolean)).not.toEqual([])
  const after = await contentOfTables(carillon)
  const changed = Object.keys(after).filter((table) => after[table] !== before[table])
  expect(changed).toEqual(expect.arrayContaining(['event', 'notification', 'delivery', 'delivery_decision', 'inbox']))
})

test('the database itself refuses a write where a simulation reads', async () => {
  for (const text of [
    "insert into inbox (tenant_id, recipient_id) values ('acme', 'written')",
    'select 1 from inbox for no key update',
  ]) {
    const write = readAsTenant(carillon.app.db.tenant, 'acme', (tx) => tx.query({ text }))
    await expect(write).rejects.toMatchObject({ code: '25006' })
  }
})

test('of two channels under a cap of one, one would be sent', async () => {
  await setPolicy('capped', { caps: [{ limit: 1, windowMinutes: 60 }] })
  const input = { notificationKey: 'both', payload: {}, recipients: [{ id: 'capped', email: 'c@example.test' }] }
  const expected = ['capped/email PASS', 'capped/pager SUPPRESS delivery_cap_reached']
  expect(outlineOf(await simulate(carillon, input))).toEqual(expected)
  // As often as it is asked: what is simulated does not count.
  expect(outlineOf(await simulate(carillon, input))).toEqual(expected)
  await trigger(carillon, input)
  expect(outlineOf(await simulate(carillon, input))).toEqual([
    'capped/email SUPPRESS delivery_cap_reached',
    'capped/pager SUPPRESS delivery_cap_reached',
  ])
  const later = new Date(Date.parse(NOON) + 3_600_000).toISOString()
  expect(outlineOf(await simulate(carillon, { ...input, at: later }))).toEqual(expected)
})

test('details that are given are used, and not stored', async () => {
  const input = { notificationKey: 'invoice.sent', payload: { number: 1 } }
  expect(outlineOf(await simulate(carillon, { ...input, recipients: [{ id: 'ivy' }] }))).toEqual([
    'ivy/email SUPPRESS missing_address',
  ])
  const given = { ...input, recipients: [{ id: ' ivy ', email: 'ivy@example.test' }] }
  expect(outlineOf(await simulate(carillon, given))).toEqual(['ivy/email PASS'])
  const { recipient } = await carillon.ok(carillon.operatorKey, '{ recipient(recipientId: "ivy") { id } }')
  expect(recipient).toBeNull()
  expect(outlineOf(await simulate(carillon, { ...input, recipients: [{ id: 'ivy' }] }))).toEqual([
    'ivy/email SUPPRESS missing_address',
  ])
})

test('a simulation decides for the instant that it is asked for, and for now where it is asked for none', async () => {
  await setPolicy('sleeper', { timeZone: 'Europe/Berlin', quietHours: [{ start: '22:00', end: '08:00' }] })
  const input = { notificationKey: 'pager.call', payload: {}, recipients: [{ id: 'sleeper' }] }
  const now = await simulate(carillon, input)
  expect([now.at, outlineOf(now)]).toEqual([NOON, ['sleeper/pager PASS']])
  const night = await simulate(carillon, { ...input, at: '2026-01-15T23:30:00+01:00' })
  expect([night.at, outlineOf(night)]).toEqual(['2026-01-15T22:30:00.000Z', ['sleeper/pager DEFER quiet_hours']])
  const [delivery] = night.recipients[0].deliveries
  expect(delivery.nextEligibleAt).toBe('2026-01-16T07:00:00.000Z')
  expect(delivery.decisions.map(({ checkpoint, at }: Simulated) => [checkpoint, at])).toEqual(
    delivery.decisions.map(() => ['PLANNING', '2026-01-15T22:30:00.000Z']),
  )
  expect(delivery.summary).toMatch(/08:00 Europe\/Berlin \(07:00 UTC\).*quiet hours 22:00.08:00\.$/)
  for (const at of ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z']) {
    expect((await simulate(carillon, { ...input, at })).recipientCount).toBe(1)
  }
})

test("where no clock is given, now is the database's", async () => {
  const other = await startCarillon({ notifiers: [greeting] }, { databaseUrl: carillon.databaseUrl })
  try {
    const { rows } = await carillon.sql.query<{ now: Date }>('select clock_timestamp() as now')
    const { at } = await simulate(other)
    expect(Math.abs(Date.parse(at) - (rows[0]?.now.getTime() ?? 0))).toBeLessThan(5_000)
  } finally {
    await other.close()
  }
})

test('the recipients are those of the notifier, of the caller and of the topics, each once, without the actor', async () => {
  await subscribe(carillon.backendKey, 'team', ['cid', 'bob', 'dan', 'eve'])
  await subscribe(carillon.backendKey, 'other-team', ['dan', 'fay'])
  const { recipients, recipientCount } = await simulate(carillon, {
    notificationKey: 'team.news',
    payload: { members: ['bob', 'ann', 'eve'] },
    recipients: [{ id: 'gus' }, { id: 'ann', displayName: 'later' }],
    topics: [' team', 'other-team', 'team', 'nobody'],
    actorId: 'eve',
  })
  expect(recipients.map(({ recipientId }: Simulated) => recipientId)).toEqual([
    'ann',
    'bob',
    'cid',
    'dan',
    'fay',
    'gus',
  ])
  expect(recipientCount).toBe(6)
})

test('of more than a hundred recipients the first hundred by id are simulated, and all are counted', async () => {
  const ids = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(4, '0')}`)
  const first = ids('many', 1_200)
  for (const chunk of [first.slice(0, 600), first.slice(600)]) await subscribe(carillon.backendKey, 'many', chunk)
  const topic = await simulate(carillon, { recipients: null, topics: ['many'] })
  expect(topic.recipientCount).toBe(1_200)
  expect(topic.recipients.map(({ recipientId }: Simulated) => recipientId)).toEqual(first.slice(0, 100))

  const named = [...ids('many', 50), ...ids('a-few', 60), ...ids('z', 10)].map((id) => ({ id }))
  const actorId = 'many-1199'
  const union = await simulate(carillon, { recipients: named.toReversed(), topics: ['many'], actorId })
  expect(union.recipientCount).toBe(1_200 + 60 + 10 - 1)
  const expected = [...ids('a-few', 60), ...ids('many', 40)]
  expect(union.recipients.map(({ recipientId }: Simulated) => recipientId)).toEqual(expected)

  const inline = await simulate(carillon, { recipients: ids('inline', 101).map((id) => ({ id })) })
  expect([inline.recipients.length, inline.recipientCount]).toEqual([100, 101])
  expect(await simulate(carillon, { recipients: [] })).toMatchObject({ recipients: [], recipientCount: 0 })
})

test("another tenant's subscribers, preferences, settings and details are not seen", async () => {
  const other = await carillon.addTenant('other')
  await subscribe(other.backendKey, 'theirs', ['them'])
  await storePreferences(carillon.app, { tenantId: 'other', recipientId: 'shared' }, [
    { channel: 'email', enabled: false },
  ])
  await trigger(
    { ...carillon, backendKey: other.backendKey },
    { recipients: [{ id: 'shared', email: 's@example.test' }] },
  )
  const ours = await simulate(carillon, {
    notificationKey: 'invoice.sent',
    payload: { number: 1 },
    recipients: [{ id: 'shared' }],
    topics: ['theirs'],
  })
  expect([outlineOf(ours), ours.recipientCount]).toEqual([['shared/email SUPPRESS missing_address'], 1])
})

const NUL = 'a\0b'
const recipient = (details: object) => ({ recipients: [{ id: 'fine' }, { id: 'r', ...details }] })

test.each<readonly [string, Record<string, unknown>]>([
  ['a notifier that is unknown', { notificationKey: 'unknown', payload: { text: 7 }, actorId: NUL }],
  ['an empty key', { notificationKey: '' }],
  ['a key that is none', { notificationKey: NUL }],
  ['a payload that does not fit', { payload: { text: 7 }, recipients: [{ id: '' }] }],
  ['a payload that is left out', { payload: undefined }],
  ['a payload that is null', { payload: null }],
  ['a payload that is too large', { payload: { text: 'x'.repeat(256 * 1024) } }],
  ['a payload that cannot be stored', { payload: { text: NUL } }],
  ['a recipient without an id', recipient({ id: ' ' })],
  ['a recipient whose id is too long', recipient({ id: 'x'.repeat(256) })],
  ['a zone that is none', recipient({ timeZone: 'Mars/Olympus' })],
  ['a locale that is none', recipient({ locale: '!' })],
  ['an address that is blank', recipient({ addresses: [{ channel: 'push', address: ' ' }] })],
  ['an address that cannot be stored', recipient({ addresses: [{ channel: 'push', address: NUL }] })],
  ['details that cannot be stored', recipient({ data: { a: [NUL] } })],
  ['too many recipients', { recipients: Array.from({ length: 1_001 }, (_, index) => ({ id: `r${index}` })) }],
  ['a topic that is blank', { topics: ['fine', ''] }],
  ['too many topics', { topics: Array.from({ length: 101 }, (_, index) => `t${index}`) }],
  ['an actor that is blank', { actorId: ' ' }],
  ['an actor that cannot be stored', { actorId: NUL, topics: ['fine'] }],
  ['nobody who is told', { recipients: null }],
  [
    'a notifier that fails for one',
    { notificationKey: 'moody', payload: {}, recipients: [{ id: 'a' }, { id: 'zoe' }] },
  ],
])('%s is refused as a trigger is: same code, same words, same place', async (_, input) => {
  const [refused, simulated] = [await tryTrigger(carillon, input), await trySimulate(carillon, input)]
  const said = ({ errors }: GraphQLAnswer) => errors.map(({ message, extensions }) => ({ message, extensions }))
  expect(said(refused)).toHaveLength(1)
  expect(said(simulated)).toEqual(said(refused))
  expect(simulated.data).toBeNull()
})
