import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ATTEMPT_OUTCOMES, isTerminal } from '../../server/core/delivery.ts'
import { DEFAULT_RETRY } from '../../server/core/retry.ts'
import {
  type AddressEnd,
  addressEnd,
  attemptOf,
  type CallResult,
  settleTry,
  settleUnknown,
} from '../../server/core/settlement.ts'

const FIRST = { policy: DEFAULT_RETRY, tries: 1, random: 0.5 }
const LAST = { ...FIRST, tries: DEFAULT_RETRY.attempts }

const accepted: CallResult = { ended: 'accepted', providerMessageId: null }
const failed = (ended: 'temporary' | 'render_failed' | 'unknown_classification', retryAfterMs = 0): CallResult => ({
  ended,
  reason: null,
  retryAfterMs,
})
const temporary = failed('temporary')
const rests = (retryAfterMs: number): CallResult => ({ ended: 'put_off', because: 'breaker', reason: '', retryAfterMs })
const permanent: CallResult = { ended: 'permanent', reason: null }
const bounced: CallResult = { ended: 'bounced', reason: null }

test.each([
  [accepted, 'succeeded', null],
  [temporary, 'failed', 'temporary'],
  [failed('render_failed'), 'failed', 'render_failed'],
  [failed('unknown_classification'), 'failed', 'unknown_classification'],
  [permanent, 'rejected', 'permanent'],
  [bounced, 'bounced', 'bounced'],
  [rests(1), 'failed', 'temporary'],
] as const)('a call that ended as %o is recorded as %s/%s', (result, outcome, errorClass) => {
  expect(attemptOf(result)).toEqual({ outcome, errorClass })
})

test.each([
  // how it ended, which try, status, reason, next try
  [accepted, FIRST, 'succeeded', null, null],
  [accepted, LAST, 'succeeded', null, null],
  [temporary, FIRST, 'failed', null, 7_500],
  [failed('temporary', 60_000), FIRST, 'failed', null, 60_000],
  [temporary, LAST, 'cancelled', 'retries_exhausted', null],
  [failed('render_failed'), FIRST, 'failed', null, 7_500],
  [failed('render_failed'), LAST, 'cancelled', 'retries_exhausted', null],
  [failed('unknown_classification'), FIRST, 'failed', null, 7_500],
  [failed('unknown_classification'), LAST, 'cancelled', 'retries_exhausted', null],
  [permanent, FIRST, 'cancelled', 'permanent_failure', null],
  [permanent, LAST, 'cancelled', 'permanent_failure', null],
  [bounced, FIRST, 'cancelled', 'bounced', null],
] as const)(
  'a delivery to one address that ended as %o on try %o is %s',
  (result, options, status, suppressionReason, retryInMs) => {
    expect(settleTry([result], options)).toEqual({ status, suppressionReason, retryInMs, putOffBy: null })
  },
)

test.each<[readonly CallResult[], readonly AddressEnd[], typeof FIRST, string, string | null]>([
  // the answers of this try, how it stood with the other addresses before, which try, status, reason
  [[accepted, accepted], [], FIRST, 'succeeded', null],
  [[accepted, permanent], [], FIRST, 'succeeded', null],
  [[accepted, bounced], [], FIRST, 'succeeded', null],
  [[bounced, bounced], [], FIRST, 'cancelled', 'bounced'],
  [[bounced], ['bounced'], FIRST, 'cancelled', 'bounced'],
  [[bounced, permanent], [], FIRST, 'cancelled', 'permanent_failure'],
  [[permanent], ['bounced'], FIRST, 'cancelled', 'permanent_failure'],
  [[permanent], ['accepted'], FIRST, 'succeeded', null],
  [[bounced], ['accepted', 'bounced'], FIRST, 'succeeded', null],
  // One that may still be reached keeps it going, whatever became of the others.
  [[accepted, temporary], [], FIRST, 'failed', null],
  [[bounced, temporary], ['permanent'], FIRST, 'failed', null],
  [[temporary], ['accepted'], FIRST, 'failed', null],
  // Until its tries are used up.
  [[temporary], ['accepted'], LAST, 'succeeded', null],
  [[accepted, temporary], [], LAST, 'succeeded', null],
  [[temporary, temporary], [], LAST, 'cancelled', 'retries_exhausted'],
  [[temporary, permanent], [], LAST, 'cancelled', 'permanent_failure'],
  // None is left to be called: they were removed meanwhile.
  [[], ['accepted'], FIRST, 'succeeded', null],
  [[], ['bounced'], FIRST, 'cancelled', 'bounced'],
])('a try that ended as %j, after %j, on try %o, leaves it %s, %s', (results, earlier, options, status, reason) => {
  expect(settleTry(results, { ...options, earlier })).toMatchObject({ status, suppressionReason: reason })
})

