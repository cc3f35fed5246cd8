import { expect, test } from 'vitest'
import { faultWords } from '../../../client-sdk/console/fault-words.ts'
import { fromNow, lengthWords, sinceOf } from '../../../client-sdk/console/instants.ts'
import { groupsOf } from '../../../client-sdk/console/overview/groups.ts'
import { mayCancel, mayResume, mayRetry, type State } from '../../../client-sdk/console/state.ts'
import { counted, inWords, nameInWords } from '../../../client-sdk/console/wording.ts'
import { CarillonClientError } from '../../../client-sdk/error.ts'

test.each<[unknown, string]>([
  [{ limit: 3, windowMinutes: 60 }, 'limit 3 · window minutes 60'],
  [{ channels: ['email', 'sms'], none: [], nothing: null }, 'channels (email, sms) · none (none)'],
  [{ cap: { limit: 1 } }, 'cap (limit 1)'],
  [{}, ''],
  ['text', 'text'],
])('%j in words is "%s"', (value, words) => {
  expect(inWords(value)).toBe(words)
})

test('names, counts and lengths read as words', () => {
  expect([nameInWords('nextEligibleAt'), nameInWords('quiet_hours')]).toEqual(['next eligible at', 'quiet hours'])
  expect([counted(1, 'delivery', 'deliveries'), counted(1_200, 'delivery', 'deliveries')]).toEqual([
    '1 delivery',
    '1,200 deliveries',
  ])
  expect([12, 45_000, 180_000, 7_200_000].map(lengthWords)).toEqual(['12 ms', '45 s', '3 min', '2 h'])
  const now = Date.parse('2026-01-15T12:00:30Z')
  expect(fromNow('2026-01-15T11:57:00Z', now)).toBe('3 min. ago')
  expect(fromNow('2026-01-15T14:00:30Z', now)).toBe('in 2 hr.')
  expect(sinceOf('1h', 2, now)).toBe('2026-01-15T11:02:00.000Z')
})

test.each<[ConstructorParameters<typeof CarillonClientError>, string]>([
  [['NETWORK_ERROR', 'x'], 'The server is away'],
  [['UNAVAILABLE', 'x'], 'its database is away'],
  [['RATE_LIMITED', 'x', { retryAfterSeconds: 7 }], 'in 7 s'],
  [['UNAUTHENTICATED', 'x'], 'it was revoked'],
  [['FORBIDDEN', 'x'], 'scope OPERATE'],
  [['INVALID_STATE', 'Cannot retry this delivery'], 'Cannot retry this delivery'],
])('a fault %j says what to do', (given, words) => {
  expect(faultWords(new CarillonClientError(...given))).toContain(words)
})

const state = (status: State['status'], change: Partial<State> = {}): State => ({
  status,
  orchestrationState: 'READY',
  waitingFor: null,
  ...change,
})

test('what can be done is offered where the server would let it be done', () => {
  const offered = (given: State) => [mayRetry(given), mayCancel(given), mayResume(given)]
  expect(offered(state('FAILED'))).toEqual([true, true, false])
  expect(offered(state('CANCELLED'))).toEqual([true, false, false])
  expect(offered(state('PENDING'))).toEqual([false, true, false])
  expect(offered(state('PENDING', { orchestrationState: 'DEFERRED' }))).toEqual([false, true, true])
  expect(offered(state('DISPATCHED', { waitingFor: 'operator' }))).toEqual([true, true, false])
  expect(offered(state('DISPATCHED', { waitingFor: 'provider' }))).toEqual([false, false, false])
  for (const status of ['SUCCEEDED', 'SUPPRESSED', 'DIGESTED'] as const) {
    expect(offered(state(status))).toEqual([false, false, false])
  }
})

test('every outcome is drawn in one group', () => {
  const outcomes = ['PENDING', 'SENT', 'SUPPRESSED', 'DELAYED', 'DIGESTED', 'FAILED', 'EXHAUSTED', 'CANCELLED'] as const
  const groups = groupsOf(outcomes.map((outcome) => ({ outcome, count: 1 })))
  expect(groups).toEqual({ sent: 2, waiting: 2, stopped: 1, failed: 3 })
})
