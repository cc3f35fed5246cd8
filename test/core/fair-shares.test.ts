import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fairShares } from '../../server/core/fair-shares.ts'

test.each([
  ['one alone gets all', { free: 10, most: 10, waiting: ['a'], held: {} }, { a: 10 }],
  ['two get the same', { free: 10, most: 10, waiting: ['a', 'b'], held: {} }, { a: 5, b: 5 }],
  ['whoever has more already gets less', { free: 4, most: 10, waiting: ['a', 'b'], held: { a: 3 } }, { b: 3, a: 1 }],
  ['the odd one goes to whoever is next', { free: 3, most: 10, waiting: ['b', 'a'], held: {} }, { b: 2, a: 1 }],
  ['nobody comes to hold more than the most', { free: 10, most: 8, waiting: ['a'], held: { a: 5 } }, { a: 3 }],
  ['who has the most gets none', { free: 2, most: 8, waiting: ['a'], held: { a: 8 } }, {}],
  [
    'where places are fewer than tenants the first get them',
    { free: 2, most: 9, waiting: ['c', 'a', 'b'], held: {} },
    { c: 1, a: 1 },
  ],
  ['what those hold who do not wait is no matter', { free: 2, most: 9, waiting: ['a'], held: { z: 7 } }, { a: 2 }],
  ['where nobody waits nobody gets any', { free: 2, most: 9, waiting: [], held: { z: 7 } }, {}],
])('%s', (_, { held, ...crowd }, shares) => {
  const dealt = fairShares({ ...crowd, held: new Map(Object.entries(held)) })
  expect(Object.fromEntries(dealt.shares)).toEqual(shares)
})

test('the last place is the last that was dealt', () => {
  const lastOf = (free: number, held: Readonly<Record<string, number>> = {}) =>
    fairShares({ free, most: 9, waiting: ['a', 'b', 'c'], held: new Map(Object.entries(held)) }).last
  expect([1, 2, 3, 4].map((free) => lastOf(free))).toEqual(['a', 'b', 'c', 'a'])
  expect(lastOf(2, { a: 1, c: 1 })).toBe('a')
  expect(lastOf(0)).toBeNull()
})

test('no place is left that somebody could have, and nobody has two more than another who waits', () => {
  const crowds = fc.record({
    free: fc.nat(40),
    most: fc.integer({ min: 1, max: 20 }),
    waiting: fc.uniqueArray(fc.constantFrom(...'abcdefgh')),
    had: fc.dictionary(fc.constantFrom(...'abcdefgh'), fc.integer({ min: 1, max: 20 })),
  })
  fc.assert(
    fc.property(crowds, ({ had, ...crowd }) => {
      const held = new Map(Object.entries(had))
      const { shares, last } = fairShares({ ...crowd, held })
      expect(last === null).toBe(shares.size === 0)
      const given = [...shares.values()].reduce((sum, share) => sum + share, 0)
      const after = (tenant: string) => (held.get(tenant) ?? 0) + (shares.get(tenant) ?? 0)
      const wanted = crowd.waiting.reduce((sum, one) => sum + Math.max(0, crowd.most - (held.get(one) ?? 0)), 0)
      expect(given).toBe(Math.min(crowd.free, wanted))
      for (const [tenant, share] of shares) {
        expect(share).toBeGreaterThan(0)
        expect(after(tenant)).toBeLessThanOrEqual(crowd.most)
        for (const other of crowd.waiting) expect(after(tenant)).toBeLessThanOrEqual(after(other) + 1)
      }
    }),
  )
})
