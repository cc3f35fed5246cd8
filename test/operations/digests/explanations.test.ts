import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { bucketOf, comment, comments, deleteRule, flush, HOURLY, somebody, upsertRule } from '../../support/digests.ts'
import { inboxOf } from '../../support/inbox.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy, switchOff } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'

const RULE = { ...HOURLY, excludeRead: true }

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [comment], adapters: { email }, digestRules: [RULE] }, { clock })
})
afterAll(() => carillon.close())
beforeEach(async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  await upsertRule(carillon, RULE)
})

const EXPLAIN = `query ($id: ID!) { explainDelivery(deliveryId: $id) {
  deliveryId notificationKey recipientId status orchestrationState waitingFor planningReason planningContext suppressionReason
  digest { outcome ruleIdentity windowStartsAt windowEndsAt digestDeliveryId resolutionReason memberCount
    members { deliveryId notificationKey resolution reason } }
  timeline { at event detail } decisions { checkpoint rule verdict reason facts } summary whatWouldSendIt { kind description change }
} }`
const explain = async (id: string): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.operatorKey, EXPLAIN, { id })).explainDelivery

const mailOf = async (eventId: string | undefined) =>
  explain((await deliveryOf(carillon, { eventId, channel: 'email' })).id)

const toldOf = ({ timeline }: GraphQLAnswer['data'], from = 3) =>
  timeline.slice(from).map(({ at, event, detail }: GraphQLAnswer['data']) => [at.slice(11, 16), event, detail])

const lastTextTo = (id: string): unknown =>
  (email.calls.findLast(({ recipient }) => recipient.id === id)?.content as { text: string } | undefined)?.text

const closeWindows = async (): Promise<void> => {
  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
}

const WINDOW = {
  ruleIdentity: 'comments-hourly:v1',
  windowStartsAt: '2026-01-15T12:00:00.000Z',
  windowEndsAt: '2026-01-15T13:00:00.000Z',
}

test('what is held says for what, by which rule and until when', async () => {
  const [eventId] = await comments(carillon, ['one'], { recipientId: somebody() })
  const held = await mailOf(eventId)
  expect(held).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DIGEST_HELD',
    waitingFor: 'digest',
    planningReason: 'digest_rule',
    planningContext: { rule: 'digest', ...WINDOW, groupBy: 'digest_key' },
    summary: 'Held for a digest by the rule comments-hourly:v1, which closes at 13:00 UTC.',
    digest: { outcome: 'held', ...WINDOW, digestDeliveryId: null, resolutionReason: null, members: [], memberCount: 0 },
  })
  expect(toldOf(held)).toEqual([['12:00', 'digest_held', { reason: 'digest_rule', ...WINDOW, groupBy: 'digest_key' }]])
})

