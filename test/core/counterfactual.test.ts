import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Counterfactual, counterfactualsOf, whatWouldSendIt } from '../../server/core/counterfactual.ts'
import type { StoredDecision } from '../../server/core/explanation.ts'
import { plan } from '../../server/core/plan.ts'
import { CHANGE_KINDS } from '../../server/core/plan-changes.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'
import { WEEKDAYS } from '../../server/core/quiet-hours.ts'
import { recordedFacts } from '../../server/core/recorded-facts.ts'
import { applyChange, type ChangeData } from '../support/apply-change.ts'
import { decided, FACTS, NOON, storyOf } from '../support/stories.ts'

const NIGHT = { start: '22:00', end: '08:00', days: [], channels: [] }
const EARLY = new Date('2026-01-15T04:00:00.000Z')
const MORNING = '2026-01-15T07:00:00.000Z'
const UNREACHABLE = { addresses: { needed: true, usable: 0, bounced: 0 } }
const off = { notificationKey: null, category: null, channel: null, enabled: false }
const cap = { limit: 1, windowMinutes: 60, channel: null, category: null }
const minutesAgo = (minutes: number, now = NOON) => ({
  id: `${minutes}`,
  at: new Date(now.getTime() - minutes * 60_000),
})
const full = { cap, counted: [minutesAgo(20)] }

const would = (facts: Partial<PlanFacts>, at = NOON): readonly Counterfactual[] =>
  counterfactualsOf(decided(facts, at), { ...FACTS, ...facts })

const REQUIRED = {
  kind: 'code',
  description: 'Declare the notifier "comment.mentioned" `required`, which passes preferences and caps.',
  change: { notifier: { required: true } },
}
const URGENT = {
  kind: 'code',
  description: 'Declare the notifier "comment.mentioned" `urgent`, which passes quiet hours.',
  change: { notifier: { urgent: true } },
}
const NO_FALLBACK = {
  kind: 'code',
  description: 'Take email out of the fallback channels of the notifier "comment.mentioned".',
  change: { notifier: { fallback: null } },
}
const NO_EXPIRY = {
  kind: 'data',
  description: 'Trigger it without `expiresAt`, or with a later one.',
  change: { trigger: { expiresAt: null } },
}

const switchedOff = (preference: Record<string, unknown>, what: string) => [
  {
    kind: 'recipient_setting',
    description: `Switch ${what} back on in the recipient's preferences.`,
    change: { setPreferences: { preferences: [{ ...preference, enabled: true }] } },
  },
  REQUIRED,
]

