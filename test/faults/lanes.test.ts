import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { knowRecipients } from '../../server/operations/recipients-known.ts'
import { openLanes } from '../../server/operations/trigger/lanes.ts'
import { prepareTrigger } from '../../server/operations/trigger/prepare.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { peerConfig } from '../support/peer-config.ts'
import { until } from '../support/until.ts'

/*
 * Triggers share transactions: what holds one of them up must not hold up the others.
 */

let carillon: TestCarillon
beforeAll(async () => {
  const pager = { kind: 'played', temporary: 0, permanent: 0, withinMs: 1 } as const
  carillon = await startCarillon(peerConfig({ pager, leaseFor: '10s' }))
})
afterAll(() => carillon.close())

const noteTo = (key: string, ...ids: string[]) => ({
  notificationKey: 'note',
  idempotencyKey: key,
  payload: { n: 1 },
  recipients: ids.map((id) => ({ id })),
})
const trigger = (key: string, ...ids: string[]) =>
  carillon.app.trigger({ tenantId: carillon.tenantId, request: noteTo(key, ...ids), path: ['input'] })

/** Another transaction that holds something until it is let go. */
const holding = async (statement: string, values: readonly unknown[]) => {
  const client = await carillon.sql.connect()
  await client.query('begin')
  await client.query(statement, [...values])
  return async () => {
    await client.query('rollback')
    client.release()
  }
}
const others = (name: string) => Array.from({ length: 30 }, (_, n) => `${name}-other-${n}`)

test('an inbox that somebody else holds holds up its own triggers alone', async () => {
  await trigger('before', 'held')
  const letGo = await holding('select from inbox where recipient_id = $1 for no key update', ['held'])
  let answered = false
  const waiting = trigger('held', 'held', 'held-too').finally(() => {
    answered = true
  })
  await Promise.all(others('inbox').map((id) => trigger(`inbox-${id}`, id)))
  expect(answered).toBe(false)
  await letGo()
  expect((await waiting).deduplicated).toBe(false)
  expect(await brokenInvariants(carillon.sql)).toEqual([])
})

const keyOf = (idempotencyKey: string): bigint =>
  createHash('sha256').update(`${carillon.tenantId}\n${idempotencyKey}`).digest().readBigInt64BE()

test('an idempotency key that somebody else is about to use holds up its own trigger alone', async () => {
  const letGo = await holding('select pg_advisory_xact_lock($1)', [String(keyOf('contended'))])
  let answered = false
  const waiting = trigger('contended', 'ada').finally(() => {
    answered = true
  })
  await Promise.all(others('key').map((id) => trigger(`key-${id}`, id)))
  expect(answered).toBe(false)
  await letGo()
  expect((await waiting).deduplicated).toBe(false)
})

test('a trigger that waits outlives a database that cannot be asked about its recipients for a while', async () => {
  const { app, tenantId } = carillon
  const known = knowRecipients(app.db)
  let refusals = 0
  const refusing = {
    ...known,
    load: () => {
      refusals += 1
      return Promise.reject(new Error('Connection terminated unexpectedly'))
    },
  }
  const submit = openLanes(app, refusing)
  const letGo = await holding('select pg_advisory_xact_lock($1)', [String(keyOf('outlives'))])
  const prepared = await prepareTrigger(app, known, { tenantId, request: noteTo('outlives', 'ada'), path: ['input'] })
  const waiting = submit(prepared)
  await until('it was refused a few times', () => refusals >= 3)
  await letGo()
  expect((await waiting).repeated).toBe(false)
})
