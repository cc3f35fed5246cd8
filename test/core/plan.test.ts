import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHECKPOINTS, type PlanFacts, plan, VERDICTS } from '../../server/core/plan.ts'
import type { Preference, PreferenceLevel } from '../../server/core/preference.ts'
import { REASONS } from '../../server/core/reasons.ts'

const FACTS: PlanFacts = {
  checkpoint: 'planning',
  notificationKey: 'comment.mentioned',
  category: 'comments',
  channel: 'email',
  required: false,
  preferences: [],
  needsAddress: true,
  addressCount: 1,
}

/** The most specific first, with what each of them names. */
const LEVELS: readonly (readonly [PreferenceLevel, Omit<Preference, 'enabled'>])[] = [
  ['key_channel', { notificationKey: 'comment.mentioned', category: null, channel: 'email' }],
  ['key', { notificationKey: 'comment.mentioned', category: null, channel: null }],
  ['category_channel', { notificationKey: null, category: 'comments', channel: 'email' }],
  ['category', { notificationKey: null, category: 'comments', channel: null }],
  ['channel', { notificationKey: null, category: null, channel: 'email' }],
]

/** Every way in which the five levels can be unset, on or off: 243. */
const settings = (): readonly (readonly (boolean | null)[])[] => {
  let all: (boolean | null)[][] = [[]]
  for (const _ of LEVELS) all = all.flatMap((one) => [null, true, false].map((enabled) => [...one, enabled]))
  return all
}

const preferencesOf = (setting: readonly (boolean | null)[]): Preference[] =>
  setting.flatMap((enabled, level) => {
    const [, named] = LEVELS[level] as (typeof LEVELS)[number]
    return enabled === null ? [] : [{ ...named, enabled }]
  })

const answerOf = (facts: PlanFacts, rule: string) => plan(facts).answers.find((answer) => answer.rule === rule)

test('of any combination of preferences the most specific one that is set decides, in whatever order they are stored', () => {
  for (const setting of settings()) {
    const preferences = preferencesOf(setting)
    const decider = setting.findIndex((enabled) => enabled !== null)
    const sends = decider < 0 || setting[decider] === true
    for (const stored of [preferences, preferences.toReversed()]) {
      const { verdict, reason } = plan({ ...FACTS, preferences: stored })
      const named = LEVELS[decider]?.[0].startsWith('category') ? 'category_disabled' : 'channel_disabled'
      expect([setting, verdict, reason]).toEqual([setting, sends ? 'pass' : 'suppress', sends ? null : named])
    }
  }
})

test('the less specific of the two preference rules passes, and says by what it was overridden', () => {
  for (const setting of settings()) {
    const preferences = preferencesOf(setting)
    const set = LEVELS.map(([level]) => level).filter((_, index) => setting[index] !== null)
    const own = {
      notification_preference: set.find((level) => !level.startsWith('category')),
      category_preference: set.find((level) => level.startsWith('category')),
    }
    for (const [rule, level] of Object.entries(own)) {
      const answer = answerOf({ ...FACTS, preferences }, rule)
      const overriddenBy = level === undefined || level === set[0] ? undefined : set[0]
      expect(answer?.facts['preference']).toBe(level)
      expect(answer?.facts['overriddenBy']).toBe(overriddenBy)
      if (level !== set[0]) expect(answer?.verdict).toBe('pass')
    }
  }
})

test('a required notification passes whatever the recipient switched off, and says that it is required', () => {
  for (const setting of settings()) {
    const result = plan({ ...FACTS, required: true, preferences: preferencesOf(setting) })
    expect(result.verdict).toBe('pass')
    expect(answerOf({ ...FACTS, required: true }, 'notification_preference')?.facts).toEqual({ required: true })
  }
})

test('a required notification without an address is suppressed like any other', () => {
  const { verdict, reason } = plan({ ...FACTS, required: true, addressCount: 0 })
  expect([verdict, reason]).toEqual(['suppress', 'missing_address'])
})

test('an address is asked for only where the channel needs one', () => {
  expect(plan({ ...FACTS, needsAddress: false, addressCount: 0 }).verdict).toBe('pass')
  expect(plan({ ...FACTS, needsAddress: true, addressCount: 0 }).reason).toBe('missing_address')
  expect(answerOf(FACTS, 'address')?.facts).toEqual({ needed: true, addresses: 1 })
})

test('preferences of another notifier, category or channel have no say', () => {
  const preferences = [
    { notificationKey: 'comment.replied', category: null, channel: 'email', enabled: false },
    { notificationKey: null, category: 'billing', channel: null, enabled: false },
    { notificationKey: null, category: null, channel: 'sms', enabled: false },
  ]
  expect(plan({ ...FACTS, preferences }).verdict).toBe('pass')
  expect(plan({ ...FACTS, category: null, preferences }).verdict).toBe('pass')
})

test('all rules are asked after one has objected, and the first objection is the verdict', () => {
  const preferences = preferencesOf([null, null, null, false, false])
  const { verdict, reason, answers } = plan({ ...FACTS, addressCount: 0, preferences })
  expect([verdict, reason]).toEqual(['suppress', 'category_disabled'])
  expect(answers.map(({ rule, reason }) => [rule, reason])).toEqual([
    ['notification_preference', null],
    ['category_preference', 'category_disabled'],
    ['address', 'missing_address'],
  ])
})

const name = fc.constantFrom('a', 'b', 'c')
const someFacts: fc.Arbitrary<PlanFacts> = fc.record({
  checkpoint: fc.constantFrom(...CHECKPOINTS),
  notificationKey: name,
  category: fc.option(name),
  channel: name,
  required: fc.boolean(),
  preferences: fc.array(
    fc.record({
      notificationKey: fc.option(name),
      category: fc.option(name),
      channel: fc.option(name),
      enabled: fc.boolean(),
    }),
  ),
  needsAddress: fc.boolean(),
  addressCount: fc.nat(3),
})

test('the planner is total and deterministic, and its verdict is that of its first objection', () => {
  fc.assert(
    fc.property(someFacts, (facts) => {
      const result = plan(facts)
      expect(plan(structuredClone(facts))).toEqual(result)
      const first = result.answers.find(({ verdict }) => verdict !== 'pass')
      expect([result.verdict, result.reason]).toEqual([first?.verdict ?? 'pass', first?.reason ?? null])
      for (const { verdict, reason, facts: seen } of result.answers) {
        expect(VERDICTS).toContain(verdict)
        expect(reason === null).toBe(verdict === 'pass')
        if (reason) expect(REASONS).toHaveProperty(reason)
        expect(JSON.parse(JSON.stringify(seen))).toEqual(seen)
      }
    }),
  )
})
