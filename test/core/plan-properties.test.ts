import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHECKPOINTS, readAnswers, storedAnswers, VERDICTS } from '../../server/core/decision.ts'
import type { CountedCap } from '../../server/core/delivery-cap.ts'
import type { DigestMatch } from '../../server/core/digest-bucket.ts'
import { DIGEST_GROUPINGS } from '../../server/core/digest-rule.ts'
import { plan } from '../../server/core/plan.ts'
import { type PlanFacts, ZONE_SOURCES } from '../../server/core/plan-facts.ts'
import type { Preference } from '../../server/core/preference.ts'
import { type QuietHours, quietHoursFault, WEEKDAYS, type Weekday } from '../../server/core/quiet-hours.ts'
import { REASONS } from '../../server/core/reasons.ts'

const MINUTE = 60_000
const DAY = 1_440 * MINUTE

/* Facts: few names, so that they meet; instants at and around the one that is asked about; clocks about to change. */

const key = fc.constantFrom('key-1', 'key-2', 'key-3')
const category = fc.constantFrom('category-1', 'category-2')
const channel = fc.constantFrom('email', 'sms', 'in_app')
const ZONES = Intl.supportedValuesOf('timeZone')

const CHANGES = [
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['America/St_Johns', '2010-11-07T02:31Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
] as const

const place = fc.oneof(
  fc
    .tuple(fc.constantFrom(...CHANGES), fc.integer({ min: -3 * DAY, max: 3 * DAY }))
    .map(([[timeZone, change], away]) => ({ timeZone, now: Date.parse(change) + away })),
  fc.record({
    timeZone: fc.constantFrom('UTC', ...ZONES),
    now: fc.oneof(
      fc.constant(Date.UTC(2026, 0, 15, 12)),
      fc.integer({ min: Date.UTC(1990, 0), max: Date.UTC(2060, 0) }),
    ),
  }),
)

/** Such as may have been stored elsewhere, and were never accepted here. */
const strangeZone = fc.oneof(fc.constantFrom('', '+02:00', 'Europe/Atlantis', '__proto__'), fc.string())

/** How far away from the instant that is asked about: often not at all. */
const offset = fc.oneof(
  fc.constantFrom(-60 * MINUTE, -MINUTE, -1, 0, 1, MINUTE),
  fc.integer({ min: -3 * DAY, max: 3 * DAY }),
)

const preference: fc.Arbitrary<Preference> = fc.record({
  notificationKey: fc.option(key),
  category: fc.option(category),
  channel: fc.option(channel),
  enabled: fc.boolean(),
})
const nameOf = ({ notificationKey, category, channel }: Preference): string =>
  JSON.stringify([notificationKey, category, channel])
const preferences = fc.uniqueArray(preference, { selector: nameOf })

const clock = fc
  .integer({ min: 0, max: 1_439 })
  .map((minute) => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`)
const window: fc.Arbitrary<QuietHours> = fc.record({
  start: clock,
  end: clock,
  days: fc.oneof(fc.constant([]), fc.subarray([...WEEKDAYS])),
  channels: fc.oneof(fc.constant([]), fc.subarray(['email', 'sms', 'in_app'])),
})
const acceptedQuietHours = fc.array(window, { maxLength: 4 }).filter((windows) => quietHoursFault(windows) === null)
/** Also such as were never accepted: unreadable, never free. */
const anyQuietHours = fc.array(
  fc.oneof(
    window,
    fc.record({
      start: fc.string(),
      end: fc.oneof(clock, fc.string()),
      days: fc.array(fc.string() as fc.Arbitrary<Weekday>),
      channels: fc.array(fc.string()),
    }),
    fc.constant({ start: '00:00', end: '00:00', days: [], channels: [] }),
  ),
  { maxLength: 4 },
)

const cap = fc.record({
  limit: fc.integer({ min: 0, max: 3 }),
  windowMinutes: fc.constantFrom(1, 60, 1_440),
  channel: fc.option(channel),
  category: fc.option(category),
})
const countedCap = (now: number): fc.Arbitrary<CountedCap> =>
  fc.record({
    cap,
    counted: fc.array(
      offset.map((away) => ({ id: `counted-${away}`, at: new Date(now + away) })),
      { maxLength: 5 },
    ),
  })

const digestMatch = (now: number): fc.Arbitrary<DigestMatch> =>
  fc.record({
    ruleIdentity: fc.constant('daily:v1'),
    groupBy: fc.constantFrom(...DIGEST_GROUPINGS),
    windowStartsAt: fc.nat(60_000).map((away) => new Date(now - away)),
    windowEndsAt: fc.integer({ min: 1, max: 60_000 }).map((away) => new Date(now + away)),
  })

interface Case {
  readonly facts: PlanFacts
  readonly now: Date
}

const casesWith = (
  quietHours: fc.Arbitrary<readonly QuietHours[]>,
  zones: (timeZone: string) => fc.Arbitrary<string>,
): fc.Arbitrary<Case> =>
  place.chain(({ timeZone, now }) =>
    fc.record({
      now: fc.constant(new Date(now)),
      facts: fc.record({
        checkpoint: fc.constantFrom(...CHECKPOINTS),
        notificationKey: key,
        category: fc.option(category),
        channel,
        required: fc.boolean(),
        urgent: fc.boolean(),
        released: fc.boolean(),
        expiresAt: fc.option(offset.map((away) => new Date(now + away))),
        preferences,
        addresses: fc.record({ needed: fc.boolean(), usable: fc.nat(2), bounced: fc.nat(2) }),
        fallback: fc.option(offset.map((away) => ({ until: new Date(now + away) }))),
        read: fc.boolean(),
        digest: fc.oneof(fc.constant(null), fc.constant('no_rule' as const), digestMatch(now)),
        member: fc.option(fc.record({ excludeRead: fc.boolean() })),
        caps: fc.array(countedCap(now), { maxLength: 3 }),
        quietHours,
        zone: fc.record({ timeZone: zones(timeZone), zoneFrom: fc.constantFrom(...ZONE_SOURCES) }),
      }),
    }),
  )

const someCase = casesWith(acceptedQuietHours, fc.constant)
const anyCase = casesWith(anyQuietHours, (timeZone) => fc.oneof(fc.constant(timeZone), strangeZone))

/* Laws. */

const freeze = <T>(value: T): T => {
  if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(Object.freeze(value))) freeze(inner)
  return value
}

test('the planner answers whatever it is told, the same each time, and leaves what it is told as it was', () => {
  fc.assert(
    fc.property(anyCase, ({ facts, now }) => {
      const before = structuredClone({ facts, now })
      const result = plan(freeze(facts), freeze(now))
      expect(plan(before.facts, before.now)).toEqual(result)
      // A frozen Date can still be set.
      expect({ facts, now }).toEqual(before)
    }),
    { numRuns: 500 },
  )
})

test('every answer of a rule is whole: known words, a reason where it objects, an instant where it defers', () => {
  fc.assert(
    fc.property(anyCase, ({ facts, now }) => {
      const { answers } = plan(facts, now)
      for (const { verdict, reason, facts: seen } of answers) {
        expect(VERDICTS).toContain(verdict)
        expect(reason === null).toBe(verdict === 'pass')
        if (reason) expect(REASONS).toHaveProperty(reason)
        if (verdict === 'defer') expect(Date.parse(seen['until'] as string)).toBeGreaterThan(now.getTime())
      }
      expect(readAnswers(JSON.parse(storedAnswers(answers)))).toEqual(answers)
    }),
  )
})

test('which rules are asked depends on nothing but the checkpoint, and on whether a digest holds it', () => {
  const asked = new Map<string, readonly string[]>()
  fc.assert(
    fc.property(anyCase, ({ facts, now }) => {
      const rules = plan(facts, now).answers.map(({ rule }) => rule)
      const held = facts.checkpoint === 'planning' && facts.digest !== null && facts.digest !== 'no_rule'
      const place = `${facts.checkpoint} ${held} ${facts.member !== null}`
      expect(rules).toEqual(asked.get(place) ?? rules)
      asked.set(place, rules)
    }),
  )
})

test('what is put off comes later than now, and is not put off by the same rule once more when its instant has come', () => {
  fc.assert(
    fc.property(someCase, ({ facts, now }) => {
      const { verdict, nextEligibleAt, decidedBy, answers } = plan(facts, now)
      expect(nextEligibleAt === null).toBe(verdict !== 'defer')
      if (nextEligibleAt) {
        expect(nextEligibleAt.getTime()).toBeGreaterThan(now.getTime())
        expect(decidedBy?.facts['until']).toBe(nextEligibleAt.toISOString())
      }
      for (const { rule, verdict, facts: seen } of answers) {
        if (verdict !== 'defer') continue
        const then = plan(facts, new Date(seen['until'] as string)).answers
        expect(then.find((answer) => answer.rule === rule)?.verdict).toBe('pass')
        const justBefore = plan(facts, new Date(Date.parse(seen['until'] as string) - 1)).answers
        expect(justBefore.find((answer) => answer.rule === rule)?.facts['until']).toBe(seen['until'])
      }
    }),
    { numRuns: 500 },
  )
})

test('a preference for another notifier changes nothing, whatever else it names', () => {
  fc.assert(
    fc.property(someCase, fc.array(preference), ({ facts, now }, more) => {
      const others = more.map((one) => ({ ...one, notificationKey: 'another' }))
      const expected = plan(facts, now)
      expect(plan({ ...facts, preferences: [...facts.preferences, ...others] }, now)).toEqual(expected)
      expect(plan({ ...facts, preferences: [...others, ...facts.preferences] }, now)).toEqual(expected)
    }),
  )
})

test('the order in which preferences and counted deliveries are told changes nothing', () => {
  fc.assert(
    fc.property(someCase, ({ facts, now }) => {
      const caps = facts.caps.map(({ cap, counted }) => ({ cap, counted: counted.toReversed() }))
      expect(plan({ ...facts, caps, preferences: facts.preferences.toReversed() }, now)).toEqual(plan(facts, now))
    }),
  )
})

test('a required delivery is held by no preference and no cap, an urgent one by no quiet hours, a released one by no clock', () => {
  const reasonsOf = (facts: PlanFacts, now: Date) => plan(facts, now).answers.map(({ reason }) => reason)
  const changed = (facts: PlanFacts, changes: Partial<PlanFacts>, now: Date, lifted: readonly string[]) => {
    const kept = reasonsOf(facts, now).map((reason) => (reason && lifted.includes(reason) ? null : reason))
    expect(reasonsOf({ ...facts, ...changes }, now)).toEqual(kept)
  }
  fc.assert(
    fc.property(someCase, ({ facts, now }) => {
      const plain = { ...facts, required: false, urgent: false, released: false }
      changed(plain, { required: true }, now, ['channel_disabled', 'category_disabled', 'delivery_cap_reached'])
      changed(plain, { urgent: true }, now, ['quiet_hours'])
      changed(plain, { released: true }, now, ['quiet_hours', 'fallback_delay'])
    }),
  )
})

/* What answers hold. */

const FACTS_OF: Readonly<Record<string, readonly string[]>> = {
  expiry: ['expiresAt'],
  notification_preference: ['required', 'preference', 'enabled', 'overriddenBy'],
  category_preference: ['required', 'preference', 'enabled', 'overriddenBy'],
  address: ['needed', 'addresses', 'bounced'],
  read_state: ['fallback', 'excludeRead', 'read'],
  digest: ['no_digest_rule', 'ruleIdentity', 'groupBy', 'windowStartsAt', 'windowEndsAt', 'timeZone'],
  delivery_cap: ['required', 'caps'],
  quiet_hours: ['urgent', 'released', 'timeZone', 'zoneFrom', 'unknownZone', 'windows', 'until'],
  fallback: ['released', 'until'],
}
const CAP_FACTS = ['limit', 'windowMinutes', 'channel', 'category', 'count', 'freesAt']
const WINDOW_FACTS = ['start', 'end', 'days', 'channels']

test('answers hold the facts that are known by name, and nothing else that the planner might be shown', () => {
  const SECRET = 'ada@example.com'
  fc.assert(
    fc.property(someCase, ({ facts, now }) => {
      const shown = {
        ...facts,
        notificationKey: SECRET,
        payload: { text: SECRET },
        recipient: { id: SECRET, email: SECRET },
        addresses: { ...facts.addresses, list: [SECRET] },
        caps: facts.caps.map(({ cap, counted }) => ({ cap, counted: counted.map(({ at }) => ({ id: SECRET, at })) })),
      }
      const { answers } = plan(shown, now)
      expect(storedAnswers(answers)).not.toContain(SECRET)
      for (const { rule, facts: seen } of answers) {
        const { caps = [], windows = [] } = seen as { caps?: readonly object[]; windows?: readonly object[] }
        expect(FACTS_OF[rule]).toEqual(expect.arrayContaining(Object.keys(seen)))
        for (const one of caps) expect(CAP_FACTS).toEqual(expect.arrayContaining(Object.keys(one)))
        for (const one of windows) expect(WINDOW_FACTS).toEqual(Object.keys(one))
      }
    }),
  )
})
