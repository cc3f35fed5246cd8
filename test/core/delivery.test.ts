import { expect, test } from 'vitest'
import { DELIVERY_STATUSES, isTerminal, ORCHESTRATION_STATES, waitingFor } from '../../server/core/delivery.ts'

const READY = { orchestrationState: 'ready', planningReason: null, awaitsOperator: false, putOffBy: null } as const

test.each([
  ['pending', 'due'],
  ['failed', 'retry'],
  ['dispatched', 'provider'],
  ['succeeded', null],
  ['suppressed', null],
  ['cancelled', null],
  ['digested', null],
] as const)('a delivery that is %s waits for %s', (status, waits) => {
  expect(waitingFor({ ...READY, status })).toBe(waits)
})

test('a delivery that was put off waits for the reason of it, and a held one for its digest', () => {
  const planningReason = 'quiet_hours'
  const deferred = { ...READY, status: 'pending', orchestrationState: 'deferred', planningReason } as const
  expect(waitingFor(deferred)).toBe('quiet_hours')
  const held = { ...deferred, orchestrationState: 'digest_held', planningReason: 'digest_rule' } as const
  expect(waitingFor(held)).toBe('digest')
})

test('a delivery that failed because its providers rest waits for their breakers, and says so only then', () => {
  expect(waitingFor({ ...READY, status: 'failed', putOffBy: 'breaker' })).toBe('breaker')
  expect(waitingFor({ ...READY, status: 'pending', putOffBy: 'breaker' })).toBe('due')
  expect(waitingFor({ ...READY, status: 'succeeded', putOffBy: 'breaker' })).toBeNull()
})

test('a delivery that hangs in mid-call waits for an operator, and one whose call is under way for the provider', () => {
  expect(waitingFor({ ...READY, status: 'dispatched', awaitsOperator: true })).toBe('operator')
  expect(waitingFor({ ...READY, status: 'dispatched' })).toBe('provider')
})

test('every delivery that is not terminal says what it waits for, and no terminal one does', () => {
  for (const status of DELIVERY_STATUSES) {
    for (const orchestrationState of ORCHESTRATION_STATES) {
      const waits = waitingFor({ ...READY, status, orchestrationState, planningReason: 'some_reason' })
      expect(waits === null).toBe(isTerminal(status))
    }
  }
})
