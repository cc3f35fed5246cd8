import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DELIVERY_STATUSES, ORCHESTRATION_STATES } from '../../server/core/delivery.ts'
import { countOutcomes, type DeliveryState, outcomeOf, type StateCount } from '../../server/core/outcome.ts'

const state = (status: DeliveryState['status'], change: Partial<DeliveryState> = {}): DeliveryState => ({
  status,
  orchestrationState: 'ready',
  exhausted: false,
  ...change,
})

test.each([
  [state('pending'), 'pending'],
  [state('dispatched'), 'pending'],
  [state('succeeded'), 'sent'],
  [state('suppressed'), 'suppressed'],
  [state('pending', { orchestrationState: 'deferred' }), 'delayed'],
  [state('pending', { orchestrationState: 'digest_held' }), 'delayed'],
  [state('digested'), 'digested'],
  [state('failed'), 'failed'],
  [state('cancelled', { exhausted: true }), 'exhausted'],
  [state('cancelled'), 'cancelled'],
])('%o counts as %s', (given, outcome) => {
  expect(outcomeOf(given)).toBe(outcome)
})

test.each(['suppressed', 'cancelled', 'digested', 'failed'] as const)(
  'what was deferred or held once and is %s now no longer counts as delayed',
  (status) => {
    for (const orchestrationState of ['deferred', 'digest_held'] as const) {
      expect(outcomeOf(state(status, { orchestrationState }))).toBe(status)
    }
  },
)

const count = fc.record<StateCount>({
  notificationKey: fc.constantFrom('b', 'a', 'a b', 'Z', ''),
  channel: fc.constantFrom('in_app', 'email', 'b","c'),
  status: fc.constantFrom(...DELIVERY_STATUSES),
  orchestrationState: fc.constantFrom(...ORCHESTRATION_STATES),
  exhausted: fc.boolean(),
  count: fc.integer({ min: 1, max: 1_000_000 }),
})

const sum = (counts: readonly { readonly count: number }[]): number =>
  counts.reduce((total, { count }) => total + count, 0)

test('every delivery is counted once, under its notification, channel and outcome, and these come in order', () => {
  fc.assert(
    fc.property(fc.array(count), (states) => {
      const counted = countOutcomes(states)
      expect(sum(counted)).toBe(sum(states))
      for (const one of counted) {
        const same = states.filter(
          (given) =>
            given.notificationKey === one.notificationKey &&
            given.channel === one.channel &&
            outcomeOf(given) === one.outcome,
        )
        expect(one.count).toBe(sum(same))
      }
      const places = counted.map((one) => [one.notificationKey, one.channel, one.outcome].join('\u0000'))
      expect(places).toEqual([...new Set(places)].sort())
    }),
  )
})
