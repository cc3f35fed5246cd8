import { expect, test } from 'vitest'
import { CHECKPOINTS, type Checkpoint, type RuleAnswer } from '../../server/core/decision.ts'
import type { CountedCap, DeliveryCap } from '../../server/core/delivery-cap.ts'
import { type Plan, plan } from '../../server/core/plan.ts'
import { chooseZone, type PlanFacts } from '../../server/core/plan-facts.ts'
import type { Preference, PreferenceLevel } from '../../server/core/preference.ts'
import type { QuietHours, Weekday } from '../../server/core/quiet-hours.ts'
import { REASONS } from '../../server/core/reasons.ts'

/** A Thursday. */
const NOW = new Date('2026-01-15T12:00:00.000Z')
const MINUTE = 60_000
const after = (milliseconds: number): Date => new Date(NOW.getTime() + milliseconds)

const FACTS: PlanFacts = {
  checkpoint: 'planning',
  notificationKey: 'comment.mentioned',
  category: 'comments',
  channel: 'email',
  required: false,
  urgent: false,
  released: false,
  expiresAt: null,
  preferences: [],
  addresses: { needed: true, usable: 1, bounced: 0 },
  fallback: null,
  read: false,
  digest: null,
  member: null,
  caps: [],
  quietHours: [],
  zone: { timeZone: 'UTC', zoneFrom: 'utc' },
}

type Changes = Partial<PlanFacts>

const decide = (changes: Changes, now = NOW): Plan => plan({ ...FACTS, ...changes }, now)

const answerOf = (rule: string, changes: Changes, now = NOW): RuleAnswer =>
  decide(changes, now).answers.find((answer) => answer.rule === rule) as RuleAnswer

const passes = (rule: string, facts: RuleAnswer['facts'] = {}): RuleAnswer => ({
  rule,
  verdict: 'pass',
  reason: null,
  facts,
})

/** What an operator or a notifier may say that is to lift some rules, and no others. */
const POWERS = [{ required: true }, { urgent: true }, { released: true }] as const

/* What is asked. */

test.each<[Checkpoint, readonly string[]]>([
  [
    'planning',
    [
      'expiry',
      'notification_preference',
      'category_preference',
      'address',
      'digest',
      'delivery_cap',
      'quiet_hours',
      'fallback',
    ],
  ],
  [
    'perform',
    [
      'expiry',
      'notification_preference',
      'category_preference',
      'address',
      'read_state',
      'delivery_cap',
      'quiet_hours',
    ],
  ],
])('at %s it asks these rules, in this order, and keeps the answers of those that pass', (checkpoint, rules) => {
  const { verdict, reason, nextEligibleAt, decidedBy, answers } = decide({ checkpoint })
  expect(answers.map(({ rule, verdict }) => [rule, verdict])).toEqual(rules.map((rule) => [rule, 'pass']))
  expect([verdict, reason, nextEligibleAt, decidedBy]).toEqual(['pass', null, null, null])
})

/* Expiry. */

test.each<[string, number, boolean]>([
  ['a millisecond before', -1, true],
  ['at the very instant', 0, true],
  ['a millisecond after', 1, false],
])('an event that expires %s now is cancelled or not, and nobody may lift that', (_, offset, isExpired) => {
  const expiresAt = after(offset)
  const facts = { expiresAt: expiresAt.toISOString() }
  for (const checkpoint of CHECKPOINTS) {
    for (const power of [{}, ...POWERS]) {
      const answer = answerOf('expiry', { checkpoint, expiresAt, ...power })
      expect(answer).toEqual(
        isExpired ? { rule: 'expiry', verdict: 'cancel', reason: 'expired', facts } : passes('expiry', facts),
      )
    }
  }
})

/* Preferences. */

/** The most specific first, with what each of them names. */
const LEVELS: readonly (readonly [PreferenceLevel, Omit<Preference, 'enabled'>])[] = [
  ['key_channel', { notificationKey: 'comment.mentioned', category: null, channel: 'email' }],
  ['key', { notificationKey: 'comment.mentioned', category: null, channel: null }],
  ['category_channel', { notificationKey: null, category: 'comments', channel: 'email' }],
  ['category', { notificationKey: null, category: 'comments', channel: null }],
  ['channel', { notificationKey: null, category: null, channel: 'email' }],
]
const isOfCategory = (level: PreferenceLevel | undefined): boolean => level?.startsWith('category') === true