const CASES: readonly (readonly [string, Partial<PlanFacts>, Date, readonly unknown[]])[] = [
  [
    'switched off by key and channel',
    { preferences: [{ ...off, notificationKey: 'comment.mentioned', channel: 'email' }] },
    NOON,
    switchedOff({ notificationKey: 'comment.mentioned', channel: 'email' }, '"comment.mentioned" on email'),
  ],
  [
    'switched off by key',
    { preferences: [{ ...off, notificationKey: 'comment.mentioned' }] },
    NOON,
    switchedOff({ notificationKey: 'comment.mentioned' }, '"comment.mentioned"'),
  ],
  [
    'switched off by category and channel',
    { preferences: [{ ...off, category: 'comments', channel: 'email' }] },
    NOON,
    switchedOff({ category: 'comments', channel: 'email' }, 'the category "comments" on email'),
  ],
  [
    'switched off by category, though the channel is on',
    {
      preferences: [
        { ...off, category: 'comments' },
        { ...off, channel: 'email', enabled: true },
      ],
    },
    NOON,
    switchedOff({ category: 'comments' }, 'the category "comments"'),
  ],
  [
    'switched off by channel',
    { preferences: [{ ...off, channel: 'email' }] },
    NOON,
    switchedOff({ channel: 'email' }, 'the channel email'),
  ],
  [
    'without an address',
    UNREACHABLE,
    NOON,
    [
      {
        kind: 'data',
        description: 'Register an address of the recipient for email.',
        change: { registerAddress: { channel: 'email' } },
      },
    ],
  ],
  [
    'with bounced addresses alone',
    { addresses: { needed: true, usable: 0, bounced: 2 } },
    NOON,
    [
      {
        kind: 'data',
        description: 'Register another address of the recipient for email.',
        change: { registerAddress: { channel: 'email' } },
      },
    ],
  ],
  [
    'in quiet hours',
    { quietHours: [NIGHT, { ...NIGHT, start: '12:00', end: '13:00' }] },
    EARLY,
    [
      {
        kind: 'wait',
        description: 'Wait until 08:00 Europe/Berlin (07:00 UTC), when the quiet hours are over.',
        change: { at: MORNING },
      },
      {
        kind: 'recipient_setting',
        description: "Take the quiet hours 22:00–08:00 out of the recipient's settings.",
        change: { policySettings: { remove: { quietHours: [NIGHT] } } },
      },
      URGENT,
    ],
  ],
  [
    'beyond a cap',
    { caps: [full] },
    NOON,
    [
      {
        kind: 'wait',
        description: 'Wait until 12:40 UTC, when the cap has room again.',
        change: { at: '2026-01-15T12:40:00.000Z' },
      },
      {
        kind: 'recipient_setting',
        description: "Raise the recipient's cap of 1 deliveries in 60 minutes to 2 or remove it.",
        change: { policySettings: { remove: { caps: [cap] }, add: { caps: [{ ...cap, limit: 2 }] } } },
      },
      REQUIRED,
    ],
  ],
  [
    'beyond a cap that cannot be raised',
    { caps: [{ cap: { ...cap, limit: 1_000 }, counted: Array.from({ length: 1_000 }, () => minutesAgo(20)) }] },
    NOON,
    [
      expect.objectContaining({ kind: 'wait' }),
      {
        kind: 'recipient_setting',
        description: "Remove the recipient's cap of 1000 deliveries in 60 minutes.",
        change: { policySettings: { remove: { caps: [{ ...cap, limit: 1_000 }] } } },
      },
      REQUIRED,
    ],
  ],
  [
    'beyond a cap that frees in quiet hours',
    { caps: [{ cap, counted: [minutesAgo(20, EARLY)] }], quietHours: [{ ...NIGHT, start: '05:30' }] },
    EARLY,
    [
      {
        kind: 'wait',
        description:
          'Wait until 08:00 Europe/Berlin (07:00 UTC), when the cap has room again and the quiet hours are over.',
        change: { at: MORNING },
      },
      expect.objectContaining({ kind: 'recipient_setting' }),
      REQUIRED,
    ],
  ],
  [
    'before its fallback delay is over',
    { fallback: { until: new Date('2026-01-15T12:30:00.000Z') } },
    NOON,
    [
      {
        kind: 'wait',
        description: "Wait until 12:30 UTC, when this fallback channel's delay is over.",
        change: { at: '2026-01-15T12:30:00.000Z' },
      },
      NO_FALLBACK,
    ],
  ],
  [
    'read before',
    { checkpoint: 'perform', fallback: { until: NOON }, read: true },
    NOON,
    [
      {
        kind: 'data',
        description: 'Have the notification unread, and not archived, when this is due.',
        change: { markUnread: true },
      },
      NO_FALLBACK,
    ],
  ],
  [
    'held for a digest',
    {
      digest: {
        ruleIdentity: 'daily:v2',
        groupBy: 'category',
        windowStartsAt: EARLY,
        windowEndsAt: new Date('2026-01-15T13:00:00.000Z'),
      },
    },
    NOON,
    [
      {
        kind: 'wait',
        description: 'Wait until 13:00 UTC, when its digest closes.',
        change: { at: '2026-01-15T13:00:00.000Z' },
      },
      {
        kind: 'tenant_setting',
        description: 'Delete the digest rule daily:v2, so that no other holds it.',
        change: { deleteDigestRule: { ruleIdentity: 'daily:v2' } },
      },
      {
        kind: 'code',
        description: 'Take email out of `digest` of the notifier "comment.mentioned".',
        change: { notifier: { digest: null } },
      },
    ],
  ],
  [
    'read before its digest closed',
    { checkpoint: 'perform', member: { excludeRead: true }, read: true },
    NOON,
    [
      {
        kind: 'tenant_setting',
        description: 'Give the digest rule a version without `excludeRead`.',
        change: { upsertDigestRule: { excludeRead: false } },
      },
      {
        kind: 'data',
        description: 'Have the notification unread, and not archived, when this is due.',
        change: { markUnread: true },
      },
    ],
  ],
  ['expired', { expiresAt: EARLY }, NOON, [NO_EXPIRY]],
  [
    'expired, and it was night as well: the cheapest pair',
    { checkpoint: 'perform', expiresAt: new Date(EARLY.getTime() - 1), quietHours: [NIGHT] },
    EARLY,
    [
      {
        kind: 'data',
        description:
          'Wait until 08:00 Europe/Berlin (07:00 UTC), when the quiet hours are over; and trigger it without `expiresAt`, or with a later one.',
        change: [{ at: MORNING }, { trigger: { expiresAt: null } }],
      },
    ],
  ],
  [
    'in quiet hours that outlast it: no wait',
    { expiresAt: new Date('2026-01-15T06:00:00.000Z'), quietHours: [NIGHT] },
    EARLY,
    [expect.objectContaining({ kind: 'recipient_setting' }), URGENT],
  ],
  [
    'switched off, and without an address: a pair of the recipient and data, not of code and data',
    { ...UNREACHABLE, preferences: [{ ...off, channel: 'email' }] },
    NOON,
    [
      expect.objectContaining({
        kind: 'data',
        change: [
          { setPreferences: { preferences: [{ channel: 'email', enabled: true }] } },
          { registerAddress: { channel: 'email' } },
        ],
      }),
    ],
  ],
  [
    'switched off, and beyond a cap: one change of code does for both',
    { caps: [full], preferences: [{ ...off, channel: 'email' }] },
    NOON,
    [REQUIRED],
  ],
  [
    'switched off, without an address, at night: three at once',
    { ...UNREACHABLE, preferences: [{ ...off, channel: 'email' }], quietHours: [NIGHT] },
    EARLY,
    [
      expect.objectContaining({
        kind: 'data',
        change: [
          { at: MORNING },
          { setPreferences: { preferences: [{ channel: 'email', enabled: true }] } },
          { registerAddress: { channel: 'email' } },
        ],
      }),
    ],
  ],
]

