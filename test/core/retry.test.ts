import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_RETRY, MAX_RETRY_AFTER_MS, retryDelayMs } from '../../server/core/retry.ts'

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const policy = fc.record({
  attempts: fc.integer({ min: 1, max: 50 }),
  firstDelayMs: fc.integer({ min: 0, max: 3_600_000 }),
  maxDelayMs: fc.integer({ min: 0, max: 86_400_000 }),
})

test('by default it is tried 8 times, after up to 15 s, twice that each time, and never more than 15 minutes', () => {
  const longest = Array.from({ length: 8 }, (_, index) =>
    retryDelayMs(DEFAULT_RETRY, { tries: index + 1, random: 0.999999999 }),
  )
  expect(longest).toEqual([15_000, 30_000, 60_000, 120_000, 240_000, 480_000, 900_000, null])
})

test('a delay is a whole number of milliseconds, full jitter below the ceiling of its try', () => {
  fc.assert(
    fc.property(policy, fc.integer({ min: 1, max: 60 }), random, (policy, tries, random) => {
      const delay = retryDelayMs(policy, { tries, random })
      if (tries >= policy.attempts) {
        expect(delay).toBeNull()
        return
      }
      const ceiling = Math.min(policy.maxDelayMs, policy.firstDelayMs * 2 ** (tries - 1))
      expect(delay).toBe(Math.round(random * ceiling))
      expect(delay).toBeLessThanOrEqual(ceiling)
    }),
  )
})

test('jitter is full: small randomness gives no wait, and large randomness nearly the ceiling', () => {
  expect(retryDelayMs(DEFAULT_RETRY, { tries: 1, random: 0 })).toBe(0)
  expect(retryDelayMs(DEFAULT_RETRY, { tries: 1, random: 0.5 })).toBe(7_500)
})

test('a provider that says when is never asked earlier, and cannot put a try off for more than a day', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true }), random, (retryAfterMs, random) => {
      const delay = retryDelayMs(DEFAULT_RETRY, { tries: 1, retryAfterMs, random })
      expect(delay).toBeGreaterThanOrEqual(Math.min(retryAfterMs, MAX_RETRY_AFTER_MS))
      expect(delay).toBeLessThanOrEqual(MAX_RETRY_AFTER_MS)
    }),
  )
  expect(retryDelayMs(DEFAULT_RETRY, { tries: 1, retryAfterMs: 7 * 86_400_000, random: 0 })).toBe(86_400_000)
})

test('the last try gives up, whatever the provider says', () => {
  expect(retryDelayMs(DEFAULT_RETRY, { tries: 8, retryAfterMs: 60_000, random: 0.5 })).toBeNull()
  expect(retryDelayMs({ ...DEFAULT_RETRY, attempts: 1 }, { tries: 1, random: 0.5 })).toBeNull()
})
