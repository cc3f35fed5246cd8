import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { policyFault } from '../../server/core/policy.ts'
import { WEEKDAYS } from '../../server/core/quiet-hours.ts'
import { type DigestRuleDefinition, defineNotifier, memory } from '../../server/index.ts'
import { storePolicy } from '../../server/operations/policy-settings.ts'
import { storePreferences } from '../../server/operations/preferences.ts'
import { upsertRecipients } from '../../server/operations/recipients.ts'
import { subscribeToTopic } from '../../server/operations/topics.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { simulate } from '../support/simulate.ts'
import { trigger } from '../support/trigger.ts'

const CHANNELS = ['email', 'in_app', 'pager', 'sms'] as const

/** On those channels that its payload says, and for some recipients on one fewer. */
const kind = (
  key: string,
  more: { category?: string; required?: true; urgent?: true; fallback?: true; digest?: true },
) => {
  const { fallback, digest, ...rest } = more
  return defineNotifier({
    key,
    version: 1,
    ...rest,
    payload: z.object({ channels: z.array(z.enum(CHANNELS)).default(['in_app']) }),
    channels: ({ payload, recipient }) =>
      payload.channels.filter((one) => one !== 'pager' || recipient.locale !== 'de'),
    render: {
      email: () => ({ subject: 'S', html: '', text: '' }),
      in_app: () => ({ title: 'T' }),
      pager: () => ({}),
      sms: () => ({ text: 'T' }),
    },
    ...(fallback && { fallback: { sms: { after: '10m' } } }),
    // On all but text messages, which no rule holds; by a key of its own where it pages.
    ...(digest && { digest: { email: {}, in_app: {}, sms: {}, pager: { key: () => 'all pages' } } }),
  })
}
const NOTIFIERS = [
  kind('plain', {}),
  kind('comment', { category: 'comments', fallback: true }),
  kind('invoice', { category: 'billing' }),
  kind('page', { category: 'billing', urgent: true }),
  kind('alarm', { category: 'comments', required: true }),
  kind('report', { category: 'billing', digest: true }),
  kind('summary', { category: 'comments', required: true, fallback: true, digest: true }),
]
const rule = (key: string, channel: string) => ({ key, channel, version: 1, groupBy: 'category' as const })
/** One of each kind of window; one is full with two, so that the next opens another. */
const RULES: readonly DigestRuleDefinition[] = [
  { ...rule('mail', 'email'), window: { kind: 'boundary', time: '02:30' } },
  { ...rule('inbox', 'in_app'), window: { kind: 'sliding', minutes: 20, maxMinutes: 45 } },
  { ...rule('pages', 'pager'), groupBy: 'digest_key', window: { kind: 'fixed', minutes: 30 }, maxItems: 2 },
]
const KEYS = NOTIFIERS.map(({ key }) => key)
const CATEGORIES = ['comments', 'billing'] as const

/** Around them clocks are set forward or back, days begin and quiet hours end. */
const INSTANTS = [
  '2026-01-15T03:30:00.000Z',
  '2026-03-08T06:30:00.000Z',
  '2026-03-29T00:30:00.000Z',
  '2026-10-25T01:00:00.000Z',
  '2026-11-01T05:30:00.000Z',
  '2026-06-30T23:59:59.999Z',
]
const MINUTE = 60_000

const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  const adapters = { email: memory({ name: 'mail' }), pager: memory({ name: 'pager' }), sms: memory({ name: 'sms' }) }
  const defaults = { timeZone: 'Asia/Tokyo' }
  carillon = await startCarillon({ notifiers: NOTIFIERS, adapters, digestRules: RULES, defaults }, { clock })
})
afterAll(() => carillon.close())

const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 1 })
const mostly = fc.constantFrom(true, true, true, true, false)
const channel = fc.constantFrom(...CHANNELS)
const category = fc.constantFrom(...CATEGORIES)
const someChannels = fc.subarray([...CHANNELS], { minLength: 1 })
const zone = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC')
const time = fc
  .tuple(fc.constantFrom(0, 1, 2, 8, 12, 22), fc.constantFrom(0, 30))
  .map(([hour, minute]) => `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`)

const preference = fc.oneof(
  fc.record({ notificationKey: fc.constantFrom(...KEYS), channel: sometimes(channel), enabled: fc.boolean() }),
  fc.record({ category, channel: sometimes(channel), enabled: fc.boolean() }),
  fc.record({ channel, enabled: fc.boolean() }),
)