test.each(CASES)('what would have sent a delivery %s', (_, facts, at, expected) => {
  expect(would(facts, at)).toEqual(expected)
})

test('nothing is proposed for what the planner let pass', () => {
  expect(would({})).toEqual([])
})

test('nothing is claimed where the planner of today would decide otherwise', () => {
  const decision = decided(UNREACHABLE)
  const answers = decision.answers.map((answer) =>
    answer.rule === 'address' ? { ...answer, facts: { needed: true, addresses: 3 } } : answer,
  )
  expect(counterfactualsOf({ ...decision, answers }, FACTS)).toEqual([])
})

const quiet = decided({ quietHours: [NIGHT] }, EARLY)
const late = decided({ checkpoint: 'perform', expiresAt: EARLY })
const passed = decided({ checkpoint: 'perform' })
const DEFERRED = { orchestrationState: 'deferred', planningReason: 'quiet_hours' } as const

const STATES: readonly (readonly [string, Parameters<typeof storyOf>[0], readonly string[]])[] = [
  ['deferred', { delivery: DEFERRED, decisions: [quiet] }, ['wait', 'recipient_setting', 'code']],
  [
    'suppressed',
    { delivery: { status: 'suppressed', suppressionReason: 'missing_address' }, decisions: [decided(UNREACHABLE)] },
    ['data'],
  ],
  ['expired', { delivery: { status: 'cancelled', suppressionReason: 'expired' }, decisions: [quiet, late] }, ['data']],
  [
    'suppressed after it had been deferred',
    {
      delivery: { ...DEFERRED, status: 'suppressed', suppressionReason: 'missing_address' },
      decisions: [quiet, decided({ ...UNREACHABLE, checkpoint: 'perform' })],
    },
    ['data'],
  ],
  [
    'sent after it had been deferred',
    { delivery: { ...DEFERRED, status: 'succeeded' }, decisions: [quiet, passed] },
    [],
  ],
  [
    'resumed by an operator, and due',
    { delivery: { ...DEFERRED, orchestrationState: 'ready' }, decisions: [quiet] },
    [],
  ],
  [
    'cancelled by an operator while it was deferred',
    { delivery: { ...DEFERRED, status: 'cancelled', suppressionReason: 'cancelled_by_operator' }, decisions: [quiet] },
    [],
  ],
  [
    'cancelled with its event while it was deferred',
    { delivery: { ...DEFERRED, status: 'cancelled', suppressionReason: 'event_cancelled' }, decisions: [quiet] },
    [],
  ],
  [
    'refused by its provider',
    { delivery: { status: 'cancelled', suppressionReason: 'permanent_failure' }, decisions: [decided({}), passed] },
    [],
  ],
  [
    'given up since its notifier failed',
    {
      delivery: { status: 'cancelled', suppressionReason: 'planning_failed' },
      decisions: [{ checkpoint: 'planning', at: NOON, answers: [] }],
    },
    [],
  ],
  ['failed for now', { delivery: { status: 'failed' }, decisions: [decided({}), passed] }, []],
]

