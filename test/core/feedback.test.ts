import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ATTEMPT_OUTCOMES, DELIVERY_STATUSES, type DeliveryStatus } from '../../server/core/delivery.ts'
import {
  ATTEMPT_OF,
  addressOfReport,
  decideFeedback,
  endOf,
  FEEDBACK_STATUSES,
  type FeedbackStatus,
  marksAddress,
  type Report,
  type ReportedDelivery,
  reportedBy,
  type Tried,
} from '../../server/core/feedback.ts'
import { DEFAULT_RETRY } from '../../server/core/retry.ts'

const OPTIONS = { policy: DEFAULT_RETRY, random: 0.5 }

const deliveryIn = (status: DeliveryStatus, changes: Partial<ReportedDelivery> = {}): ReportedDelivery => ({
  status,
  orchestrationState: 'ready',
  suppressionReason: status === 'suppressed' ? 'quiet' : status === 'cancelled' ? 'retries_exhausted' : null,
  underWay: false,
  tries: 1,
  tried: [],
  addresses: 1,
  ...changes,
})

const moveOf = (status: FeedbackStatus, delivery: ReportedDelivery, addressKey: string | null = 'a') =>
  decideFeedback({ status, addressKey }, delivery, OPTIONS)

const summed = (verdict: ReturnType<typeof decideFeedback>): string | null =>
  verdict === null || verdict === 'wait' ? verdict : [verdict.status, verdict.suppressionReason ?? []].flat().join(' ')

describe('of one address', () => {
  test.each<[DeliveryStatus, Record<FeedbackStatus, string | null>]>([
    ['pending', { delivered: 'succeeded', bounced: 'cancelled bounced', failed: 'failed', complained: null }],
    ['dispatched', { delivered: 'succeeded', bounced: 'cancelled bounced', failed: 'failed', complained: null }],
    // It is to be tried again as it is.
    ['failed', { delivered: 'succeeded', bounced: 'cancelled bounced', failed: null, complained: null }],
    ['succeeded', { delivered: null, bounced: 'cancelled bounced', failed: null, complained: null }],
    ['cancelled', { delivered: null, bounced: 'cancelled bounced', failed: null, complained: null }],
    ['suppressed', { delivered: null, bounced: null, failed: null, complained: null }],
    ['digested', { delivered: null, bounced: null, failed: null, complained: null }],
  ])('a report on one that is %s moves it: %j', (status, moves) => {
    for (const said of FEEDBACK_STATUSES) {
      expect([said, summed(moveOf(said, deliveryIn(status)))]).toEqual([said, moves[said]])
      // The same where the channel has no addresses.
      expect([said, summed(moveOf(said, deliveryIn(status, { addresses: 0 }), null))]).toEqual([said, moves[said]])
    }
  })

  test('what a digest holds is sent by the digest alone, but not to an address that bounced', () => {
    const held = deliveryIn('pending', { orchestrationState: 'digest_held' })
    expect(FEEDBACK_STATUSES.map((said) => summed(moveOf(said, held)))).toEqual([null, 'cancelled bounced', null, null])
  })

  test('what was put off and has arrived all the same is not sent again', () => {
    expect(summed(moveOf('delivered', deliveryIn('pending', { orchestrationState: 'deferred' })))).toBe('succeeded')
  })

  test('what has bounced bounces no second time, and whom nobody may write to any more stays that', () => {
    for (const suppressionReason of ['bounced', 'recipient_erased']) {
      expect(moveOf('bounced', deliveryIn('cancelled', { suppressionReason }))).toBeNull()
    }
  })

  test('what failed is tried again by the policy, and a report uses up no try', () => {
    const retryOf = (tries: number) => {
      const verdict = moveOf('failed', deliveryIn('dispatched', { tries }))
      return verdict === 'wait' ? verdict : (verdict?.retryInMs ?? null)
    }
    expect([0, 1, 2, 3].map(retryOf)).toEqual([7_500, 7_500, 15_000, 30_000])
    expect(retryOf(DEFAULT_RETRY.attempts - 1)).toBe(450_000)
    // The queue gives it up, or an operator does.
    expect(retryOf(DEFAULT_RETRY.attempts)).toBeNull()
  })

  test('of a call under way only that it arrived or bounced is certain: whether it failed is for its answer to say', () => {
    const underWay = deliveryIn('dispatched', { underWay: true })
    expect(FEEDBACK_STATUSES.map((said) => summed(moveOf(said, underWay)))).toEqual([
      'succeeded',
      'cancelled bounced',
      'wait',
      null,
    ])
    const toTwo = { ...underWay, addresses: 2 }
    expect(FEEDBACK_STATUSES.map((said) => summed(moveOf(said, toTwo)))).toEqual(['wait', 'wait', 'wait', null])
  })
})

const call = (key: string | null, outcome: Tried['outcome']): Tried => ({ key, outcome, source: 'call' })
const report = (key: string | null, outcome: Tried['outcome']): Tried => ({ key, outcome, source: 'feedback' })

