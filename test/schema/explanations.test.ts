import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChangeData, changedSettings } from '../support/apply-change.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { invoice, mention, page } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const mail = scripted('mail')
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '10m', maxDelay: '10m' } })
const clock = new TestClock('2026-01-15T12:00:00.000Z')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [invoice, mention, page], adapters: { email: mail, pager } }, { clock })
})
afterAll(() => carillon.close())

const call = async (...acts: unknown[]): Promise<string> => {
  clock.set('2026-01-15T12:00:00.000Z')
  pager.next(...acts)
  return (await trigger(carillon, { notificationKey: 'pager.call', payload: {}, correlationId: 'incident-1' })).event.id
}

const summaryOf = async (eventId: string, channel = 'pager'): Promise<string> =>
  (await deliveryOf(carillon, { eventId, channel })).explanation.summary

test('what waits says that it is due', async () => {
  const eventId = await call()
  expect(await summaryOf(eventId)).toBe('Waiting to be sent: it is due, and a worker will take it next.')
  await carillon.drainJobs()
})

test('what a provider has says since when', async () => {
  let answer: (result: unknown) => void = () => {}
  const inHand = new Promise<void>((called) => {
    pager.next(() => {
      called()
      return new Promise((resolve) => {
        answer = resolve
      })
    })
  })
  const eventId = await call()
  const draining = carillon.drainJobs()
  await inHand
  const delivery = await deliveryOf(carillon, { eventId })
  expect([delivery.status, delivery.waitingFor]).toEqual(['DISPATCHED', 'provider'])
  expect(delivery.explanation.summary).toBe(
    'Being handed to the provider since 2026-01-15 12:00:00 UTC; its answer has not been recorded yet.',
  )
  answer({ outcome: 'accepted' })
  await draining
  expect(await summaryOf(eventId)).toBe('Sent at 2026-01-15 12:00:00 UTC by pager, on try 1.')
})

test('what failed says when the next try is, and when tries are used up, that they are', async () => {
  const busy = { outcome: 'temporary', reason: 'line busy', retryAfterMs: 600_000 }
  const eventId = await call(busy, busy)
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Failed for now after 1 try: the next one is due at 2026-01-15 12:10:00 UTC; the provider\'s words: "line busy".',
  )
  clock.set('2026-01-15T12:10:00.000Z')
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Not sent: the provider could not take it in 2 tries, and all tries were used up at 2026-01-15 12:10:00 UTC; the provider\'s words: "line busy".',
  )
})

test('what a provider refused says that, and in which words', async () => {
  const eventId = await call({ outcome: 'permanent', reason: 'barred' })
  await carillon.drainJobs()
  expect(await summaryOf(eventId)).toBe(
    'Not sent: the provider refused it for good at 2026-01-15 12:00:00 UTC; the provider\'s words: "barred".',
  )
})

test('what was cancelled with its event says so', async () => {
  const eventId = await call()
  const query = 'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }'
  await carillon.ok(carillon.backendKey, query, { id: eventId })
  expect(await summaryOf(eventId)).toBe(
    'Not sent: its event was cancelled at 2026-01-15 12:00:00 UTC, before this was handed to a provider.',
  )
})

test('what the recipient cannot get says why, with the rule, its facts and the instant', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const inbox = await inboxOf(carillon, 'ada')
  const off =
    'mutation { setPreferences(input: { preferences: [{ category: "comments", channel: "in_app", enabled: false }] }) { preferences { recipientId } } }'
  await carillon.ok(inbox.token, off)
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Bob' },
    recipients: [{ id: 'ada' }],
  })
  expect(await summaryOf(event.id, 'in_app')).toBe(
    'Not sent: the recipient had switched this category of notifications on in_app off (decided at 2026-01-15 12:00:00 UTC).',
  )
  expect(await summaryOf(event.id, 'email')).toBe(
    'Not sent: the recipient had no address for email (decided at 2026-01-15 12:00:00 UTC).',
  )
  const { explanation } = await deliveryOf(carillon, { eventId: event.id, channel: 'in_app' })
  type Answer = { readonly rule: string; readonly verdict: string }
  expect(explanation.decisions.map(({ rule, verdict }: Answer) => [rule, verdict])).toEqual([
    ['expiry', 'PASS'],
    ['notification_preference', 'PASS'],
    ['category_preference', 'SUPPRESS'],
    ['address', 'PASS'],
    ['digest', 'PASS'],
    ['delivery_cap', 'PASS'],
    ['quiet_hours', 'PASS'],
    ['fallback', 'PASS'],
  ])
  expect(explanation.decisions[2]).toEqual({
    checkpoint: 'PLANNING',
    at: '2026-01-15T12:00:00.000Z',
    rule: 'category_preference',
    verdict: 'SUPPRESS',
    reason: 'category_disabled',
    facts: { preference: 'category_channel', enabled: false },
  })
  expect(explanation.timeline.at(-1)).toEqual({
    at: '2026-01-15T12:00:00.000Z',
    event: 'suppressed',
    detail: { reason: 'category_disabled', rule: 'category_preference', checkpoint: 'planning' },
  })
})