test.each(STATES)('a delivery %s names the changes that fit its state, and no others', (_, told, kinds) => {
  expect(whatWouldSendIt(storyOf(told)).map(({ kind }) => kind)).toEqual(kinds)
})

const NOW = EARLY.getTime()
const QUARTER = 15
/** Minutes from now, to the quarter of an hour: whatever happens, happens on one. */
const someDate = (from: number, until: number) =>
  fc
    .integer({ min: from / QUARTER, max: until / QUARTER })
    .map((quarters) => new Date(NOW + quarters * QUARTER * 60_000))
const someChannels = fc.constantFrom<readonly string[]>([], ['email'], ['in_app', 'email'], ['pager'])

const somePreferences = fc.tuple(
  ...[
    { notificationKey: 'comment.mentioned', channel: 'email' },
    { notificationKey: 'comment.mentioned' },
    { category: 'comments', channel: 'email' },
    { category: 'comments' },
    { channel: 'email' },
    { channel: 'sms' },
  ].map((named) =>
    fc.option(
      fc.boolean().map((enabled) => ({ ...off, ...named, enabled })),
      { freq: 1 },
    ),
  ),
)

const someCap = fc
  .record({
    limit: fc.integer({ min: 1, max: 3 }),
    windowMinutes: fc.constantFrom(30, 60, 1_440),
    channel: fc.constantFrom(null, 'email', 'sms'),
    category: fc.constantFrom(null, 'comments', 'billing'),
  })
  .chain((cap) =>
    fc
      .array(someDate(-cap.windowMinutes - QUARTER, 0), { maxLength: 5 })
      .map((instants) => ({ cap, counted: instants.map((at, index) => ({ id: `${index}`, at })) })),
  )

const someWindow = fc.record({
  start: fc.constantFrom('22:00', '23:30', '03:00', '12:00'),
  end: fc.constantFrom('04:30', '06:00', '08:00', '09:00'),
  days: fc.subarray([...WEEKDAYS], { minLength: 1 }),
  channels: someChannels,
})

const someDigest: fc.Arbitrary<PlanFacts['digest']> = fc.option(
  fc.oneof(
    fc.constant('no_rule' as const),
    someDate(15, 300).map((windowEndsAt) => ({
      ruleIdentity: 'daily:v2',
      groupBy: 'category' as const,
      windowStartsAt: EARLY,
      windowEndsAt,
    })),
  ),
  { freq: 2 },
)

const someFacts: fc.Arbitrary<PlanFacts> = fc
  .record({
    checkpoint: fc.constantFrom('planning' as const, 'perform' as const),
    channel: fc.constantFrom('email', 'email', 'in_app'),
    category: fc.constantFrom('comments', null),
    required: fc.nat(9).map((dice) => dice === 0),
    urgent: fc.nat(9).map((dice) => dice === 0),
    released: fc.nat(9).map((dice) => dice === 0),
    expiresAt: fc.option(someDate(-60, 600), { freq: 2 }),
    preferences: somePreferences.map((list) => list.filter((one) => one !== null)),
    addresses: fc.record({ needed: fc.boolean(), usable: fc.nat(1), bounced: fc.nat(2) }),
    fallback: fc.option(
      someDate(-60, 300).map((until) => ({ until })),
      { freq: 2 },
    ),
    read: fc.boolean(),
    digest: someDigest,
    member: fc.option(fc.record({ excludeRead: fc.boolean() }), { freq: 2 }),
    // As a recipient has them: no two caps alike.
    caps: fc.uniqueArray(someCap, { maxLength: 3, selector: ({ cap }) => JSON.stringify({ ...cap, limit: 0 }) }),
    quietHours: fc.uniqueArray(someWindow, { maxLength: 3, selector: (window) => JSON.stringify(window) }),
    zone: fc.constantFrom(
      { timeZone: 'Europe/Berlin', zoneFrom: 'recipient' as const },
      { timeZone: 'America/New_York', zoneFrom: 'policy' as const },
      { timeZone: 'UTC', zoneFrom: 'utc' as const },
    ),
  })
  .map((facts) => ({
    ...FACTS,
    ...facts,
    // As dispatch asks: its delay is over.
    fallback: facts.fallback && facts.checkpoint === 'perform' ? { until: EARLY } : facts.fallback,
    ...(facts.checkpoint === 'perform' ? { digest: null } : { member: null }),
    // What a digest holds is not asked for these, so nobody knows of them.
    ...(facts.checkpoint === 'planning' && facts.digest && facts.digest !== 'no_rule' && { caps: [], quietHours: [] }),
  }))