type Setting = readonly (boolean | null)[]

/** Every way in which the five levels can be unset, on or off: 243. */
const settings = (): readonly Setting[] => {
  let all: Setting[] = [[]]
  for (const _ of LEVELS) all = all.flatMap((one) => [null, true, false].map((enabled) => [...one, enabled]))
  return all
}

const preferencesOf = (setting: Setting): Preference[] =>
  setting.flatMap((enabled, level) => {
    const [, named] = LEVELS[level] as (typeof LEVELS)[number]
    return enabled === null ? [] : [{ ...named, enabled }]
  })

test('of any combination of preferences the most specific one that is set decides, in whatever order they are stored', () => {
  for (const checkpoint of CHECKPOINTS) {
    for (const setting of settings()) {
      const preferences = preferencesOf(setting)
      const decider = setting.findIndex((enabled) => enabled !== null)
      const sends = decider < 0 || setting[decider] === true
      const named = isOfCategory(LEVELS[decider]?.[0]) ? 'category_disabled' : 'channel_disabled'
      for (const stored of [preferences, preferences.toReversed()]) {
        const { verdict, reason } = decide({ checkpoint, preferences: stored })
        expect([setting, verdict, reason]).toEqual([setting, sends ? 'pass' : 'suppress', sends ? null : named])
      }
    }
  }
})

test('each of the two preference rules tells the most specific of its own, and the less specific passes and says by what it was overridden', () => {
  for (const setting of settings()) {
    const preferences = preferencesOf(setting)
    const set = LEVELS.map(([level]) => level).filter((_, index) => setting[index] !== null)
    const own = {
      notification_preference: set.find((level) => !isOfCategory(level)),
      category_preference: set.find(isOfCategory),
    }
    for (const [rule, level] of Object.entries(own)) {
      const enabled = setting[LEVELS.findIndex(([name]) => name === level)]
      const overridden = level !== undefined && level !== set[0]
      const answer = answerOf(rule, { preferences })
      expect(answer.facts).toEqual(
        level === undefined ? {} : { preference: level, enabled, ...(overridden && { overriddenBy: set[0] }) },
      )
      expect(answer.verdict).toBe(level === undefined || overridden || enabled ? 'pass' : 'suppress')
    }
  }
})

test('preferences of another notifier, category or channel have no say', () => {
  const none = { notificationKey: null, category: null, channel: null, enabled: false }
  const preferences = [
    { ...none, notificationKey: 'comment.replied', channel: 'email' },
    { ...none, notificationKey: 'comment.mentioned', channel: 'sms' },
    { ...none, notificationKey: 'comment.replied' },
    { ...none, category: 'billing', channel: 'email' },
    { ...none, category: 'comments', channel: 'sms' },
    { ...none, category: 'billing' },
    { ...none, channel: 'sms' },
  ]
  for (const category of ['comments', null]) {
    const { answers } = decide({ category, preferences })
    expect(answers.slice(1, 3)).toEqual([passes('notification_preference'), passes('category_preference')])
  }
})

test('a required notification passes whatever the recipient switched off, and says that it is required', () => {
  for (const checkpoint of CHECKPOINTS) {
    for (const setting of settings()) {
      const { answers } = decide({ checkpoint, required: true, preferences: preferencesOf(setting) })
      expect(answers.slice(1, 3)).toEqual([
        passes('notification_preference', { required: true }),
        passes('category_preference', { required: true }),
      ])
    }
  }
})

/* Addresses. */

test.each<[PlanFacts['addresses'], string | null, RuleAnswer['facts']]>([
  [{ needed: false, usable: 0, bounced: 0 }, null, { needed: false }],
  [{ needed: false, usable: 0, bounced: 2 }, null, { needed: false }],
  [{ needed: true, usable: 1, bounced: 0 }, null, { needed: true, addresses: 1 }],
  [{ needed: true, usable: 1, bounced: 2 }, null, { needed: true, addresses: 1, bounced: 2 }],
  [{ needed: true, usable: 0, bounced: 0 }, 'missing_address', { needed: true, addresses: 0 }],
  [{ needed: true, usable: 0, bounced: 1 }, 'address_bounced', { needed: true, addresses: 0, bounced: 1 }],
])('addresses of %j are answered with %s, and nobody may lift that', (addresses, reason, facts) => {
  for (const checkpoint of CHECKPOINTS) {
    for (const power of [{}, ...POWERS]) {
      const answer = answerOf('address', { checkpoint, addresses, ...power })
      expect(answer).toEqual({ rule: 'address', verdict: reason ? 'suppress' : 'pass', reason, facts })
    }
  }
})