test('a timeline tells the whole story, from the event to what the recipient did', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const inbox = await inboxOf(carillon, 'bob')
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Ada' },
    recipients: [{ id: 'bob', email: 'bob@example.test' }],
  })
  clock.set('2026-01-15T12:00:05.000Z')
  mail.next({ outcome: 'temporary', retryAfterMs: 900_000 })
  await carillon.drainJobs()
  clock.set('2026-01-15T12:01:00.000Z')
  await inbox.mark('markRead', { filter: {} })
  clock.set('2026-01-15T12:02:00.000Z')
  await inbox.mark('archive', { filter: {} })
  clock.set('2026-01-15T12:20:00.000Z')
  await carillon.drainJobs()
  const { explanation } = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  type Entry = { readonly at: string; readonly event: string; readonly detail: object }
  expect(explanation.timeline.map(({ at, event, detail }: Entry) => [at.slice(14, 19), event, detail])).toEqual([
    ['00:00', 'event_created', { notificationKey: 'comment.mentioned' }],
    ['00:00', 'notification_created', { recipientId: 'bob' }],
    ['00:00', 'delivery_planned', { channel: 'email' }],
    ['00:05', 'claimed', { checkpoint: 'perform' }],
    ['00:05', 'attempt_recorded', { attemptNumber: 1, adapter: 'mail', outcome: 'failed', errorClass: 'temporary' }],
    ['00:05', 'retry_scheduled', { reason: 'temporary', nextAttemptAt: '2026-01-15T12:15:05.000Z' }],
    ['01:00', 'notification_seen', {}],
    ['01:00', 'notification_read', {}],
    ['02:00', 'notification_archived', {}],
    ['20:00', 'claimed', { checkpoint: 'perform' }],
    ['20:00', 'attempt_recorded', { attemptNumber: 2, adapter: 'mail', outcome: 'succeeded' }],
  ])
})

const EXPLAIN = `query ($id: ID!, $first: Int) {
  explainDelivery(deliveryId: $id) {
    deliveryId notificationId eventId stepKey orchestrationState waitingFor correlationId notificationKey recipientId channel
    renderKey renderVersion status planningReason planningContext nextEligibleAt suppressionReason
    resumeSource resumeScheduledAt resumedAt lastAttempt { attemptNumber outcome }
    summary timeline(first: $first) { at event detail } whatWouldSendIt { kind description change }
  }
}`

test('an explanation names everything that the delivery belongs to', async () => {
  const eventId = await call()
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId })
  const { explainDelivery } = await carillon.ok(carillon.operatorKey, EXPLAIN, { id })
  expect(explainDelivery).toMatchObject({
    deliveryId: id,
    eventId,
    correlationId: 'incident-1',
    notificationKey: 'pager.call',
    recipientId: 'ada',
    channel: 'pager',
    renderKey: 'pager.call.pager',
    renderVersion: 1,
    status: 'SUCCEEDED',
    orchestrationState: 'READY',
    lastAttempt: { attemptNumber: 1, outcome: 'SUCCEEDED' },
    stepKey: null,
    waitingFor: null,
    planningReason: null,
    planningContext: null,
    nextEligibleAt: null,
    suppressionReason: null,
    resumeSource: null,
    resumeScheduledAt: null,
    resumedAt: null,
    whatWouldSendIt: [],
  })
  const query =
    'query ($id: ID!) { node(id: $id) { ... on Notification { recipientId deliveries { explanation { deliveryId } } } } }'
  const { node } = await carillon.ok(carillon.operatorKey, query, { id: explainDelivery.notificationId })
  expect(node).toEqual({ recipientId: 'ada', deliveries: [{ explanation: { deliveryId: id } }] })
})