test('members and digest name each other, and say what went in and what did not', async () => {
  const ada = somebody()
  const events = await comments(carillon, ['read', 'fresh', 'fresh, too'], { recipientId: ada })
  const [cancelled] = await comments(carillon, ['cancelled'], { recipientId: ada })
  const inbox = await inboxOf(carillon, ada)
  const [item] = (await inbox.items()).filter(({ title }) => title === 'read')
  clock.set('2026-01-15T12:30:00.000Z')
  await inbox.mark('markRead', { ids: [item?.id] })
  const cancel = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  await carillon.ok(carillon.backendKey, cancel, { id: cancelled })
  await closeWindows()

  const bucket = await bucketOf(carillon, ada)
  const digestDeliveryId = bucket.digestDelivery.id
  const included = await mailOf(events[1])
  expect(included).toMatchObject({
    status: 'DIGESTED',
    waitingFor: null,
    summary: 'Sent as part of a digest by the rule comments-hourly:v1, which closed at 2026-01-15 13:00:00 UTC.',
    digest: { outcome: 'included', ...WINDOW, digestDeliveryId, resolutionReason: null },
    whatWouldSendIt: [],
  })
  expect(toldOf(included, 4)).toEqual([
    ['13:00', 'digested', { ruleIdentity: 'comments-hourly:v1', bucketId: bucket.id, digestDeliveryId }],
  ])

  const read = await mailOf(events[0])
  expect(read).toMatchObject({
    status: 'SUPPRESSED',
    suppressionReason: 'already_read',
    digest: { outcome: 'skipped', ...WINDOW, digestDeliveryId, resolutionReason: 'already_read' },
  })
  expect(read.summary).toMatch(/^Not sent: .*read.* \(decided at 2026-01-15 13:00:00 UTC\)\.$/)
  expect(toldOf(read).map(([at, event]: [string, string]) => `${at} ${event}`)).toEqual([
    '12:00 digest_held',
    '12:30 notification_seen',
    '12:30 notification_read',
    '13:00 digest_skipped',
    '13:00 suppressed',
  ])

  const digest = await explain(digestDeliveryId)
  expect(digest).toMatchObject({
    notificationKey: 'comments-hourly',
    recipientId: ada,
    status: 'SUCCEEDED',
    digest: { outcome: 'emitted_digest', ...WINDOW, digestDeliveryId, memberCount: 4 },
  })
  expect(digest.digest.members.map(({ resolution, reason }: GraphQLAnswer['data']) => [resolution, reason])).toEqual([
    ['skipped', 'already_read'],
    ['included', null],
    ['included', null],
    ['skipped', 'event_cancelled'],
  ])
  expect(digest.digest.members[1].deliveryId).toBe(included.deliveryId)
  expect(toldOf(digest)).toEqual([
    ['13:00', 'digest_emitted', { ruleIdentity: 'comments-hourly:v1', bucketId: bucket.id, included: 2, excluded: 1 }],
    ['13:00', 'claimed', { checkpoint: 'perform' }],
    ['13:00', 'attempt_recorded', { attemptNumber: 1, adapter: 'email', outcome: 'succeeded' }],
  ])
  expect(digest.summary).toBe(
    'Sent at 2026-01-15 13:00:00 UTC by email, on try 1; it is a digest by the rule comments-hourly:v1.',
  )
})

test('all that was asked of a member when its bucket closed is kept beside what was asked when it was planned', async () => {
  const [eventId] = await comments(carillon, ['one'], { recipientId: somebody() })
  await closeWindows()
  const { decisions } = await mailOf(eventId)
  expect(
    decisions.map(({ checkpoint, rule, verdict }: GraphQLAnswer['data']) => `${checkpoint} ${rule} ${verdict}`),
  ).toEqual([
    'PLANNING expiry PASS',
    'PLANNING notification_preference PASS',
    'PLANNING category_preference PASS',
    'PLANNING address PASS',
    'PLANNING digest DIGEST',
    'PLANNING fallback PASS',
    'PERFORM expiry PASS',
    'PERFORM notification_preference PASS',
    'PERFORM category_preference PASS',
    'PERFORM read_state PASS',
  ])
  expect(decisions.at(-1).facts).toEqual({ excludeRead: true, read: false })
})

test('an explanation of a digest lists a hundred members, and counts them all', async () => {
  const ada = somebody()
  await Promise.all(Array.from({ length: 103 }, () => comments(carillon, ['x'], { recipientId: ada })))
  const { id } = await bucketOf(carillon, ada)
  await flush(carillon, id)
  const { digestDelivery } = await bucketOf(carillon, ada)
  const { digest } = await explain(digestDelivery.id)
  expect([digest.members.length, digest.memberCount]).toEqual([100, 103])
})

test('who is asked about is told of the digest, too', async () => {
  const ada = somebody()
  await comments(carillon, ['one'], { recipientId: ada })
  const query = `query ($recipientId: ID!) { explainRecipient(notificationKey: "comment.added", recipientId: $recipientId) {
    finding explanations { channel summary digest { outcome } } } }`
  const { explainRecipient } = await carillon.ok(carillon.operatorKey, query, { recipientId: ada })
  expect(explainRecipient.finding).toBe('per_delivery')
  expect(explainRecipient.explanations.find(({ channel }: GraphQLAnswer['data']) => channel === 'email')).toMatchObject(
    {
      summary: 'Held for a digest by the rule comments-hourly:v1, which closes at 13:00 UTC.',
      digest: { outcome: 'held' },
    },
  )
})

/* What would have sent it: each is done, and then it is. */