/* What has been read elsewhere. */

test('a fallback channel is suppressed at perform where it was read meanwhile, and nobody may lift that', () => {
  const read = { checkpoint: 'perform', fallback: { until: after(-1) }, read: true } as const
  for (const power of [{}, ...POWERS]) {
    expect(answerOf('read_state', { ...read, ...power })).toEqual({
      rule: 'read_state',
      verdict: 'suppress',
      reason: 'already_read',
      facts: { fallback: true, read: true },
    })
  }
  expect(answerOf('read_state', { ...read, read: false })).toEqual(
    passes('read_state', { fallback: true, read: false }),
  )
})

test('whether it was read does not matter to a channel that is no fallback, nor when a fallback is planned', () => {
  expect(answerOf('read_state', { checkpoint: 'perform', read: true })).toEqual(passes('read_state'))
  expect(decide({ fallback: { until: after(1) }, read: true }).reason).toBe('fallback_delay')
})

/* Caps. */

const HOURLY: DeliveryCap = { limit: 1, windowMinutes: 60, channel: null, category: null }

const capped = (cap: Partial<DeliveryCap>, ...minutesAgo: readonly number[]): CountedCap => ({
  cap: { ...HOURLY, ...cap },
  counted: minutesAgo.map((minutes, index) => ({ id: `earlier-${index}`, at: after(-minutes * MINUTE) })),
})

test.each<[string, readonly CountedCap[], boolean]>([
  ['with one this instant', [capped({}, 0)], false],
  ['with one just within it', [capped({}, 60 - 1 / MINUTE)], false],
  ['with one exactly as old as it', [capped({}, 60)], true],
  ['with one due a millisecond later', [capped({}, -1 / MINUTE)], true],
  ['one below the limit', [capped({ limit: 3 }, 1, 2)], true],
  ['at the limit', [capped({ limit: 3 }, 1, 2, 3)], false],
  ['beyond the limit', [capped({ limit: 3 }, 1, 2, 3, 4)], false],
  ['of another channel', [capped({ channel: 'sms' }, 1)], true],
  ['of this channel', [capped({ channel: 'email' }, 1)], false],
  ['of another category', [capped({ category: 'billing' }, 1)], true],
  ['of this category', [capped({ category: 'comments' }, 1)], false],
  ['of this channel in another category', [capped({ channel: 'email', category: 'billing' }, 1)], true],
  ['reached, with another that has room', [capped({ limit: 2 }, 1), capped({ windowMinutes: 5 }, 1)], false],
  ['reached, with another that has room, in the other order', [capped({}, 1), capped({ limit: 2 }, 1)], false],
  ['with room, as all of them have', [capped({ limit: 2 }, 1), capped({ windowMinutes: 5 }, 6)], true],
])('under a cap of a window, %s, a delivery is sent or not', (_, caps, isSent) => {
  for (const checkpoint of CHECKPOINTS) {
    for (const power of [{}, { urgent: true }, { released: true }]) {
      const { verdict, reason } = decide({ checkpoint, caps, ...power })
      expect([verdict, reason]).toEqual(isSent ? ['pass', null] : ['suppress', 'delivery_cap_reached'])
    }
    expect(decide({ checkpoint, caps, required: true }).verdict).toBe('pass')
  }
})

test('in-app deliveries are held only by caps that name their channel', () => {
  const inApp = { channel: 'in_app', addresses: { needed: false, usable: 0, bounced: 0 } }
  expect(answerOf('delivery_cap', { ...inApp, caps: [capped({}, 1), capped({ category: 'comments' }, 1)] })).toEqual(
    passes('delivery_cap'),
  )
  expect(decide({ ...inApp, caps: [capped({ channel: 'in_app' }, 1)] }).reason).toBe('delivery_cap_reached')
})

test('a category cap does not concern a notifier that has none', () => {
  expect(decide({ category: null, caps: [capped({ category: 'comments' }, 1)] }).verdict).toBe('pass')
})

