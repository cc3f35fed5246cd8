import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { brokenInvariants, INVARIANTS } from '../support/invariants.ts'
import { peerConfig } from '../support/peer-config.ts'

/*
 * A check that cannot fail proves nothing: each invariant is broken behind the API's back, and must be the one that
 * says so.
 */

let carillon: TestCarillon
beforeAll(async () => {
  const pager = { kind: 'played', temporary: 0, permanent: 0, withinMs: 1 } as const
  carillon = await startCarillon(peerConfig({ pager, leaseFor: '10s' }))
  const { app, tenantId } = carillon
  const trigger = async (notificationKey: string, name: string, payload: Record<string, unknown>, id?: string) => {
    const recipients = id === undefined ? {} : { recipients: [{ id }] }
    const request = { notificationKey, idempotencyKey: name, payload, ...recipients }
    return app.trigger({ tenantId, request, path: ['input'] })
  }
  await trigger('order.placed', 'sent', { n: 1 }, 'ada')
  await carillon.drainJobs()
  await trigger('order.placed', 'waiting', { n: 2 }, 'ada')
  await trigger('journey', 'journey', { n: 4 }, 'cleo')
  await trigger('broadcast', 'broadcast', { count: 1_001 })
  const { event } = await trigger('order.placed', 'stopped', { n: 3 }, 'bob')
  await carillon.ok(
    carillon.operatorKey,
    'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { event { id } } }',
    {
      id: Buffer.from(`Event:${event.id}`).toString('base64url'),
    },
  )
})
afterAll(() => carillon.close())

const SENT = `(select v.id from delivery v join event e on e.id = v.event_id where e.idempotency_key = 'sent' and v.channel = 'pager')`
const WAITING = `(select v.id from delivery v join event e on e.id = v.event_id where e.idempotency_key = 'waiting' and v.channel = 'pager')`
const STOPPED = `(select v.id from delivery v join event e on e.id = v.event_id where e.idempotency_key = 'stopped' and v.channel = 'pager')`