const policy = fc
  .record({
    timeZone: sometimes(zone),
    quietHours: fc.array(
      fc.record({
        start: time,
        end: time,
        days: fc.oneof(fc.constant([]), fc.subarray([...WEEKDAYS], { minLength: 1 })),
        channels: fc.oneof(fc.constant([]), fc.subarray([...CHANNELS])),
      }),
      { maxLength: 2 },
    ),
    caps: fc.array(
      fc.record({
        limit: fc.integer({ min: 1, max: 3 }),
        windowMinutes: fc.constantFrom(1, 60, 180),
        channel: sometimes(channel),
        category: sometimes(category),
      }),
      { maxLength: 2 },
    ),
  })
  .filter((settings) => policyFault(settings, []) === null)

const details = fc.record(
  {
    email: fc.option(fc.constantFrom('a@example.test', 'b@example.test'), { freq: 4 }),
    phone: fc.option(fc.constant('+4912345'), { freq: 4 }),
    timeZone: sometimes(zone),
    locale: sometimes(fc.constantFrom('de', 'en')),
    addresses: fc.subarray([
      { channel: 'sms', address: '+49999' },
      { channel: 'email', address: 'c@example.test' },
    ]),
  },
  { requiredKeys: [] },
)

const person = fc.record({
  stored: fc.option(details, { freq: 5 }),
  bounced: fc.oneof(fc.constant([]), fc.constant([]), fc.subarray(['email', 'phone', 'added'] as const)),
  preferences: fc.oneof(fc.constant([]), fc.array(preference, { maxLength: 4 })),
  policy: fc.option(policy, { freq: 5 }),
  subscribed: fc.boolean(),
  named: mostly,
  given: fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: details }),
})

const earlier = fc.record({
  minutesBefore: fc.constantFrom(0, 1, 30, 59, 60, 600),
  notificationKey: fc.constantFrom(...KEYS),
  channels: someChannels,
  sent: fc.boolean(),
})

const situation = fc.record({
  people: fc.array(person, { minLength: 1, maxLength: 4 }),
  history: fc.array(earlier, { maxLength: 4 }),
  at: fc
    .tuple(fc.constantFrom(...INSTANTS), fc.integer({ min: -720, max: 720 }))
    .map(([instant, minutes]) => new Date(Date.parse(instant) + minutes * MINUTE)),
  notificationKey: fc.constantFrom(...KEYS),
  channels: fc.option(someChannels, { freq: 9 }),
  /** Whether the first of them caused it. */
  acted: fc.boolean(),
})
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never

const NOBODY = { stored: null, bounced: [], preferences: [], policy: null, subscribed: false, named: true, given: {} }
/** Each outcome that there is, by itself: whatever the others happen to meet, none of them goes unmet. */
const EVERYTHING: Situation = {
  people: [
    { ...NOBODY, given: { phone: '+4912345' } },
    {
      ...NOBODY,
      stored: { email: 'a@example.test', phone: '+4912345' },
      bounced: ['email'],
      preferences: [
        { channel: 'in_app', enabled: false },
        { category: 'comments', channel: 'pager', enabled: false },
      ],
      policy: {
        timeZone: 'America/New_York',
        quietHours: [{ start: '22:00', end: '08:00', days: [], channels: [] }],
        caps: [],
      },
    },
    {
      ...NOBODY,
      stored: { email: 'b@example.test' },
      policy: {
        timeZone: null,
        quietHours: [],
        caps: [{ limit: 1, windowMinutes: 60, channel: null, category: null }],
      },
    },
  ],
  history: [],
  at: new Date('2026-01-15T03:30:00.000Z'),
  notificationKey: 'comment',
  channels: [...CHANNELS],
  acted: false,
}
/** Several that are held already, and more of the same to come: buckets that are open, full, and over. */
const HELD: Situation = {
  ...EVERYTHING,
  history: ([600, 30, 1, 0] as const).map((minutesBefore) => ({
    minutesBefore,
    notificationKey: 'report',
    channels: [...CHANNELS],
    sent: false,
  })),
  notificationKey: 'report',
}
const OUTCOMES = [
  'DEFER fallback_delay',
  'DEFER quiet_hours',
  'DIGEST digest_rule',
  'PASS',
  'SUPPRESS address_bounced',
  'SUPPRESS category_disabled',
  'SUPPRESS channel_disabled',
  'SUPPRESS delivery_cap_reached',
  'SUPPRESS missing_address',
]

const BOUNCED = {
  email: 'update recipient set email_bounced_at = now() where recipient_id = $1 and email is not null',
  phone: 'update recipient set phone_bounced_at = now() where recipient_id = $1 and phone is not null',
  added: 'update recipient_address set bounced_at = now() where recipient_id = $1',
} as const

