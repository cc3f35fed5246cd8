import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  DIGEST_GROUPINGS,
  type DigestRule,
  type DigestSubject,
  matchDigestRule,
  ruleIdentity,
} from '../../server/core/digest-rule.ts'

const rule = (change: Partial<DigestRule> = {}): DigestRule => ({
  key: 'rule',
  version: 1,
  channel: 'email',
  matchNotificationKey: null,
  matchCategory: null,
  groupBy: 'notification_key',
  window: { kind: 'fixed', minutes: 60 },
  maxItems: null,
  excludeRead: false,
  ...change,
})

const SUBJECT: DigestSubject = {
  channel: 'email',
  notificationKey: 'comment.added',
  category: 'comments',
  digestKey: 'thread-1',
}

/** The best first: of these and any others behind it, the first decides. */
const BY_RANK = [
  rule({
    key: 'digest key, notifier, category',
    groupBy: 'digest_key',
    matchNotificationKey: 'comment.added',
    matchCategory: 'comments',
  }),
  rule({ key: 'digest key, notifier', groupBy: 'digest_key', matchNotificationKey: 'comment.added' }),
  rule({ key: 'digest key, category', groupBy: 'digest_key', matchCategory: 'comments' }),
  rule({ key: 'digest key', groupBy: 'digest_key' }),
  rule({ key: 'notifier, category', matchNotificationKey: 'comment.added', matchCategory: 'comments' }),
  rule({ key: 'notifier', matchNotificationKey: 'comment.added' }),
  rule({ key: 'category', groupBy: 'category', matchCategory: 'comments' }),
  rule({ key: 'whole channel', groupBy: 'category' }),
] as const

const nameOf = (found: ReturnType<typeof matchDigestRule>): string | undefined => found?.rule.key

test.each(BY_RANK.map(({ key }, index) => [key, index] as const))(
  'a rule by %s decides before all that are less particular, whichever was there first',
  (key, index) => {
    const weaker = BY_RANK.slice(index)
    expect(nameOf(matchDigestRule(weaker, SUBJECT))).toBe(key)
    expect(nameOf(matchDigestRule(weaker.toReversed(), SUBJECT))).toBe(key)
  },
)

test('of rules that match alike the one that was there first decides', () => {
  const [a, b] = [rule({ key: 'a', matchCategory: 'comments' }), rule({ key: 'b', matchCategory: 'comments' })]
  expect(nameOf(matchDigestRule([a, b], SUBJECT))).toBe('a')
  expect(nameOf(matchDigestRule([b, a], SUBJECT))).toBe('b')
})

test.each<[string, Partial<DigestRule>, Partial<DigestSubject>]>([
  ['of another channel', { channel: 'sms' }, {}],
  ['of another notifier', { matchNotificationKey: 'invoice.sent' }, {}],
  ['of another category', { matchCategory: 'billing' }, {}],
  ['of one of both alone', { matchNotificationKey: 'comment.added', matchCategory: 'billing' }, {}],
  ['of a category, for what has none', { matchCategory: 'comments' }, { category: null }],
  ['by digest key, for what has none', { groupBy: 'digest_key' }, { digestKey: null }],
  ['by category, for what has none', { groupBy: 'category' }, { category: null }],
])('a rule %s holds nothing', (_, change, subject) => {
  expect(matchDigestRule([rule(change)], { ...SUBJECT, ...subject })).toBeNull()
})

test('one that lacks what a better rule groups by is held by the next', () => {
  const list = [rule({ key: 'by thread', groupBy: 'digest_key' }), rule({ key: 'by notifier' })]
  expect(nameOf(matchDigestRule(list, { ...SUBJECT, digestKey: null }))).toBe('by notifier')
})

test.each([
  ['notification_key', 'comment.added'],
  ['category', 'comments'],
  ['digest_key', 'thread-1'],
] as const)('buckets by %s are told apart by it', (groupBy, value) => {
  expect(matchDigestRule([rule({ groupBy })], SUBJECT)?.groupingValue).toBe(value)
})

test('a rule is named with its version where it decided', () => {
  expect(ruleIdentity(rule({ key: 'daily', version: 3 }))).toBe('daily:v3')
})

const name = fc.constantFrom('a', 'b')
const someRule = fc.record({
  key: fc.constantFrom('k1', 'k2', 'k3'),
  channel: name,
  matchNotificationKey: fc.option(name),
  matchCategory: fc.option(name),
  groupBy: fc.constantFrom(...DIGEST_GROUPINGS),
})
const someSubject = fc.record({
  channel: name,
  notificationKey: name,
  category: fc.option(name),
  digestKey: fc.option(name),
})

test('membership is a partition: what is held has one rule and one value of its own, which depend on nothing else', () => {
  fc.assert(
    fc.property(fc.array(someRule), someSubject, (changes, subject) => {
      const list = changes.map(rule)
      const found = matchDigestRule(list, subject)
      const alone = list.filter((one) => matchDigestRule([one], subject) !== null)
      expect(found === null).toBe(alone.length === 0)
      if (!found) return
      expect(alone).toContain(found.rule)
      expect(found.groupingValue).toBe(
        { notification_key: subject.notificationKey, category: subject.category, digest_key: subject.digestKey }[
          found.rule.groupBy
        ],
      )
      // Those that would not hold it by themselves have no say.
      expect(matchDigestRule(alone, subject)).toEqual(found)
      // Nor have others behind the one that decided.
      expect(matchDigestRule([found.rule, ...list], subject)?.rule).toBe(found.rule)
    }),
    { numRuns: 500 },
  )
})