const RUNS = { numRuns: 1_000 }

test('what the rules recorded is enough to ask the planner again', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      const brief = ({ answers }: Pick<StoredDecision, 'answers'>) =>
        answers.map(({ rule, verdict, reason, facts: { until } }) => ({ rule, verdict, reason, until }))
      expect(brief(plan(recordedFacts(decided(facts, EARLY), facts), EARLY))).toEqual(brief(plan(facts, EARLY)))
    }),
    RUNS,
  )
})

/** Every primitive change that somebody could think of, carried out on the facts themselves. */
const thinkable = (facts: PlanFacts): readonly (readonly [string, PlanFacts])[] => [
  ['recipient_setting', { ...facts, preferences: facts.preferences.map((one) => ({ ...one, enabled: true })) }],
  ['recipient_setting', { ...facts, caps: [] }],
  ['recipient_setting', { ...facts, quietHours: [] }],
  ['tenant_setting', { ...facts, digest: facts.digest && 'no_rule' }],
  ['tenant_setting', { ...facts, member: facts.member && { excludeRead: false } }],
  ['data', { ...facts, addresses: { ...facts.addresses, usable: 1 } }],
  ['data', { ...facts, expiresAt: null }],
  ['data', { ...facts, read: false }],
  ['code', { ...facts, required: true }],
  ['code', { ...facts, urgent: true }],
  ['code', { ...facts, fallback: null }],
  ['code', { ...facts, digest: null }],
]

/** Whether waiting alone would do, found by trying every quarter of an hour of the next days. */
const waitingDoes = (facts: PlanFacts): boolean =>
  Array.from({ length: 4 * 24 * 9 }, (_, quarter) => new Date(NOW + (quarter + 1) * QUARTER * 60_000)).some(
    (at) => plan(facts, at).verdict === 'pass',
  )

const listOf = (change: unknown): readonly ChangeData[] => (Array.isArray(change) ? change : [change as ChangeData])
const passesWith = (facts: PlanFacts, changes: readonly ChangeData[]): boolean => {
  const { facts: after, now } = changes.reduce(applyChange, { facts, now: EARLY })
  return plan(after, now).verdict === 'pass'
}

test('whatever stands against a delivery, something is proposed; each proposal, carried out on what was true, does send it', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      const found = would(facts, EARLY)
      expect(found.length > 0).toBe(plan(facts, EARLY).verdict !== 'pass')
      for (const { change, description } of found) {
        expect([change, passesWith(facts, listOf(change))]).toEqual([change, true])
        expect(description).toMatch(/^[A-Z].*\.$/)
        expect(description).not.toMatch(/undefined|null|NaN| {2}/)
      }
    }),
    RUNS,
  )
})

test('what is proposed goes from cheap to dear, and no kind of single change that would do is left out', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      if (plan(facts, EARLY).verdict === 'pass') return
      const found = would(facts, EARLY)
      const ranks = found.map(({ kind }) => CHANGE_KINDS.indexOf(kind))
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
      const does = thinkable(facts).filter(([, after]) => plan(after, EARLY).verdict === 'pass')
      const kinds = new Set(does.map(([kind]) => kind))
      if (waitingDoes(facts)) kinds.add('wait')
      if (kinds.size > 0) expect(new Set(found.map(({ kind }) => kind))).toEqual(kinds)
    }),
    RUNS,
  )
})

test('where no single change does, there is one set, and none of it can be spared', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      const found = would(facts, EARLY)
      const sets = found.filter(({ change }) => Array.isArray(change))
      if (sets.length === 0) return
      expect(found).toHaveLength(1)
      const changes = listOf(sets[0]?.change)
      for (const index of changes.keys()) {
        expect(passesWith(facts, changes.toSpliced(index, 1))).toBe(false)
      }
    }),
    RUNS,
  )
})