test('caps tell how far each that concerns the delivery is used up, and when there is room again in those that are', () => {
  const caps = [
    capped({ channel: 'sms' }, 1),
    capped({ limit: 2 }, 10),
    capped({ limit: 2, windowMinutes: 30 }, 10, 20, 31),
  ]
  const room = { ...HOURLY, limit: 2, count: 1 }
  const full = { ...HOURLY, limit: 2, windowMinutes: 30, count: 2, freesAt: after(10 * MINUTE).toISOString() }
  expect(answerOf('delivery_cap', { caps }).facts).toEqual({ caps: [room, full] })
  expect(answerOf('delivery_cap', { caps: caps.slice(0, 2) })).toEqual(passes('delivery_cap', { caps: [room] }))
  expect(answerOf('delivery_cap', { caps: caps.slice(0, 1) })).toEqual(passes('delivery_cap'))
  expect(answerOf('delivery_cap', { caps, required: true })).toEqual(passes('delivery_cap', { required: true }))
})

test('a delivery that a cap holds is let through at the instant at which the cap says that there is room', () => {
  const caps = [capped({ limit: 2 }, 5, 50, 55)]
  const [{ freesAt }] = answerOf('delivery_cap', { caps }).facts['caps'] as [{ freesAt: string }]
  expect(decide({ caps }, new Date(Date.parse(freesAt) - 1)).reason).toBe('delivery_cap_reached')
  expect(decide({ caps }, new Date(freesAt)).verdict).toBe('pass')
})

/* Quiet hours. */

const quiet = (start: string, end: string, rest: Partial<QuietHours> = {}): QuietHours => ({
  start,
  end,
  days: [],
  channels: [],
  ...rest,
})
const on = (...days: readonly Weekday[]) => ({ days })
const NIGHT = quiet('22:00', '08:00')
const NEW_YORK = { timeZone: 'America/New_York', zoneFrom: 'recipient' } as const

test.each<[string, QuietHours, string | null]>([
  ['2026-01-15T03:30:00.000Z', NIGHT, '2026-01-15T13:00:00.000Z'],
  ['2026-01-15T02:59:59.999Z', NIGHT, null],
  ['2026-01-15T03:00:00.000Z', NIGHT, '2026-01-15T13:00:00.000Z'],
  ['2026-01-15T12:59:59.999Z', NIGHT, '2026-01-15T13:00:00.000Z'],
  ['2026-01-15T13:00:00.000Z', NIGHT, null],
  // The end lies in the gap of spring; the start and the end come twice in autumn.
  ['2026-03-08T06:30:00.000Z', quiet('01:00', '02:30'), '2026-03-08T07:00:00.000Z'],
  ['2026-11-01T05:30:00.000Z', quiet('01:00', '01:30'), '2026-11-01T06:30:00.000Z'],
  // The day is that of the start: Wednesday's night ends on Thursday.
  ['2026-01-15T03:30:00.000Z', quiet('22:00', '08:00', on('wednesday')), '2026-01-15T13:00:00.000Z'],
  ['2026-01-15T12:30:00.000Z', quiet('22:00', '08:00', on('wednesday')), '2026-01-15T13:00:00.000Z'],
  ['2026-01-15T12:30:00.000Z', quiet('22:00', '08:00', on('thursday')), null],
  ['2026-01-16T03:30:00.000Z', quiet('22:00', '08:00', on('wednesday', 'friday')), null],
])('at %s in New York, under %j, a delivery waits until %s', (at, window, until) => {
  for (const checkpoint of CHECKPOINTS) {
    const changes = { checkpoint, quietHours: [window], zone: NEW_YORK }
    const { verdict, reason, nextEligibleAt, answers } = decide(changes, new Date(at))
    expect([verdict, reason]).toEqual(until ? ['defer', 'quiet_hours'] : ['pass', null])
    expect(nextEligibleAt).toEqual(until && new Date(until))
    expect(answers.find(({ rule }) => rule === 'quiet_hours')?.facts).toEqual({
      ...NEW_YORK,
      windows: [window],
      ...(until && { until }),
    })
  }
})

const NOON = quiet('11:00', '13:00')
const ONE_O_CLOCK = new Date('2026-01-15T13:00:00.000Z')