test('of a timeline the oldest and newest entries are kept where fewer are asked for', async () => {
  const eventId = await call()
  await carillon.drainJobs()
  const { id } = await deliveryOf(carillon, { eventId })
  const { explainDelivery } = await carillon.ok(carillon.operatorKey, EXPLAIN, { id, first: 2 })
  expect(explainDelivery.timeline).toMatchObject([{ event: 'event_created' }, { event: 'attempt_recorded' }])
  for (const first of [0, -1, 1_001]) {
    const answer = await carillon.ask(carillon.operatorKey, EXPLAIN, { id, first })
    expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'first' })
  }
})

test('what does not exist has no explanation', async () => {
  const eventId = await call()
  for (const id of ['nonsense', '', eventId]) {
    expect((await carillon.ok(carillon.operatorKey, EXPLAIN, { id })).explainDelivery).toBeNull()
  }
})

test('an explanation holds no payload, no content and no address', async () => {
  mail.next({ outcome: 'temporary', reason: 'Mailbox secret@example.test full of secret words' })
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'secret author', text: 'secret words' },
    recipients: [{ id: 'zoe', email: 'secret@example.test', displayName: 'secret name' }],
  })
  await carillon.drainJobs()
  const explained: GraphQLAnswer['data'][] = []
  for (const channel of ['in_app', 'email']) explained.push(await deliveryOf(carillon, { eventId: event.id, channel }))
  const text = JSON.stringify(explained.map(({ explanation }) => explanation))
  expect(text).not.toMatch(/secret@|secret author|secret name/)
})

/** An e-mail alone, to a recipient of its own. */
const invoiceTo = async (recipientId: string, input: object = {}): Promise<string> => {
  const recipients = [{ id: recipientId, email: `${recipientId}@example.test` }]
  const triggered = { notificationKey: 'invoice.sent', payload: { number: 7 }, recipients, ...input }
  const { event } = await trigger(carillon, triggered)
  return (await deliveryOf(carillon, { eventId: event.id })).id
}

const explain = async (id: string): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.operatorKey, EXPLAIN, { id })).explainDelivery

const policyOf = async (recipientId: string): Promise<GraphQLAnswer['data']> => {
  const query = `query ($recipientId: ID!) { preferences(recipientId: $recipientId) {
    policy { timeZone quietHours { start end days channels } caps { limit windowMinutes channel category } } } }`
  return (await carillon.ok(carillon.operatorKey, query, { recipientId })).preferences.policy
}

const mutate = (name: string, type: string, input: object) =>
  carillon.ok(carillon.operatorKey, `mutation ($input: ${type}!) { ${name}(input: $input) { __typename } }`, { input })

const setPolicy = (recipientId: string, settings: object) =>
  mutate('setPolicySettings', 'SetPolicySettingsInput', { recipientId, ...settings })

/** Does what an explanation says would have sent it. */
const follow = async (recipientId: string, { at, setPreferences, policySettings }: ChangeData): Promise<void> => {
  if (at) clock.set(at)
  if (setPreferences) await mutate('setPreferences', 'SetPreferencesInput', { recipientId, ...setPreferences })
  if (policySettings) await setPolicy(recipientId, changedSettings(await policyOf(recipientId), policySettings))
}

const proposalsOf = ({ whatWouldSendIt }: GraphQLAnswer['data']): readonly (readonly [string, ChangeData])[] =>
  whatWouldSendIt.map(({ kind, change }: { kind: string; change: ChangeData }) => [kind, change])

/** The instants, events and details of a timeline after the delivery was planned. */
const toldSince = ({ timeline }: GraphQLAnswer['data']) =>
  timeline.slice(3).map(({ at, event, detail }: GraphQLAnswer['data']) => [at.slice(11, 16), event, detail])

const NIGHT = { start: '22:00', end: '08:00', days: ['THURSDAY', 'FRIDAY'], channels: [] }
const LUNCH = { start: '12:00', end: '13:00', days: [], channels: ['email'] }
const EVENING = '2026-01-15T21:30:00.000Z'
const MORNING = '2026-01-16T07:00:00.000Z'

