import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DELIVERY_STATUSES, type DeliveryStatus } from '../../server/core/delivery.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

/** Every edge there is; whatever the code may do, the database lets through no other. */
const EDGES: Readonly<Record<DeliveryStatus, readonly DeliveryStatus[]>> = {
  pending: ['dispatched', 'succeeded', 'failed', 'suppressed', 'cancelled', 'digested'],
  dispatched: ['succeeded', 'failed', 'cancelled', 'pending'],
  failed: ['dispatched', 'succeeded', 'suppressed', 'cancelled', 'pending'],
  succeeded: ['cancelled'],
  cancelled: ['pending'],
  suppressed: [],
  digested: [],
}

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

/** What a delivery of that status has to say beside it. */
const companions = (status: string) => ({
  suppression_reason: status === 'suppressed' || status === 'cancelled' ? 'bounced' : null,
  next_attempt_at: status === 'failed' ? new Date() : null,
})

/** Whether a delivery of one status may be given other values; nothing of it stays. */
const attempt = async (pool: Pool, from: string, change: Record<string, unknown>): Promise<string | null> => {
  const client = await pool.connect()
  const id = randomUUID()
  const { suppression_reason, next_attempt_at } = companions(from)
  const columns = Object.keys(change)
  try {
    await client.query('begin')
    await client.query(
      `insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, status,
        suppression_reason, next_attempt_at, position, inserted_at, updated_at)
      values ('acme', $1, $1, $1, 'ada', 'k', 'email', $2, $3, $4, 1, now(), now())`,
      [id, from, suppression_reason, next_attempt_at],
    )
    await client.query(
      `update delivery set ${columns.map((column, index) => `${column} = $${index + 2}`).join(', ')} where tenant_id = 'acme' and id = $1`,
      [id, ...Object.values(change)],
    )
    return null
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await client.query('rollback')
    client.release()
  }
}

const CHECK_VIOLATION = '23514'
const roles = () => [carillon.app.db.system, carillon.sql]

test('a delivery goes only where its states lead, whoever asks', async () => {
  for (const pool of roles()) {
    for (const from of DELIVERY_STATUSES) {
      const reached: DeliveryStatus[] = []
      for (const status of DELIVERY_STATUSES.filter((status) => status !== from)) {
        const refused = await attempt(pool, from, { status, ...companions(status) })
        expect([null, CHECK_VIOLATION]).toContain(refused)
        if (refused === null) reached.push(status)
      }
      expect([from, reached.toSorted()]).toEqual([from, EDGES[from].toSorted()])
    }
  }
})

test.each([
  ['a status that does not exist', 'pending', { status: 'lost' }],
  ['an orchestration state that does not exist', 'pending', { orchestration_state: 'lost' }],
  ['a deferral without its reason', 'pending', { orchestration_state: 'deferred', next_eligible_at: new Date() }],
  ['a deferral without its end', 'pending', { orchestration_state: 'deferred', planning_reason: 'quiet_hours' }],
  ['a hold without its reason', 'pending', { orchestration_state: 'digest_held' }],
  [
    'a hold of what is with the provider',
    'dispatched',
    { orchestration_state: 'digest_held', planning_reason: 'digest_rule' },
  ],
  ['suppression without a reason', 'pending', { status: 'suppressed' }],
  ['a reason without suppression', 'pending', { suppression_reason: 'bounced' }],
  ['failure without an instant to try again', 'dispatched', { status: 'failed' }],
  ['an instant to try again without failure', 'pending', { next_attempt_at: new Date() }],
])('%s is refused, whoever asks', async (_, from, change) => {
  for (const pool of roles()) expect(await attempt(pool, from, change)).toBe(CHECK_VIOLATION)
})

test('a delivery may be put off and let go on', async () => {
  const change = { orchestration_state: 'deferred', planning_reason: 'quiet_hours', next_eligible_at: new Date() }
  for (const pool of roles()) expect(await attempt(pool, 'pending', change)).toBeNull()
})
