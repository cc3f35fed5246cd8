import { afterAll, beforeAll, expect, test } from 'vitest'
import { idOfType } from '../../../server/core/node-id.ts'
import { memory } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { alarm, mention } from '../../support/notifiers.ts'
import { countRows, trigger, tryTrigger } from '../../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention, alarm], adapters: { email: memory() } })
})
afterAll(() => carillon.close())

const MENTION = {
  notificationKey: 'comment.mentioned',
  payload: { author: 'Ada' },
  recipients: [{ id: 'bob', email: 'bob@example.test', addresses: [{ channel: 'push', address: 'x' }] }, { id: 'cid' }],
}

test('all that a trigger brings about is written by one transaction', async () => {
  const { event } = await trigger(carillon, MENTION)
  const { rows } = await carillon.sql.query(
    `with written as (
      select 'event' as of, xmin from event where id = $1
      union all select 'notification', xmin from notification where event_id = $1
      union all select 'delivery', xmin from delivery where event_id = $1
      union all select 'decision', xmin from delivery_decision where delivery_id in (select id from delivery where event_id = $1)
      union all select 'attempt', xmin from delivery_attempt where delivery_id in (select id from delivery where event_id = $1)
      union all select 'due', xmin from due where subject_id in (select id from delivery where event_id = $1)
      union all select 'recipient', xmin from recipient
      union all select 'address', xmin from recipient_address
      union all select 'inbox', xmin from inbox
    ) select of, xmin::text, count(*)::int from written group by of, xmin order by of`,
    [idOfType('Event', event.id)],
  )
  expect(new Set(rows.map(({ xmin }) => xmin)).size).toBe(1)
  expect(rows.map(({ of, count }) => [of, count])).toEqual([
    ['address', 1],
    ['attempt', 2],
    ['decision', 4],
    ['delivery', 4],
    ['due', 1],
    ['event', 1],
    ['inbox', 2],
    ['notification', 2],
    ['recipient', 1],
  ])
})

test('every delivery starts where the plan says: in the inbox, in the queue, or suppressed with its reason', async () => {
  const { event } = await trigger(carillon, MENTION)
  const { rows } = await carillon.sql.query(
    `select v.recipient_id, v.channel, v.status, v.suppression_reason as reason, v.render_key, v.render_version, v.position,
      (select count(*)::int from due where subject_id = v.id) as due,
      (select count(*)::int from delivery_attempt where delivery_id = v.id) as attempts,
      (select count(*)::int from delivery_transition where delivery_id = v.id) as transitions
    from delivery v where event_id = $1 order by recipient_id, channel`,
    [idOfType('Event', event.id)],
  )
  const expected = [
    ['bob', 'email', 'pending', null, 1, 0],
    ['bob', 'in_app', 'succeeded', null, 0, 1],
    ['cid', 'email', 'suppressed', 'missing_address', 0, 0],
    ['cid', 'in_app', 'succeeded', null, 0, 1],
  ]
  expect(rows.map((row) => [row.recipient_id, row.channel, row.status, row.reason, row.due, row.attempts])).toEqual(
    expected,
  )
  for (const row of rows) {
    expect(row).toMatchObject({ render_key: `comment.mentioned.${row.channel}`, render_version: 2, transitions: 0 })
  }
  expect(rows[1].position - rows[0].position).toBe(1)
})

test.each(['delivery_decision', 'delivery_attempt', 'due', 'recipient_address'])(
  'where a row of %s cannot be written, nothing is',
  async (table) => {
    const before = await countRows(carillon)
    const recipients = [
      { id: `new-${table}`, email: 'new@example.test', addresses: [{ channel: 'push', address: table }] },
    ]
    await carillon.sql.query(`alter table ${table} add constraint refuse_all check (false) not valid`)
    const refused = await tryTrigger(carillon, { ...MENTION, recipients, idempotencyKey: table })
    await carillon.sql.query(`alter table ${table} drop constraint refuse_all`)
    expect(refused.errors.map(({ extensions }) => extensions['code'])).toEqual(['INTERNAL'])
    expect(await countRows(carillon)).toEqual(before)
    expect((await trigger(carillon, { ...MENTION, recipients, idempotencyKey: table })).deduplicated).toBe(false)
  },
)

test('one that cannot be written leaves those that share its transaction alone', async () => {
  await carillon.sql.query(`alter table event add constraint refuse_some check (correlation_id <> 'bad')`)
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      tryTrigger(carillon, {
        ...MENTION,
        recipients: [{ id: `r${index}` }],
        correlationId: index % 7 ? 'good' : 'bad',
      }),
    ),
  )
  await carillon.sql.query(`alter table event drop constraint refuse_some`)
  expect(answers.map(({ errors }) => errors.length)).toEqual(
    Array.from({ length: 30 }, (_, index) => (index % 7 ? 0 : 1)),
  )
})

test('every inbox counts what has arrived in it, and nothing else', async () => {
  const { rows } = await carillon.sql.query(
    `select version, total, unread, unseen,
      (select count(*)::int from notification n where n.recipient_id = i.recipient_id and arrival_version is not null) as arrived
    from inbox i`,
  )
  for (const { arrived, version, ...counters } of rows) {
    expect([Number(version), counters]).toEqual([arrived, { total: arrived, unread: arrived, unseen: arrived }])
  }
})
