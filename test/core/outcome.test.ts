import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DELIVERY_STATUSES, ORCHESTRATION_STATES } from '../../server/core/delivery.ts'
import {
  countOutcomes,
  type DeliveryState,
  outcomeOf,
  outcomePeriods,
  type PeriodStateCount,
  type StateCount,
} from '../../server/core/outcome.ts'

const ANY_STATE = {
  status: fc.constantFrom(...DELIVERY_STATUSES),
  orchestrationState: fc.constantFrom(...ORCHESTRATION_STATES),
  exhausted: fc.boolean(),
}

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

test('the periods of an interval follow each other without gap, and hold all that was counted', () => {
  const from = new Date('2026-01-15T00:00:00.000Z')
  const at = (minutes: number) => new Date(from.getTime() + minutes * 60_000)
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 3_000 }),
      fc.integer({ min: 1, max: 1_440 }),
      fc.array(fc.record({ period: fc.nat(), count: fc.integer({ min: 1, max: 9 }), ...ANY_STATE })),
      (minutes, periodMinutes, given) => {
        const periods = Math.ceil(minutes / periodMinutes)
        const states: PeriodStateCount[] = given
          .filter(() => periods > 0)
          .map(({ period, ...state }) => ({ ...state, startsAt: at((period % periods) * periodMinutes) }))
        const found = outcomePeriods(states, { from, to: at(minutes), periodMinutes })
        expect(found.map(({ startsAt }) => startsAt)).toEqual(
          Array.from({ length: periods }, (_, index) => at(index * periodMinutes)),
        )
        const sum = found.flatMap(({ outcomes }) => outcomes).reduce((total, { count }) => total + count, 0)
        expect(sum).toBe(states.reduce((total, { count }) => total + count, 0))
        for (const { outcomes } of found) {
          const names = outcomes.map(({ outcome }) => outcome)
          expect(names).toEqual([...new Set(names)].sort())
        }
      },
    ),
  )
})