/** Makes a situation true of recipients of its own, and answers the request that is to be made in it. */
const arrange = async ({ people, history, at, ...happened }: Situation, run: number) => {
  const { app, tenantId, sql } = carillon
  const everybody = people.map((person, index) => ({ ...person, id: `run-${run}-${index}` }))
  const topicKey = `run-${run}`
  clock.set(new Date(at.getTime() - 2_000 * MINUTE).toISOString())
  await subscribeToTopic(app, {
    tenantId,
    topicKey,
    recipientIds: everybody.filter(({ subscribed }) => subscribed).map(({ id }) => id),
  })
  const settle = async ({ id: recipientId, stored, preferences, policy, bounced }: (typeof everybody)[number]) => {
    if (stored) await upsertRecipients(app, { tenantId, recipients: [{ ...stored, id: recipientId }] })
    for (const which of bounced) await sql.query(BOUNCED[which], [recipientId])
    await storePreferences(app, { tenantId, recipientId }, preferences)
    if (policy) await storePolicy(app, { tenantId, recipientId }, policy)
  }
  await Promise.all(everybody.map(settle))
  for (const { minutesBefore, notificationKey, channels, sent } of history.toSorted(
    (a, b) => b.minutesBefore - a.minutesBefore,
  )) {
    clock.set(new Date(at.getTime() - minutesBefore * MINUTE).toISOString())
    await trigger(carillon, { notificationKey, payload: { channels }, recipients: everybody.map(({ id }) => ({ id })) })
    if (sent) await carillon.drainJobs()
  }
  return {
    notificationKey: happened.notificationKey,
    payload: happened.channels ? { channels: happened.channels } : {},
    recipients: everybody.filter(({ named }) => named).map(({ id, given }) => ({ ...given, id })),
    topics: [topicKey],
    ...(happened.acted && { actorId: everybody[0]?.id }),
  }
}

const DELIVERIES = `query ($eventId: ID!, $after: String) {
  deliveries(filter: { eventId: $eventId }, first: 100, after: $after) {
    edges { node {
      channel status orchestrationState suppressionReason notification { recipientId }
      explanation { planningReason nextEligibleAt decisions { checkpoint at rule verdict reason facts } }
    } }
  }
}`

const VERDICT_OF: Record<string, string> = { SUPPRESSED: 'SUPPRESS', CANCELLED: 'CANCEL', SUCCEEDED: 'PASS' }

/** What stored deliveries say, each in a line with its decisions as they are answered, in order. */
const linesOfStored = async (eventId: string): Promise<readonly string[]> => {
  const { deliveries } = await carillon.ok(carillon.operatorKey, DELIVERIES, { eventId })
  return deliveries.edges
    .map(({ node }: GraphQLAnswer['data']) => {
      const { planningReason, nextEligibleAt, decisions } = node.explanation
      const held = node.orchestrationState === 'DIGEST_HELD' ? 'DIGEST' : null
      const verdict = VERDICT_OF[node.status] ?? held ?? (nextEligibleAt ? 'DEFER' : 'PASS')
      const reason = node.suppressionReason ?? planningReason
      return line(node.notification.recipientId, { channel: node.channel, verdict, reason, nextEligibleAt, decisions })
    })
    .sort()
}

const line = (recipientId: string, delivery: GraphQLAnswer['data']): string => {
  const { channel, verdict, reason, nextEligibleAt, decisions } = delivery
  return [recipientId, channel, verdict, reason, nextEligibleAt, JSON.stringify(decisions)].join(' | ')
}

const linesOfSimulated = ({ recipients }: GraphQLAnswer['data']): readonly string[] =>
  recipients
    .flatMap(({ recipientId, deliveries }: GraphQLAnswer['data']) =>
      deliveries.map((delivery: GraphQLAnswer['data']) => line(recipientId, delivery)),
    )
    .sort()

test('whatever the facts, a simulation takes the decisions that a trigger at the same instant takes, byte for byte', async () => {
  let run = 0
  const outcomes = new Set<string>()
  await fc.assert(
    fc.asyncProperty(situation, async (facts) => {
      run += 1
      const request = await arrange(facts, run)
      // Asked from another time for that instant, and then at it.
      const foreseen = await simulate(carillon, { ...request, at: facts.at.toISOString() })
      clock.set(facts.at.toISOString())
      const simulated = await simulate(carillon, request)
      const { event } = await trigger(carillon, request)

      const stored = await linesOfStored(event.id)
      expect(linesOfSimulated(simulated)).toEqual(stored)
      expect(linesOfSimulated(foreseen)).toEqual(stored)
      expect([simulated.at, simulated.recipientCount]).toEqual([facts.at.toISOString(), event.recipientCount])
      for (const one of stored) {
        const [, , verdict, reason] = one.split(' | ')
        outcomes.add([verdict, reason].filter(Boolean).join(' '))
      }
    }),
    { numRuns: 64, unbiased: true, examples: [[EVERYTHING], [HELD]] },
  )
  expect([...outcomes].sort()).toEqual(expect.arrayContaining(OUTCOMES))
}, 60_000)