const SABOTAGE: Readonly<Record<string, string>> = {
  'a delivery that is not terminal has a due row, waits for an operator, or is held in a bucket that has one': `delete from due where subject_id = ${WAITING}`,
  'a due row of a delivery has a delivery that is not terminal, in its own lane': `insert into due (tenant_id, kind, subject_id, lane, due_at) values ('acme', 'delivery', ${SENT}, 'pager', now())`,
  'an event has a fan-out due exactly while it waits for its instant or is being planned': `delete from due where kind = 'fan_out'`,
  'there is an audience to be planned only while its event is, and it is as large as the event says': `delete from event_recipient where recipient_id = 'listener-000007'`,
  'an event has as many notifications as it says are planned, and is planned when that is all of them': `update event set recipient_count = 2, planned_recipient_count = 2 where idempotency_key = 'sent'`,
  'a delivery is held exactly while its membership is open, in a bucket that is': `update delivery set orchestration_state = 'digest_held', planning_reason = 'digest_rule' where id = ${WAITING}`,
  'a bucket is queued exactly while it is open, and counts those who have not left it': `insert into due (tenant_id, kind, subject_id, lane, due_at) values ('acme', 'digest', gen_random_uuid(), 'digest', now())`,
  'a digest was sent on its way by one bucket, whenever something went into it and then alone': `update event set is_digest = true where idempotency_key = 'sent'`,
  'every row belongs to the ones it was made for': `update delivery set notification_id = gen_random_uuid() where id = ${WAITING}`,
  "an inbox's counters are what counting its items gives": `update inbox set total = total + 1 where recipient_id = 'ada'`,
  'of a recipient whose data was erased nothing is told to anybody, and nothing waits': `update notification set content = null, arrival_version = null, arrived_at = null, inbox_version = null, erased_at = now() where recipient_id = 'ada'`,
  'an item of an inbox is queued to come back exactly while it is snoozed, for when that is over': `update notification set snoozed_until = now() where recipient_id = 'bob'`,
  'no item of an inbox is ahead of it, and the newest change stands at its version': `update inbox set version = version - 1 where recipient_id = 'ada'`,
  'versions of an inbox are each given once': `drop index notification_inbox_version_key; update notification set inbox_version = 2 where recipient_id = 'ada'`,
  "a recipient's deliveries stand in an order without gaps, but for what was pruned": `update delivery set position = position + 10 where id = ${WAITING}`,
  'an in-app delivery has succeeded exactly where its notification is in the inbox, with content': `update notification set content = null where recipient_id = 'bob'`,
  'attempts of a delivery are numbered from 1 without gaps': `alter table delivery_attempt disable trigger user; update delivery_attempt set attempt_number = 2 where delivery_id = ${SENT}`,
  'a delivery has succeeded where an address of it accepted and has not sent it back, or its provider said that it arrived': `alter table delivery_attempt disable trigger user; update delivery_attempt set outcome = 'unknown' where delivery_id = ${SENT}`,
  'no address is called again after it accepted, unless it sent that back and an operator wanted it': `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, source, inserted_at) values ('acme', gen_random_uuid(), ${SENT}, 2, 'failed', 'call', now())`,
  'what a provider reported waits in the queue exactly until it is carried out': `insert into webhook_ingress (tenant_id, id, adapter, delivery_id, normalized_status, state, inserted_at) values ('acme', gen_random_uuid(), 'pager', ${SENT}, 'delivered', 'queued', now())`,
  'each report that was carried out is one attempt of its delivery, and nothing else is': `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, source, inserted_at) values ('acme', gen_random_uuid(), ${SENT}, 2, 'succeeded', 'feedback', now())`,
  'nothing follows an attempt that was refused for good, unless an operator wanted it': `alter table delivery_attempt disable trigger user; update delivery_attempt set outcome = 'rejected' where delivery_id = ${SENT}; insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, source, inserted_at) values ('acme', gen_random_uuid(), ${SENT}, 2, 'failed', 'call', now())`,
  'the queue has counted every try since the last time that an operator let it begin anew': `update due set tries = 3 where subject_id = ${WAITING}`,
  'a delivery that failed for now is due when it says': `update delivery set status = 'failed', next_attempt_at = now() where id = ${WAITING}`,
  'a delivery that was put off is due when it may go on, or when it expires': `update delivery set orchestration_state = 'deferred', planning_reason = 'quiet_hours', next_eligible_at = now() + interval '1 hour' where id = ${WAITING}`,
  'what waits is due by the time that it expires': `update delivery set expires_at = now() - interval '1 hour' where id = ${WAITING}`,
  'a topic has as many subscribers as it says': `insert into topic (tenant_id, id, key, subscriber_count, inserted_at) values ('acme', gen_random_uuid(), 'releases', 1, now())`,
  'a delivery was planned by exactly one decision': `delete from delivery_decision where delivery_id = ${WAITING}`,
  'no provider is called without a decision that let it through, under the lease that the first call of a try is named after': `alter table delivery_decision disable trigger user; update delivery_decision set answers = '[{"verdict": "suppress"}]' where delivery_id = ${SENT} and checkpoint = 'perform'`,
  'a decision that let a delivery through is followed by its attempt, or the delivery is dispatched now, or a report ended its call': `delete from delivery_attempt where delivery_id = ${SENT}`,
  'a delivery that was stopped after it had been planned says when and why': `delete from delivery_transition where delivery_id = ${STOPPED}`,
  'a run waits exactly while it is to be woken, when its wait is over or its event expires': `delete from due where kind = 'workflow'`,
  "a run that is active has its present step's delivery under way": `update workflow_run set state = 'active', waiting_until = null, waiting_for = '{}'`,
  'no run of a cancelled event moves on': `update event set status = 'cancelled' where idempotency_key = 'journey'`,
  "a run's history has no gaps, and ends where the run stands": `delete from workflow_transition where number = 2`,
  'each step that a run came to has one delivery, and no step else has': `update delivery set step_key = 'call' where step_key = 'tell'`,
  'a delivery tells a run exactly where its notification has one': `update delivery set in_run = false where step_key = 'tell'`,
  'nothing of a cancelled event waits to be sent, unless it had been handed over before': `update event set status = 'cancelled' where idempotency_key = 'waiting'`,
}

test('all is well with a database that only the API has written to', async () => {
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  expect(Object.keys(SABOTAGE).sort()).toEqual(INVARIANTS.map(({ promise }) => promise).sort())
})

test.each(Object.entries(SABOTAGE))('it is noticed when this does not hold: %s', async (promise, sabotage) => {
  const client = await carillon.sql.connect()
  try {
    await client.query('begin')
    await client.query(sabotage)
    const broken = await brokenInvariants(client)
    expect(broken.map((one) => one.promise)).toContain(promise)
  } finally {
    await client.query('rollback')
    client.release()
  }
})