test('a night of quiet hours is explained as it is, waits until the morning, and is told as a whole then', async () => {
  clock.set(EVENING)
  await setPolicy('nina', { timeZone: 'Europe/Berlin', quietHours: [LUNCH, NIGHT] })
  const id = await invoiceTo('nina')
  await carillon.drainJobs()
  const held = await explain(id)
  const windows = [
    { ...LUNCH, days: [] },
    { ...NIGHT, days: ['thursday', 'friday'] },
  ]
  const planningContext = {
    rule: 'quiet_hours',
    ruleIdentity: 'quiet_hours',
    timeZone: 'Europe/Berlin',
    zoneFrom: 'policy',
    windows,
    until: MORNING,
  }
  expect(held).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    planningReason: 'quiet_hours',
    planningContext,
    nextEligibleAt: MORNING,
    resumeSource: null,
    summary: 'Held until 2026-01-16 08:00 Europe/Berlin (07:00 UTC): quiet hours 22:00–08:00 on Thursday and Friday.',
    whatWouldSendIt: [
      {
        kind: 'wait',
        description: 'Wait until 2026-01-16 08:00 Europe/Berlin (07:00 UTC), when the quiet hours are over.',
        change: { at: MORNING },
      },
      { kind: 'recipient_setting', change: { policySettings: { remove: { quietHours: [NIGHT] } } } },
      { kind: 'code', change: { notifier: { urgent: true } } },
    ],
  })
  const deferral = {
    reason: 'quiet_hours',
    timeZone: 'Europe/Berlin',
    ruleIdentity: 'quiet_hours',
    nextEligibleAt: MORNING,
    planningContext,
    checkpoint: 'planning',
  }
  expect(toldSince(held)).toEqual([['21:30', 'deferred', deferral]])

  await follow('nina', { at: MORNING })
  await carillon.drainJobs()
  const sent = await explain(id)
  expect(sent).toMatchObject({
    status: 'SUCCEEDED',
    planningReason: 'quiet_hours',
    nextEligibleAt: MORNING,
    resumeSource: 'schedule',
    resumeScheduledAt: MORNING,
    resumedAt: MORNING,
    summary: 'Sent at 2026-01-16 07:00:00 UTC by mail, on try 1.',
    whatWouldSendIt: [],
  })
  expect(toldSince(sent)).toEqual([
    ['21:30', 'deferred', deferral],
    ['07:00', 'resumed', { source: 'schedule', scheduledAt: MORNING }],
    ['07:00', 'claimed', { checkpoint: 'perform' }],
    ['07:00', 'attempt_recorded', { attemptNumber: 1, adapter: 'mail', outcome: 'succeeded' }],
  ])
})

test('without the quiet hours that an explanation names, the next one is sent at night, and the others are kept', async () => {
  clock.set(EVENING)
  await setPolicy('nora', { timeZone: 'Europe/Berlin', quietHours: [LUNCH, NIGHT], caps: [] })
  const proposals = new Map(proposalsOf(await explain(await invoiceTo('nora'))))
  await follow('nora', proposals.get('recipient_setting') as ChangeData)
  expect((await policyOf('nora')).quietHours).toEqual([LUNCH])
  const id = await invoiceTo('nora')
  await carillon.drainJobs()
  expect((await explain(id)).status).toBe('SUCCEEDED')
})

test('what an operator let go on says who did, in whose words, and is held by nothing more', async () => {
  clock.set(EVENING)
  await setPolicy('olga', { timeZone: 'Europe/Berlin', quietHours: [NIGHT] })
  const id = await invoiceTo('olga')
  clock.set('2026-01-15T23:00:00.000Z')
  await mutate('resumeDelivery', 'DeliveryActionInput', { deliveryId: id, reason: 'she asked for it' })
  const due = await explain(id)
  expect(due.summary).toBe(
    'Waiting to be sent: an operator let it go on at 2026-01-15 23:00:00 UTC, and a worker will take it next.',
  )
  expect(due.whatWouldSendIt).toEqual([])
  await carillon.drainJobs()
  const sent = await explain(id)
  expect(sent).toMatchObject({
    status: 'SUCCEEDED',
    resumeSource: 'operator',
    resumeScheduledAt: MORNING,
    resumedAt: '2026-01-15T23:00:00.000Z',
  })
  expect(toldSince(sent).slice(1)).toEqual([
    ['23:00', 'resumed', { source: 'operator', scheduledAt: MORNING, words: 'she asked for it' }],
    ['23:00', 'claimed', { checkpoint: 'perform' }],
    ['23:00', 'attempt_recorded', { attemptNumber: 1, adapter: 'mail', outcome: 'succeeded' }],
  ])
})