test.each<[string, readonly QuietHours[], Date | null]>([
  ['email', [NOON], ONE_O_CLOCK],
  ['in_app', [NOON], null],
  ['in_app', [quiet('11:00', '13:00', { channels: ['sms', 'in_app'] })], ONE_O_CLOCK],
  ['email', [quiet('11:00', '13:00', { channels: ['sms', 'in_app'] })], null],
  ['email', [quiet('11:00', '12:30'), quiet('12:30', '13:00', { channels: ['email'] })], ONE_O_CLOCK],
  ['sms', [quiet('11:00', '12:30'), quiet('12:30', '13:00', { channels: ['email'] })], after(30 * MINUTE)],
])(
  '%s waits for the windows that concern it, taken together, and tells of those alone: %j',
  (channel, quietHours, until) => {
    expect(decide({ channel, quietHours }).nextEligibleAt).toEqual(until)
    const concerned = quietHours.filter(({ channels }) =>
      channels.length === 0 ? channel !== 'in_app' : channels.includes(channel),
    )
    expect(answerOf('quiet_hours', { channel, quietHours }).facts['windows']).toEqual(
      concerned.length === 0 ? undefined : concerned,
    )
  },
)

test('quiet hours let an urgent and a released delivery through, which says so; a required one waits', () => {
  for (const checkpoint of CHECKPOINTS) {
    const held = { checkpoint, quietHours: [NOON] }
    expect(decide({ ...held, required: true }).reason).toBe('quiet_hours')
    expect(answerOf('quiet_hours', { ...held, urgent: true })).toEqual(passes('quiet_hours', { urgent: true }))
    expect(answerOf('quiet_hours', { ...held, released: true })).toEqual(
      passes('quiet_hours', { released: 'operator' }),
    )
    // Where there is nothing to be let through, there is nothing to say.
    for (const power of POWERS) expect(answerOf('quiet_hours', { checkpoint, ...power })).toEqual(passes('quiet_hours'))
  }
})

test.each([
  [{ policy: 'Asia/Tokyo', recipient: 'Europe/Berlin', default: 'America/Lima' }, 'Asia/Tokyo', 'policy'],
  [{ policy: null, recipient: 'Europe/Berlin', default: 'America/Lima' }, 'Europe/Berlin', 'recipient'],
  [{ policy: null, recipient: undefined, default: 'America/Lima' }, 'America/Lima', 'default'],
  [{ policy: '', recipient: '', default: 'America/Lima' }, 'America/Lima', 'default'],
  [{ policy: null, recipient: null, default: null }, 'UTC', 'utc'],
] as const)('of the zones %j quiet hours are in %s, which comes from %s', (zones, timeZone, zoneFrom) => {
  const zone = chooseZone(zones)
  expect(zone).toEqual({ timeZone, zoneFrom })
  expect(answerOf('quiet_hours', { quietHours: [NIGHT], zone }).facts).toMatchObject({ timeZone, zoneFrom })
})

test('the same window holds in one zone and not in another', () => {
  const quietHours = [quiet('20:30', '21:30')]
  const until = (timeZone: string) =>
    decide({ quietHours, zone: { timeZone, zoneFrom: 'policy' } }).nextEligibleAt?.toISOString()
  expect(until('Asia/Tokyo')).toBe('2026-01-15T12:30:00.000Z')
  expect(until('Europe/Berlin')).toBeUndefined()
})

test('a stored zone that this server does not know is taken for UTC, and named', () => {
  const zone = { timeZone: 'Europe/Atlantis', zoneFrom: 'recipient' } as const
  const { nextEligibleAt, answers } = decide({ quietHours: [NOON], zone })
  expect(nextEligibleAt).toEqual(ONE_O_CLOCK)
  expect(answers.find(({ rule }) => rule === 'quiet_hours')?.facts).toEqual({
    timeZone: 'UTC',
    zoneFrom: 'utc',
    unknownZone: 'Europe/Atlantis',
    windows: [NOON],
    until: ONE_O_CLOCK.toISOString(),
  })
})

/* Fallback. */

