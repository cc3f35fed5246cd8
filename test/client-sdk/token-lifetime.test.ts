import { expect, test } from 'vitest'
import { renewIn } from '../../client-sdk/token-lifetime.ts'

const tokenWith = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
const NOW = 1_000_000

test.each([
  {
    promise: 'a fresh token is replaced after four fifths of its life',
    claims: { iat: 1_000, exp: 1_100 },
    ms: 80_000,
  },
  { promise: 'an older one after four fifths of what is left', claims: { iat: 900, exp: 1_050 }, ms: 40_000 },
  { promise: 'one that says nothing of its beginning, likewise', claims: { exp: 1_050 }, ms: 40_000 },
  { promise: 'a clock that is an hour slow does not make it late', claims: { iat: 4_600, exp: 4_700 }, ms: 80_000 },
  { promise: 'a clock that is fast does not make it at once', claims: { iat: 800, exp: 900 }, ms: 80_000 },
  { promise: 'one without an end is not replaced', claims: { iat: 1_000 }, ms: null },
])('$promise', ({ claims, ms }) => {
  expect(renewIn(tokenWith(claims), NOW)).toBe(ms)
})

test('what is no JWT is not replaced', () => {
  for (const token of ['ck_0123', '', 'a.b.c', 'a.%%%.c']) expect(renewIn(token, NOW)).toBeNull()
})