describe('of several addresses', () => {
  const failedFor = (...tried: Tried[]) => deliveryIn('failed', { tried, addresses: 2 })

  test.each<[string, FeedbackStatus, ReportedDelivery, string | null]>([
    ['what one got goes on to the other', 'delivered', failedFor(call('a', 'failed'), call('b', 'failed')), null],
    [
      'the last one that got it ends it',
      'delivered',
      failedFor(call('a', 'failed'), call('b', 'bounced')),
      'succeeded',
    ],
    ['one that bounced leaves the other', 'bounced', failedFor(call('a', 'failed'), call('b', 'failed')), null],
    [
      'the last one that bounced, too',
      'bounced',
      failedFor(call('a', 'failed'), call('b', 'bounced')),
      'cancelled bounced',
    ],
    [
      'one that refused it and one that bounced have nothing in common',
      'bounced',
      failedFor(call('a', 'failed'), call('b', 'rejected')),
      'cancelled permanent_failure',
    ],
    ['one that got it is enough', 'bounced', failedFor(call('a', 'failed'), call('b', 'succeeded')), 'succeeded'],
    [
      'one that got it stays enough',
      'bounced',
      deliveryIn('succeeded', { tried: [call('a', 'succeeded'), call('b', 'succeeded')], addresses: 2 }),
      null,
    ],
    [
      'where all of them send it back, nobody has it',
      'bounced',
      deliveryIn('succeeded', { tried: [call('a', 'succeeded'), call('b', 'succeeded'), report('b', 'bounced')] }),
      'cancelled bounced',
    ],
    [
      'what hangs for one is not tried again because another, which had got it, failed later',
      'failed',
      deliveryIn('dispatched', { tried: [call('a', 'succeeded'), call('b', 'failed'), call(null, 'unknown')] }),
      null,
    ],
  ])('%s', (_, said, delivery, moves) => {
    expect(summed(moveOf(said, delivery))).toBe(moves)
  })

  test('where it cannot be told which, one that hangs is not given up for a bounce, nor sent twice for a failure', () => {
    const hung = deliveryIn('dispatched', { tried: [call(null, 'unknown')], addresses: 2 })
    expect(FEEDBACK_STATUSES.map((said) => summed(moveOf(said, hung, null)))).toEqual(['succeeded', null, null, null])
  })

  test('where it cannot be told which, that it arrived is enough, and that it bounced is not', () => {
    const delivery = failedFor(call('a', 'failed'), call('b', 'failed'))
    expect(FEEDBACK_STATUSES.map((said) => summed(moveOf(said, delivery, null)))).toEqual([
      'succeeded',
      null,
      null,
      null,
    ])
  })
})

const HUNG = call(null, 'unknown')
const UNTOLD = { owned: ['a', 'b'], hangs: false, named: false }
test.each<[string, Tried[], Partial<typeof UNTOLD>, string | null]>([
  ['the only one that there is', [], { owned: ['a'] }, 'a'],
  ['one of two that were never called', [], {}, null],
  ['the only one that was called', [call('a', 'bounced')], {}, 'a'],
  ['one of those that were called', [call('a', 'failed'), call('b', 'failed')], {}, null],
  ['the only one that is open', [call('a', 'failed'), call('b', 'bounced'), call('c', 'rejected')], {}, 'a'],
  ['the only one that got it', [call('a', 'succeeded'), call('b', 'bounced')], {}, 'a'],
  ['one that got it or one that is open', [call('a', 'succeeded'), call('b', 'failed')], {}, null],
  [
    'the open one: the messages of those that got it are known',
    [call('a', 'succeeded'), call('b', 'failed')],
    { named: true },
    'b',
  ],
  ['one of two to which a dead worker sent it', [HUNG], {}, null],
  ['one of two to which a worker sends it that has just died', [call('a', 'failed')], { hangs: true }, null],
  ['the only one to which a dead worker sent it', [HUNG], { owned: ['a'] }, 'a'],
  ['the one that a dead worker had left', [call('a', 'bounced'), HUNG], {}, 'b'],
  ['the one that a dead worker had left, by its message', [call('a', 'succeeded'), HUNG], { named: true }, 'b'],
  // Reports come in any order, and change nothing about what the next one is about.
  ['one of two, whatever was reported', [call('a', 'failed'), call('b', 'failed'), report('a', 'bounced')], {}, null],
])('a report that names no address is about %s', (_, tried, changes, key) => {
  expect(addressOfReport({ tried, ...UNTOLD, ...changes })).toBe(key)
})

test.each<[readonly Tried[], ReturnType<typeof endOf>]>([
  [[], null],
  [[call('a', 'failed')], null],
  [[call('a', 'failed'), report('a', 'succeeded')], 'accepted'],
  [[call('a', 'succeeded'), report('a', 'bounced')], 'bounced'],
  [[report('a', 'bounced'), report('a', 'succeeded')], 'bounced'],
  [[call('a', 'succeeded'), report('a', 'failed')], 'accepted'],
  [[call('a', 'rejected'), report('a', 'failed')], 'permanent'],
  // A complaint leaves the state; the address it marks is not called again anyway.
  [[call('a', 'failed'), report('a', 'rejected')], null],
  // An operator let it begin anew.
  [[call('a', 'bounced'), call('a', 'failed')], null],
])('an address with %j is %s', (tried, end) => {
  expect(endOf(tried)).toBe(end)
})

