import fc from 'fast-check'
import { expect, test } from 'vitest'
import { levelOf, preferencesFor } from '../../server/core/preference.ts'

const SUBJECT = { notificationKey: 'k', category: 'g', channel: 'c' }

test.each([
  ['k', null, 'c', 'key_channel'],
  ['k', null, null, 'key'],
  [null, 'g', 'c', 'category_channel'],
  [null, 'g', null, 'category'],
  [null, null, 'c', 'channel'],
  ['k', 'g', 'c', null],
  ['k', 'g', null, null],
  [null, null, null, null],
] as const)(
  'a preference for key %s, category %s and channel %s is of level %s',
  (notificationKey, category, channel, level) => {
    expect(levelOf({ notificationKey, category, channel })).toBe(level)
  },
)

const preference = fc.record({
  notificationKey: fc.constantFrom('k', 'other', null),
  category: fc.constantFrom('g', 'other', null),
  channel: fc.constantFrom('c', 'other', null),
  enabled: fc.boolean(),
})

test('what concerns a subject fits in every name it gives, and comes with the most specific first', () => {
  const order = ['key_channel', 'key', 'category_channel', 'category', 'channel']
  fc.assert(
    fc.property(fc.array(preference), (preferences) => {
      const found = preferencesFor(preferences, SUBJECT)
      const ranks = found.map(({ level }) => order.indexOf(level))
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
      const expected = preferences.filter(
        (one) =>
          levelOf(one) !== null &&
          [null, 'k'].includes(one.notificationKey) &&
          [null, 'g'].includes(one.category) &&
          [null, 'c'].includes(one.channel),
      )
      expect(new Set(found.map(({ preference }) => preference))).toEqual(new Set(expected))
    }),
  )
})

test('a preference for a category does not concern a notifier that has none', () => {
  const preferences = [{ notificationKey: null, category: 'g', channel: null, enabled: false }]
  expect(preferencesFor(preferences, { ...SUBJECT, category: null })).toEqual([])
})
