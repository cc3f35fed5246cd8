import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Breaker, breakerState, CLOSED, countCall } from '../../server/core/breaker.ts'

/** What was seen of a provider, one after the other: when, and whether it failed. */
type Calls = readonly (readonly [seconds: number, failed: boolean])[]

const after = (calls: Calls): Breaker =>
  calls.reduce((breaker, [seconds, failed]) => countCall(breaker, { failed, now: seconds * 1_000 }), CLOSED)
const failing = (from: number, to: number, count: number): Calls =>
  Array.from({ length: count }, (_, index) => [from + ((to - from) * index) / (count - 1), true] as const)
const stateAt = (calls: Calls, seconds: number) => breakerState(after(calls), seconds * 1_000)

test.each<[string, Calls, number, ReturnType<typeof breakerState>]>([
  ['nothing is known', [], 0, 'closed'],
  ['nine failures', failing(0, 20, 9), 20, 'closed'],
  ['ten failures in one burst', failing(0, 4.9, 10), 5, 'closed'],
  ['ten failures in one burst, an hour after the start', failing(3_600, 3_604.9, 10), 3_605, 'closed'],
  ['ten failures over five seconds, an hour after the start', failing(3_600, 3_605, 10), 3_605, 'open'],
  ['ten failures over five seconds', failing(0, 5, 10), 5, 'open'],
  ['a thousand failures in one burst, and one more', [...failing(0, 1, 1_000), [5, true]], 5, 'open'],
  ['nine failures, a success, nine failures', [...failing(0, 9, 9), [9, false], ...failing(10, 19, 9)], 20, 'closed'],
  ['an open one, all but ten seconds later', failing(0, 5, 10), 14.9, 'open'],
  ['an open one, ten seconds later', failing(0, 5, 10), 15, 'half_open'],
  ['an open one that nobody tries out', failing(0, 5, 10), 86_400, 'half_open'],
  ['one that is tried out, and answers', [...failing(0, 5, 10), [15, false]], 15, 'closed'],
  ['one that is tried out, and fails', [...failing(0, 5, 10), [15, true]], 34.9, 'open'],
  ['one that is tried out, and fails, twenty seconds later', [...failing(0, 5, 10), [15, true]], 35, 'half_open'],
  ['an answer of a call that had begun before it was opened', [...failing(0, 5, 10), [6, false]], 6, 'closed'],
  [
    'failures of calls that had begun before it was opened',
    [...failing(0, 5, 10), ...failing(6, 9, 50)],
    15,
    'half_open',
  ],
  ['one that recovered and fails once', [...failing(0, 5, 10), [15, false], [16, true]], 16, 'closed'],
])('%s: its state follows', (_, calls, at, state) => {
  expect(stateAt(calls, at)).toBe(state)
})

test('each rest is twice the one before, and none is longer than two minutes', () => {
  let breaker = after(failing(0, 5, 10))
  const rests: number[] = []
  let now = 5_000
  for (let round = 0; round < 7; round++) {
    rests.push(((breaker.openUntil as number) - now) / 1_000)
    now = breaker.openUntil as number
    breaker = countCall(breaker, { failed: true, now })
  }
  expect(rests).toEqual([10, 20, 40, 80, 120, 120, 120])
})

test('after a success the first rest is short again', () => {
  const calls: Calls = [...failing(0, 5, 10), [15, true], [35, true], [75, false], ...failing(100, 105, 10)]
  expect(after(calls).openUntil).toBe(115_000)
})

test('it is never open for ever, and one success closes it', () => {
  const steps = fc.array(fc.tuple(fc.double({ min: 0, max: 30, noNaN: true }), fc.boolean()), { maxLength: 200 })
  fc.assert(
    fc.property(steps, (steps) => {
      let now = 0
      let breaker = CLOSED
      for (const [wait, failed] of steps) {
        now += wait * 1_000
        breaker = countCall(breaker, { failed, now })
        expect((breaker.openUntil ?? now) - now).toBeLessThanOrEqual(120_000)
        if (!failed) expect(breakerState(breaker, now)).toBe('closed')
      }
    }),
  )
})