const proposalsOf = ({
  whatWouldSendIt,
}: GraphQLAnswer['data']): Record<string, { description: string; change: unknown }> =>
  Object.fromEntries(whatWouldSendIt.map(({ kind, ...rest }: GraphQLAnswer['data']) => [kind, rest]))

test('what is held would be sent at the end of its window, or without its rule, or without `digest` in its notifier', async () => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one'], { recipientId: ada })
  const { wait, tenant_setting: setting, code } = proposalsOf(await mailOf(eventId))
  expect(wait).toEqual({
    description: 'Wait until 13:00 UTC, when its digest closes.',
    change: { at: '2026-01-15T13:00:00.000Z' },
  })
  expect(setting).toEqual({
    description: 'Delete the digest rule comments-hourly:v1, so that no other holds it.',
    change: { deleteDigestRule: { ruleIdentity: 'comments-hourly:v1' } },
  })
  expect(code).toEqual({
    description: 'Take email out of `digest` of the notifier "comment.added".',
    change: { notifier: { digest: null } },
  })
  // Following the second: the next one like it is sent at once.
  await deleteRule(carillon, { key: 'comments-hourly', version: 1 })
  await comments(carillon, ['at once'], { recipientId: ada })
  await carillon.drainJobs()
  expect(lastTextTo(ada)).toBe('at once')
  // Following the first.
  clock.set((wait as { change: { at: string } }).change.at)
  await carillon.drainJobs()
  expect((await mailOf(eventId)).status).toBe('DIGESTED')
})

test('what was left out for being read would be sent by a rule without `excludeRead`, or unread', async () => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one'], { recipientId: ada })
  await (await inboxOf(carillon, ada)).mark('markRead', { filter: {} })
  await closeWindows()
  const { tenant_setting: setting, data } = proposalsOf(await mailOf(eventId))
  expect(setting?.change).toEqual({ upsertDigestRule: { excludeRead: false } })
  expect(data?.change).toEqual({ markUnread: true })
  await upsertRule(carillon, { ...RULE, version: 2, excludeRead: false })
  const eve = somebody()
  await comments(carillon, ['of eve'], { recipientId: eve })
  await (await inboxOf(carillon, eve)).mark('markRead', { filter: {} })
  clock.set('2026-01-15T14:00:00.000Z')
  await carillon.drainJobs()
  expect(lastTextTo(eve)).toBe('of eve')
  await deleteRule(carillon, { key: RULE.key, version: 2 })
})

test('what was switched off while it was held would be sent if it were on', async () => {
  const ada = somebody()
  const [eventId] = await comments(carillon, ['one'], { recipientId: ada })
  await switchOff(carillon, ada, { category: 'comments' })
  await closeWindows()
  const { recipient_setting: setting } = proposalsOf(await mailOf(eventId))
  expect(setting?.change).toEqual({ setPreferences: { preferences: [{ category: 'comments', enabled: true }] } })
})

test('a digest that waits for the morning says so, in the words of any delivery', async () => {
  const ada = somebody()
  await setPolicy(carillon, ada, { timeZone: 'UTC', quietHours: [{ start: '12:30', end: '14:00' }] })
  await comments(carillon, ['one'], { recipientId: ada })
  await closeWindows()
  const { digestDelivery } = await bucketOf(carillon, ada)
  expect(await explain(digestDelivery.id)).toMatchObject({
    waitingFor: 'quiet_hours',
    summary: 'Held until 14:00 UTC: quiet hours 12:30–14:00; it is a digest by the rule comments-hourly:v1.',
    digest: { outcome: 'emitted_digest', memberCount: 1 },
  })
})

test('what no rule holds says that, and was sent at once', async () => {
  const ada = somebody()
  await deleteRule(carillon, { key: RULE.key, version: 1 })
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.added',
    payload: {},
    recipients: [{ id: ada, email: 'ada@example.test' }],
  })
  await carillon.drainJobs()
  const sent = await mailOf(event.id)
  expect(sent).toMatchObject({ status: 'SUCCEEDED', digest: null })
  expect(sent.decisions.find(({ rule }: GraphQLAnswer['data']) => rule === 'digest').facts).toEqual({
    no_digest_rule: true,
  })
})
