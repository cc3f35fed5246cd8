import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  planningContextOf,
  type RuleAnswer,
  readAnswers,
  resultOf,
  statusAfter,
  storedAnswers,
  VERDICTS,
} from '../../server/core/decision.ts'
import { REASONS, type ReasonCode } from '../../server/core/reasons.ts'

const answer = (rule: string, rest: Partial<RuleAnswer> = {}): RuleAnswer => ({
  rule,
  verdict: 'pass',
  reason: null,
  facts: {},
  ...rest,
})
const deferredTo = (rule: string, until: string, reason: ReasonCode = 'quiet_hours'): RuleAnswer =>
  answer(rule, { verdict: 'defer', reason, facts: { until } })

const PASS = answer('passes', { facts: { needed: false } })
const CANCEL = answer('cancels', { verdict: 'cancel', reason: 'expired' })
const SUPPRESS = answer('suppresses', { verdict: 'suppress', reason: 'delivery_cap_reached', facts: { caps: [] } })
const HOLD = answer('holds', { verdict: 'digest', reason: 'digest_rule' })
const SOON = deferredTo('soon', '2026-01-15T08:00:00.000Z')
const LATE = deferredTo('late', '2026-01-15T09:00:00.000Z', 'fallback_delay')

test.each<[string, readonly RuleAnswer[], RuleAnswer | null]>([
  ['nothing at all', [], null],
  ['one that passes', [PASS], null],
  ['several that pass', [PASS, PASS], null],
  ['one that cancels', [PASS, CANCEL], CANCEL],
  ['one that suppresses', [SUPPRESS, PASS], SUPPRESS],
  ['a cancel before a suppress', [CANCEL, SUPPRESS], CANCEL],
  ['a suppress before a cancel', [SUPPRESS, CANCEL], SUPPRESS],
  ['a suppress after a hold and a deferral', [HOLD, LATE, SUPPRESS], SUPPRESS],
  ['a cancel after a deferral', [LATE, CANCEL], CANCEL],
  ['a hold after a deferral', [LATE, HOLD], HOLD],
  ['a hold before a deferral', [HOLD, LATE], HOLD],
  ['two holds', [HOLD, { ...HOLD, rule: 'holds_too' }], HOLD],
  ['one deferral', [PASS, SOON, PASS], SOON],
  ['the later deferral last', [SOON, LATE], LATE],
  ['the later deferral first', [LATE, SOON], LATE],
  ['two deferrals to one instant', [SOON, { ...SOON, rule: 'as_soon' }], SOON],
  [
    'a deferral beyond the year 9999',
    [LATE, deferredTo('far', '+010000-01-01T00:00:00.000Z')],
    deferredTo('far', '+010000-01-01T00:00:00.000Z'),
  ],
])('of %s the right answer decides, alone', (_, answers, decidedBy) => {
  const until = decidedBy?.verdict === 'defer' ? new Date(decidedBy.facts['until'] as string) : null
  expect(resultOf(answers)).toEqual({
    verdict: decidedBy?.verdict ?? 'pass',
    reason: decidedBy?.reason ?? null,
    nextEligibleAt: until,
    decidedBy,
  })
})

const verdict = fc.constantFrom(...VERDICTS)
const someAnswer: fc.Arbitrary<RuleAnswer> = fc
  .record({
    rule: fc.string(),
    verdict,
    reason: fc.constantFrom(...(Object.keys(REASONS) as ReasonCode[])),
    seen: fc.dictionary(fc.string(), fc.jsonValue()),
    until: fc.date({ noInvalidDate: true }),
  })
  .map(({ rule, verdict, reason, seen, until }) => ({
    rule,
    verdict,
    reason: verdict === 'pass' ? null : reason,
    // As JSON has it: there is no negative zero.
    facts: JSON.parse(JSON.stringify({ ...seen, ...(verdict === 'defer' && { until }) })),
  }))

test('whatever the answers are, what decides is one of them, and only a deferral has an instant: the latest', () => {
  fc.assert(
    fc.property(fc.array(someAnswer), (answers) => {
      const { verdict, reason, nextEligibleAt, decidedBy } = resultOf(answers)
      expect(decidedBy === null).toBe(verdict === 'pass')
      if (decidedBy) expect(answers).toContain(decidedBy)
      expect([verdict, reason]).toEqual([decidedBy?.verdict ?? 'pass', decidedBy?.reason ?? null])
      const instants = answers
        .filter((one) => one.verdict === 'defer')
        .map(({ facts }) => Date.parse(facts['until'] as string))
      expect(nextEligibleAt?.getTime()).toBe(verdict === 'defer' ? Math.max(...instants) : undefined)
    }),
  )
})

test('nothing that is answered after the first objection for good changes the result', () => {
  fc.assert(
    fc.property(fc.array(someAnswer), fc.constantFrom(CANCEL, SUPPRESS), fc.array(someAnswer), (before, one, after) => {
      expect(resultOf([...before, one, ...after])).toEqual(resultOf([...before, one]))
    }),
  )
})

test('what keeps a delivery waiting is told by the rule that decided, with what it saw; nothing where all passed', () => {
  expect(planningContextOf(resultOf([PASS]))).toBeNull()
  expect(planningContextOf(resultOf([PASS, SOON, LATE]))).toEqual({
    rule: 'late',
    ruleIdentity: 'late',
    until: '2026-01-15T09:00:00.000Z',
  })
  expect(planningContextOf(resultOf([SUPPRESS]))).toEqual({ rule: 'suppresses', ruleIdentity: 'suppresses', caps: [] })
})

test('answers are stored without what they do not say', () => {
  expect(storedAnswers([])).toBe('[]')
  expect(JSON.parse(storedAnswers([answer('expiry'), PASS, CANCEL, SOON]))).toEqual([
    { rule: 'expiry', verdict: 'pass' },
    { rule: 'passes', verdict: 'pass', facts: { needed: false } },
    { rule: 'cancels', verdict: 'cancel', reason: 'expired' },
    { rule: 'soon', verdict: 'defer', reason: 'quiet_hours', facts: { until: '2026-01-15T08:00:00.000Z' } },
  ])
})

test('stored answers are read as they were given', () => {
  fc.assert(
    fc.property(fc.array(someAnswer), (answers) => {
      expect(readAnswers(JSON.parse(storedAnswers(answers)))).toEqual(answers)
    }),
  )
})

test('answers that were stored with everything they did not say are read alike', () => {
  const stored = [{ rule: 'expiry', verdict: 'pass', reason: null, facts: {} }, SUPPRESS]
  expect(readAnswers(stored)).toEqual(stored)
})

test.each([
  ['pass', 'pending', 'dispatched'],
  ['defer', 'pending', 'pending'],
  ['digest', 'pending', 'pending'],
  ['suppress', 'suppressed', 'suppressed'],
  ['cancel', 'cancelled', 'cancelled'],
] as const)('what is told to %s is %s after planning, and %s when its turn has come', (verdict, planned, performed) => {
  expect(statusAfter('planning', verdict)).toBe(planned)
  expect(statusAfter('perform', verdict)).toBe(performed)
})
