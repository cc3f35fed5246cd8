import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { invoice } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'

const mail = scripted('mail')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [invoice], adapters: { email: mail } })
  mail.next({ outcome: 'temporary' })
  await trigger(carillon, {
    notificationKey: 'invoice.sent',
    payload: { number: 1 },
    recipients: [{ id: 'ada', email: 'ada@example.test' }],
  })
  await carillon.drainJobs()
})
afterAll(() => carillon.close())

const codeOf = (query: Promise<unknown>): Promise<string | null> =>
  query.then(
    () => null,
    (error: { code: string }) => error.code,
  )

const PRIVILEGE = '42501'
const APPEND_ONLY = '23001'
const DUPLICATE = '23505'

test.each([
  ['delivery_attempt', 'outcome'],
  ['delivery_decision', 'checkpoint'],
  ['delivery_transition', 'reason'],
])('a row of %s is never changed once it is written, not even by the owner', async (table, column) => {
  const { rows } = await carillon.sql.query(`select count(*)::int from ${table}`)
  expect(rows[0].count).toBeGreaterThan(0)
  const update = `update ${table} set ${column} = ${column}`
  expect(await codeOf(carillon.app.db.system.query(update))).toBe(PRIVILEGE)
  expect(await codeOf(carillon.sql.query(update))).toBe(APPEND_ONLY)
})

test('what a row of history says of a person may be taken out of it, and nothing else, nor be put in', async () => {
  const { system } = carillon.app.db
  const { rows } = await system.query('select reason, address from delivery_attempt')
  expect(rows[0].address).not.toBeNull()
  expect(await codeOf(system.query(`update delivery_attempt set address = 'other'`))).toBe(APPEND_ONLY)
  expect(await codeOf(system.query('update delivery_attempt set address = null, reason = null'))).toBeNull()
  expect(await codeOf(system.query(`update delivery_attempt set address = 'other'`))).toBe(APPEND_ONLY)
  expect(await codeOf(system.query(`update delivery_transition set context = '{}'`))).toBe(APPEND_ONLY)
})

test('an attempt number is given once, whoever asks', async () => {
  const again = `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, source, inserted_at)
    select tenant_id, gen_random_uuid(), delivery_id, attempt_number, outcome, source, inserted_at from delivery_attempt limit 1`
  expect(await codeOf(carillon.app.db.system.query(again))).toBe(DUPLICATE)
  expect(await codeOf(carillon.sql.query(again))).toBe(DUPLICATE)
})

test.each([
  ['event', 'tenant_id, idempotency_key', 'one event a key'],
  ['notification', 'tenant_id, event_id, recipient_id', 'one notification a recipient'],
  ['delivery', 'tenant_id, notification_id, channel, step_key', 'one delivery a channel and step'],
])('of %s there is one a (%s): %s', async (table, columns) => {
  const { rows } = await carillon.sql.query(
    `select indexdef from pg_indexes where tablename = $1 and indexdef like 'CREATE UNIQUE INDEX%' and indexdef like '%(' || $2 || ')'`,
    [table, columns],
  )
  expect(rows).toHaveLength(1)
})
