import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTerminal } from '../../server/core/delivery.ts'
import { DEFAULT_RETRY } from '../../server/core/retry.ts'
import { settleTry, type TryResult } from '../../server/core/settlement.ts'

const FIRST = { policy: DEFAULT_RETRY, tries: 1, random: 0.5 }
const LAST = { ...FIRST, tries: DEFAULT_RETRY.attempts }

const accepted: TryResult = { ended: 'accepted', providerMessageId: null }
const failed = (ended: 'temporary' | 'render_failed' | 'unknown_classification', retryAfterMs = 0): TryResult => ({
  ended,
  reason: null,
  retryAfterMs,
})
const refused = (ended: 'permanent' | 'bounced'): TryResult => ({ ended, reason: null })
const unknown: TryResult = { ended: 'unknown' }

test.each([
  // how it ended, which try, outcome, error class, status, reason, next try
  [accepted, FIRST, 'succeeded', null, 'succeeded', null, null],
  [accepted, LAST, 'succeeded', null, 'succeeded', null, null],
  [failed('temporary'), FIRST, 'failed', 'temporary', 'failed', null, 7_500],
  [failed('temporary', 60_000), FIRST, 'failed', 'temporary', 'failed', null, 60_000],
  [failed('temporary'), LAST, 'failed', 'temporary', 'cancelled', 'retries_exhausted', null],
  [failed('render_failed'), FIRST, 'failed', 'render_failed', 'failed', null, 7_500],
  [failed('render_failed'), LAST, 'failed', 'render_failed', 'cancelled', 'retries_exhausted', null],
  [failed('unknown_classification'), FIRST, 'failed', 'unknown_classification', 'failed', null, 7_500],
  [failed('unknown_classification'), LAST, 'failed', 'unknown_classification', 'cancelled', 'retries_exhausted', null],
  [refused('permanent'), FIRST, 'rejected', 'permanent', 'cancelled', 'permanent_failure', null],
  [refused('permanent'), LAST, 'rejected', 'permanent', 'cancelled', 'permanent_failure', null],
  [refused('bounced'), FIRST, 'bounced', 'bounced', 'cancelled', 'bounced', null],
  [unknown, FIRST, 'unknown', null, 'dispatched', null, 0],
  [unknown, LAST, 'unknown', null, 'cancelled', 'retries_exhausted', null],
] as const)(
  '%o on try %o is %s/%s, and makes the delivery %s',
  (result, options, outcome, errorClass, status, suppressionReason, retryInMs) => {
    expect(settleTry(result, options)).toEqual({ outcome, errorClass, status, suppressionReason, retryInMs })
  },
)

test('a delivery that is not terminal after a try has another one, and a terminal one has none', () => {
  const result = fc.oneof(
    fc.constantFrom(accepted, unknown, refused('permanent'), refused('bounced')),
    fc
      .tuple(fc.constantFrom('temporary', 'render_failed', 'unknown_classification'), fc.nat())
      .map(([ended, retryAfterMs]) => failed(ended, retryAfterMs)),
  )
  fc.assert(
    fc.property(
      result,
      fc.integer({ min: 1, max: 12 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (result, tries, random) => {
        const settled = settleTry(result, { policy: DEFAULT_RETRY, tries, random })
        expect(settled.retryInMs === null).toBe(isTerminal(settled.status))
        expect(settled.suppressionReason !== null).toBe(settled.status === 'cancelled')
      },
    ),
  )
})