test('what an operator cancelled says that in the summary, and why in the timeline, not among the reasons', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const id = await invoiceTo('oscar')
  await mutate('cancelDelivery', 'DeliveryActionInput', { deliveryId: id, reason: 'sent by hand' })
  const cancelled = await explain(id)
  expect(cancelled).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'cancelled_by_operator',
    summary: 'Not sent: an operator cancelled it at 2026-01-15 12:00:00 UTC: "sent by hand".',
    whatWouldSendIt: [],
  })
  await mutate('retryDelivery', 'DeliveryActionInput', { deliveryId: id, reason: 'it was not' })
  await carillon.drainJobs()
  expect(toldSince(await explain(id)).map(([, event, { words }]: GraphQLAnswer['data']) => [event, words])).toEqual([
    ['cancelled', 'sent by hand'],
    ['retried', 'it was not'],
    ['claimed', undefined],
    ['attempt_recorded', undefined],
  ])
})

test('the preference that an explanation names, switched on, sends the next one', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const preferences = [
    { category: 'billing', channel: 'email', enabled: false },
    { channel: 'email', enabled: false },
  ]
  await mutate('setPreferences', 'SetPreferencesInput', { recipientId: 'paul', preferences })
  const suppressed = await explain(await invoiceTo('paul'))
  expect(suppressed).toMatchObject({ status: 'SUPPRESSED', suppressionReason: 'category_disabled' })
  const proposals = proposalsOf(suppressed)
  expect(proposals).toEqual([
    [
      'recipient_setting',
      { setPreferences: { preferences: [{ category: 'billing', channel: 'email', enabled: true }] } },
    ],
    ['code', { notifier: { required: true } }],
  ])
  await follow('paul', proposals[0]?.[1] as ChangeData)
  const id = await invoiceTo('paul')
  await carillon.drainJobs()
  expect((await explain(id)).status).toBe('SUCCEEDED')
})

test('the cap that an explanation names, raised, sends the next one; so does waiting until it has room', async () => {
  clock.set('2026-01-15T12:00:00.000Z')
  const cap = { limit: 1, windowMinutes: 60, channel: 'email', category: null }
  for (const [recipientId, chosen] of [
    ['carla', 'recipient_setting'],
    ['carl', 'wait'],
  ] as const) {
    clock.set('2026-01-15T12:00:00.000Z')
    await setPolicy(recipientId, { caps: [cap] })
    await invoiceTo(recipientId)
    await carillon.drainJobs()
    clock.set('2026-01-15T12:20:00.000Z')
    const suppressed = await explain(await invoiceTo(recipientId))
    expect(suppressed).toMatchObject({
      suppressionReason: 'delivery_cap_reached',
      summary:
        'Not sent: the recipient had got 1 of 1 e-mails in the last 60 minutes (decided at 2026-01-15 12:20:00 UTC).',
    })
    const proposals = new Map(proposalsOf(suppressed))
    expect([...proposals]).toEqual([
      ['wait', { at: '2026-01-15T13:00:00.000Z' }],
      ['recipient_setting', { policySettings: { remove: { caps: [cap] }, add: { caps: [{ ...cap, limit: 2 }] } } }],
      ['code', { notifier: { required: true } }],
    ])
    await follow(recipientId, proposals.get(chosen) as ChangeData)
    const id = await invoiceTo(recipientId)
    await carillon.drainJobs()
    expect((await explain(id)).status).toBe('SUCCEEDED')
  }
})

test('what expired while it was held says when, and takes the smallest set of changes', async () => {
  clock.set(EVENING)
  await setPolicy('emil', { timeZone: 'Europe/Berlin', quietHours: [NIGHT] })
  const id = await invoiceTo('emil', { expiresAt: '2026-01-16T02:00:00.000Z' })
  clock.set('2026-01-16T02:00:00.000Z')
  await carillon.drainJobs()
  const expired = await explain(id)
  expect(expired).toMatchObject({
    status: 'CANCELLED',
    suppressionReason: 'expired',
    summary: 'Not sent: it expired at 2026-01-16 02:00:00 UTC, before it could be handed over.',
  })
  expect(proposalsOf(expired)).toEqual([['data', [{ at: MORNING }, { trigger: { expiresAt: null } }]]])
  expect(toldSince(expired).map(([at, event]: GraphQLAnswer['data']) => [at, event])).toEqual([
    ['21:30', 'deferred'],
    ['02:00', 'expired'],
  ])
})