test('each report has an outcome of its own, by which it is known again', () => {
  const outcomes = FEEDBACK_STATUSES.map((said) => ATTEMPT_OF[said].outcome)
  expect(new Set(outcomes).size).toBe(outcomes.length)
  expect(outcomes.map(reportedBy)).toEqual(FEEDBACK_STATUSES)
  expect(ATTEMPT_OUTCOMES.filter((outcome) => reportedBy(outcome) === null)).toEqual(['unknown'])
})

test('bounces and complaints mark the address', () => {
  expect(FEEDBACK_STATUSES.filter((status) => marksAddress({ status, addressKey: null }))).toEqual([
    'bounced',
    'complained',
  ])
})

/** A delivery after reports, one after the other, as they are carried out. */
const endAfter = (reports: readonly Report[], start: ReportedDelivery): string => {
  let delivery = start
  for (const said of reports) {
    const verdict = decideFeedback(said, delivery, OPTIONS)
    if (verdict === 'wait') throw new Error('nothing is under way')
    const entry = report(said.addressKey, ATTEMPT_OF[said.status].outcome)
    delivery = { ...delivery, ...verdict, tried: [...delivery.tried, entry] }
  }
  return `${delivery.status} ${delivery.suppressionReason}`
}

const someOutcome = fc.constantFrom(...ATTEMPT_OUTCOMES)
const someReports = (keys: readonly (string | null)[]) =>
  fc.array(fc.record({ status: fc.constantFrom(...FEEDBACK_STATUSES), addressKey: fc.constantFrom(...keys) }), {
    maxLength: 7,
  })
const shuffled = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length })

describe('the order in which reports come changes nothing about where a delivery ends', () => {
  test('of one address', () => {
    const start = fc
      .tuple(
        fc.constantFrom(...DELIVERY_STATUSES),
        fc.integer({ min: 0, max: 9 }),
        fc.array(someOutcome, { maxLength: 3 }),
      )
      .map(([status, tries, outcomes]) =>
        deliveryIn(status, { tries, tried: outcomes.map((outcome) => call('a', outcome)) }),
      )
    const cases = fc
      .tuple(start, someReports(['a']))
      .chain(([delivery, reports]) => fc.tuple(fc.constant(delivery), fc.constant(reports), shuffled(reports)))
    fc.assert(
      fc.property(cases, ([delivery, reports, again]) => {
        expect(endAfter(again, delivery)).toBe(endAfter(reports, delivery))
      }),
      { numRuns: 2_000 },
    )
  })

  test('nor of several, whether it can be told which', () => {
    const open = ['failed', 'unknown'] as const
    const starts = [
      // As the queue leaves them: one that failed has an address left, one that succeeded has none.
      deliveryIn('failed', { tried: [call('a', 'failed'), call('b', 'failed')] }),
      ...(['succeeded', 'rejected', 'bounced'] as const).flatMap((end) =>
        open.map((left) => deliveryIn('failed', { tried: [call('a', left), call('b', end)] })),
      ),
      ...(['succeeded', 'rejected', 'bounced'] as const).map((end) =>
        deliveryIn('succeeded', { tried: [call('a', 'succeeded'), call('b', end)] }),
      ),
      ...(['rejected', 'bounced'] as const).map((end) =>
        deliveryIn('cancelled', {
          suppressionReason: 'permanent_failure',
          tried: [call('a', 'rejected'), call('b', end)],
        }),
      ),
      deliveryIn('pending', { tried: [call('a', 'failed'), call('b', 'succeeded')] }),
      deliveryIn('dispatched', { tried: [call('a', 'failed'), call('b', 'failed'), call(null, 'unknown')] }),
      deliveryIn('dispatched', { tried: [call('a', 'succeeded'), call('b', 'failed'), call(null, 'unknown')] }),
    ]
    const cases = fc
      .tuple(fc.constantFrom(...starts), someReports(['a', 'b', null]))
      .chain(([delivery, reports]) => fc.tuple(fc.constant(delivery), fc.constant(reports), shuffled(reports)))
    fc.assert(
      fc.property(cases, ([delivery, reports, again]) => {
        expect(endAfter(again, delivery)).toBe(endAfter(reports, delivery))
      }),
      { numRuns: 5_000 },
    )
  })
})

test('a repeated report changes nothing about where a delivery ends', () => {
  const cases = fc.tuple(fc.constantFrom(...DELIVERY_STATUSES), someReports(['a']))
  fc.assert(
    fc.property(cases, ([status, reports]) => {
      expect(endAfter([...reports, ...reports], deliveryIn(status))).toBe(endAfter(reports, deliveryIn(status)))
    }),
  )
})