test('the next try is not before any provider that was asked wants it', () => {
  const results = [failed('temporary', 10_000), accepted, failed('temporary', 60_000), temporary]
  expect(settleTry(results, FIRST).retryInMs).toBe(60_000)
})

test('a delivery whose providers rest waits for exactly as long as they do, on any try', () => {
  for (const options of [FIRST, LAST]) {
    const waits = { status: 'failed', suppressionReason: null, retryInMs: 10_000, putOffBy: 'breaker' }
    expect(settleTry([rests(10_000)], options)).toEqual(waits)
    expect(settleTry([accepted, rests(10_000), rests(2_000)], options)).toEqual(waits)
  }
})

test('a provider that was asked is spared for its own time, however soon another has rested', () => {
  expect(settleTry([temporary, rests(1_000)], FIRST)).toMatchObject({ retryInMs: 7_500, putOffBy: null })
})

test('a try that nobody made because the server is about to stop is no breaker of a provider', () => {
  const givenUp: CallResult = { ended: 'put_off', because: 'given_up', reason: '', retryAfterMs: 0 }
  const soon = { status: 'failed', suppressionReason: null, retryInMs: 0, putOffBy: null }
  for (const options of [FIRST, LAST]) {
    expect(settleTry([givenUp], options)).toEqual(soon)
    expect(settleTry([givenUp, rests(0)], options)).toEqual(soon)
  }
})

test('a try in which an address was not called is never the last', () => {
  expect(settleTry([temporary, rests(0)], LAST)).toMatchObject({ status: 'failed', putOffBy: null })
  expect(settleTry([temporary, rests(600_000)], LAST).retryInMs).toBe(600_000)
})

test('a try that nobody heard the end of counts, and the last of them gives the delivery up', () => {
  expect(settleUnknown(DEFAULT_RETRY, 1)).toBe('again')
  expect(settleUnknown(DEFAULT_RETRY, DEFAULT_RETRY.attempts - 1)).toBe('again')
  expect(settleUnknown(DEFAULT_RETRY, DEFAULT_RETRY.attempts)).toBe('exhausted')
})

test.each([
  [[], null],
  [['failed'], null],
  [['unknown'], null],
  [['failed', 'succeeded'], 'accepted'],
  [['succeeded', 'failed'], 'accepted'],
  [['rejected'], 'permanent'],
  [['failed', 'bounced'], 'bounced'],
  // An operator let it begin anew.
  [['bounced', 'failed'], null],
  [['rejected', 'succeeded'], 'accepted'],
] as const)('an address with the attempts %j is %s', (outcomes, end) => {
  expect(addressEnd(outcomes)).toBe(end)
})

const ANY_RESULT = fc.oneof(
  fc.constantFrom(accepted, permanent, bounced),
  fc
    .tuple(fc.constantFrom('temporary', 'render_failed', 'unknown_classification'), fc.nat())
    .map(([ended, retryAfterMs]) => failed(ended, retryAfterMs)),
)
const ANY_END = fc.constantFrom<AddressEnd>('accepted', 'permanent', 'bounced')

test('a delivery that is not terminal after a try has another one, and a terminal one has none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(ANY_RESULT, fc.nat().map(rests)), { minLength: 1, maxLength: 5 }),
      fc.array(ANY_END, { maxLength: 5 }),
      fc.integer({ min: 1, max: 12 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (results, earlier, tries, random) => {
        const settled = settleTry(results, { policy: DEFAULT_RETRY, earlier, tries, random })
        expect(settled.retryInMs === null).toBe(isTerminal(settled.status))
        expect(settled.suppressionReason !== null).toBe(settled.status === 'cancelled')
      },
    ),
  )
})

test('a settled delivery has succeeded exactly where an address accepted, in whatever order they answered', () => {
  fc.assert(
    fc.property(
      fc.array(ANY_RESULT, { minLength: 1, maxLength: 5 }),
      fc.array(ANY_END, { maxLength: 5 }),
      (results, earlier) => {
        const settled = settleTry(results, { ...LAST, earlier })
        const reached = earlier.includes('accepted') || results.some(({ ended }) => ended === 'accepted')
        expect(settled.status === 'succeeded').toBe(reached)
        expect(settleTry(results.toReversed(), { ...LAST, earlier: earlier.toReversed() })).toEqual(settled)
      },
    ),
  )
})

test('an address that has ended is called no more, and one that accepted has ended for good', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ATTEMPT_OUTCOMES), { maxLength: 8 }), (outcomes) => {
      const end = addressEnd(outcomes)
      if (outcomes.includes('succeeded')) expect(end).toBe('accepted')
      if (end === null) expect(['failed', 'unknown', undefined]).toContain(outcomes.at(-1))
    }),
  )
})