test.each<[number, boolean]>([
  [-1, false],
  [0, false],
  [1, true],
])('a fallback channel whose delay is over %i ms from now waits: %s', (offset, waits) => {
  const fallback = { until: after(offset) }
  const facts = { until: fallback.until.toISOString() }
  for (const power of [{}, { required: true }, { urgent: true }]) {
    const { nextEligibleAt, answers } = decide({ fallback, ...power })
    expect(nextEligibleAt).toEqual(waits ? fallback.until : null)
    expect(answers.at(-1)).toEqual(
      waits ? { rule: 'fallback', verdict: 'defer', reason: 'fallback_delay', facts } : passes('fallback', facts),
    )
  }
  expect(answerOf('fallback', { fallback, released: true })).toEqual(passes('fallback', { released: 'operator' }))
  expect(decide({ checkpoint: 'perform', fallback }).verdict).toBe('pass')
})

/* What they all come to. */

/** Each objects by itself, in the order of the rules; together they all do. */
const OBJECTIONS: readonly (readonly [reason: keyof typeof REASONS, checkpoints: readonly Checkpoint[], Changes])[] = [
  ['expired', CHECKPOINTS, { expiresAt: NOW }],
  ['channel_disabled', CHECKPOINTS, { preferences: preferencesOf([false]) }],
  ['missing_address', CHECKPOINTS, { addresses: { needed: true, usable: 0, bounced: 0 } }],
  ['already_read', ['perform'], { fallback: { until: after(2 * MINUTE) }, read: true }],
  ['delivery_cap_reached', CHECKPOINTS, { caps: [capped({}, 1)] }],
  ['quiet_hours', CHECKPOINTS, { quietHours: [NOON] }],
  ['fallback_delay', ['planning'], { fallback: { until: after(2 * MINUTE) } }],
]

test.each(CHECKPOINTS)(
  'at %s every rule is asked though others object, and the first one that stops it for good decides',
  (checkpoint) => {
    let left = OBJECTIONS.filter(([, checkpoints]) => checkpoints.includes(checkpoint))
    while (left.length > 0) {
      const reasons = left.map(([reason]) => reason)
      const { reason, answers } = decide({ checkpoint, ...Object.assign({}, ...left.map(([, , changes]) => changes)) })
      expect(answers.flatMap(({ reason }) => reason ?? [])).toEqual(reasons)
      expect(reason).toBe(reasons[0])
      left = left.slice(1)
    }
  },
)

test.each<[string, Changes, string]>([
  ['category', { preferences: preferencesOf([null, null, null, false, false]) }, 'category_disabled'],
  ['bounced address', { addresses: { needed: true, usable: 0, bounced: 1 } }, 'address_bounced'],
])('a %s stops it for good whatever else would put it off', (_, changes, reason) => {
  const { verdict, nextEligibleAt, decidedBy, answers } = decide({
    quietHours: [NOON],
    fallback: { until: after(1) },
    caps: [capped({}, 1)],
    ...changes,
  })
  expect([verdict, nextEligibleAt, decidedBy?.reason]).toEqual(['suppress', null, reason])
  expect(answers).toContain(decidedBy)
})

test.each([
  ['quiet_hours', 59],
  ['quiet_hours', 60],
  ['fallback_delay', 61],
] as const)(
  'of quiet hours for an hour and a fallback, %s decides where its delay is %i minutes: the later of the two',
  (reason, minutes) => {
    const result = decide({ quietHours: [NOON], fallback: { until: after(minutes * MINUTE) } })
    expect([result.verdict, result.reason]).toEqual(['defer', reason])
    expect(result.nextEligibleAt).toEqual(after(Math.max(60, minutes) * MINUTE))
  },
)

test('every reason that the planner can give has its meaning in words', () => {
  const given = new Set(
    [
      ...OBJECTIONS.flatMap(([, checkpoints, changes]) =>
        checkpoints.map((checkpoint) => ({ ...changes, checkpoint })),
      ),
      { addresses: { needed: true, usable: 0, bounced: 1 } },
      { preferences: preferencesOf([null, null, null, false]) },
    ].map((changes) => decide(changes).reason),
  )
  expect([...given].sort()).toEqual([
    'address_bounced',
    'already_read',
    'category_disabled',
    'channel_disabled',
    'delivery_cap_reached',
    'expired',
    'fallback_delay',
    'missing_address',
    'quiet_hours',
  ])
  for (const reason of given) expect(REASONS[reason as keyof typeof REASONS]).toMatch(/^[A-Z].+\.$/)
})
