import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { buildRoutes } from '../../server/adapters/routing.ts'
import { encodeNodeId, idOfType } from '../../server/core/node-id.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { beginClaims } from '../../server/operations/dispatch/begin.ts'
import { createReports } from '../../server/operations/webhooks/process.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, storyOf } from '../support/deliveries.ts'
import { invoice, mention, page } from '../support/notifiers.ts'
import { operate } from '../support/operator.ts'
import { report, reportsOf, takesEvents } from '../support/reports.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy } from '../support/settings.ts'
import { trigger } from '../support/trigger.ts'
import { until } from '../support/until.ts'

const LEASE_MS = 30_000
const ping = defineNotifier({
  key: 'ping',
  version: 1,
  payload: z.object({}),
  channels: ['push'],
  render: { push: () => ({ title: 'Ping', body: 'ping' }) },
})

const mail = scripted('mail', takesEvents)
const phone = scripted('phone', takesEvents)
const pager = scripted('pager', { ...takesEvents, onUnknown: 'hold', retry: { firstDelay: '10s' } })
const config = defineConfig({
  notifiers: [invoice, mention, page, ping],
  adapters: { email: mail, push: phone, pager },
})
const clock = new TestClock()
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
})
afterAll(() => carillon.close())

let count = 0
/** Somebody new with an address of its own. */
const someone = () => {
  count += 1
  return { id: `r${count}`, email: `r${count}@example.test` }
}

/** A delivery by e-mail, handed over. */
const sent = async (recipient: object = someone(), ...acts: unknown[]): Promise<GraphQLAnswer['data']> => {
  mail.next(...acts)
  const { event } = await trigger(carillon, {
    notificationKey: 'invoice.sent',
    payload: { number: 7 },
    recipients: [recipient],
  })
  await carillon.drainJobs()
  return deliveryOf(carillon, { eventId: event.id })
}

const again = (delivery: GraphQLAnswer['data']) =>
  deliveryOf(carillon, { notificationId: undefined, recipientId: delivery.notification.recipientId })

/** Reports, and carries the report out. */
const reported = async (status: string, delivery: GraphQLAnswer['data'], more: object = {}) => {
  expect(await report(carillon, 'mail', [{ status, deliveryId: delivery.id, ...more }])).toBe(204)
  await carillon.drainJobs()
  return again(delivery)
}

const outcomesOf = ({ attempts }: GraphQLAnswer['data']): unknown[] =>
  attempts.map(({ source, outcome, errorClass }: Record<string, unknown>) => [source, outcome, errorClass])

/** A worker that claims, hands over, and is never heard of again. */
const dieInMidCall = async (channel: string): Promise<void> => {
  const { app } = carillon
  const claim = claimDue(new Map([[channel, 10]]), { now: clock.now(), leaseMs: LEASE_MS })
  const { rows } = await app.db.system.query<Claim>(claim)
  const begun = await beginClaims({ ...app, routes: buildRoutes(config), leaseMs: LEASE_MS }, rows)
  expect(begun).toHaveLength(1)
}

/** Carries reports out, and nothing else: the call that is under way would be waited for. */
const carryOutReports = async () => {
  const { rows } = await carillon.app.db.system.query<Claim>(
    claimDue(new Map([['webhook_ingress', 200]]), { now: clock.now(), leaseMs: LEASE_MS }),
  )
  await createReports(carillon.app, buildRoutes(config))(rows, { finished: () => {} })
}

/** A page whose worker died in mid-call, and which is not tried again by itself. */
const hung = async (): Promise<GraphQLAnswer['data']> => {
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await dieInMidCall('pager')
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator' })
  clock.advance(1_000)
  return { ...delivery, eventId: event.id }
}

describe('what is written', () => {
  test('a report on what was sent is an attempt, a line of the timeline, and moves nothing', async () => {
    const before = await sent(undefined, { outcome: 'accepted', providerMessageId: 'm-1' })
    clock.advance(60_000)
    const delivery = await reported('delivered', before, { providerEventId: 'd-1', providerMessageId: 'm-1' })
    expect(delivery).toMatchObject({ status: 'SUCCEEDED', suppressionReason: null })
    expect(delivery.attempts.at(-1)).toEqual({
      ...{ attemptNumber: 2, outcome: 'SUCCEEDED', errorClass: null, reason: null, adapter: 'mail' },
      ...{ address: 'r…@example.test', source: 'feedback', providerMessageId: 'm-1', startedAt: null },
      insertedAt: clock.now().toISOString(),
    })
    expect(delivery.explanation.timeline.at(-1)).toEqual({
      at: clock.now().toISOString(),
      event: 'webhook_received',
      detail: { outcome: 'succeeded', status: 'delivered', adapter: 'mail', providerMessageId: 'm-1' },
    })
    expect(delivery.explanation.summary).toMatch(
      /^Sent at .+ by mail, on try 1; its provider reported at .+ that it arrived\.$/,
    )
    expect(await reportsOf(carillon, { deliveryId: delivery.id })).toMatchObject([
      {
        adapter: 'mail',
        providerEventId: 'd-1',
        normalizedStatus: 'delivered',
        state: 'PROCESSED',
        ignoredReason: null,
      },
    ])
  })

  test('what bounces after it was sent is cancelled, its address marked, and nothing more is sent there', async () => {
    const recipient = someone()
    const delivery = await reported('bounced', await sent(recipient))
    expect(delivery).toMatchObject({ status: 'CANCELLED', suppressionReason: 'bounced' })
    expect(outcomesOf(delivery)).toEqual([
      ['call', 'SUCCEEDED', null],
      ['feedback', 'BOUNCED', 'bounced'],
    ])
    expect(storyOf(delivery).slice(-3)).toEqual(['attempt_recorded', 'webhook_received', 'cancelled'])
    expect(delivery.explanation.summary).toMatch(/^Not sent: the provider reported at .+ that it bounced\.$/)

    const calls = mail.calls.length
    const { event } = await trigger(carillon, {
      notificationKey: 'invoice.sent',
      payload: { number: 8 },
      recipients: [{ id: recipient.id }],
    })
    await carillon.drainJobs()
    expect(await deliveryOf(carillon, { eventId: event.id })).toMatchObject({
      status: 'SUPPRESSED',
      suppressionReason: 'address_bounced',
    })
    expect(mail.calls).toHaveLength(calls)
  })

  test('a complaint leaves the delivery as it is, and nothing more is sent to the address', async () => {
    const recipient = someone()
    const delivery = await reported('complained', await sent(recipient))
    expect(delivery).toMatchObject({ status: 'SUCCEEDED' })
    expect(outcomesOf(delivery).at(-1)).toEqual(['feedback', 'REJECTED', 'permanent'])
    expect(delivery.explanation.timeline.at(-1).detail).toMatchObject({ status: 'complained' })
    expect(delivery.explanation.summary).toContain('the recipient complained about it at')
    const { event } = await trigger(carillon, {
      notificationKey: 'invoice.sent',
      payload: { number: 8 },
      recipients: [{ id: recipient.id }],
    })
    expect(await deliveryOf(carillon, { eventId: event.id })).toMatchObject({ suppressionReason: 'address_bounced' })
  })

  test('that what was sent failed for now is an attempt alone', async () => {
    const before = await sent()
    const delivery = await reported('failed', before)
    expect(delivery).toMatchObject({ status: 'SUCCEEDED', nextAttemptAt: null })
    expect(outcomesOf(delivery).at(-1)).toEqual(['feedback', 'FAILED', 'temporary'])
  })

  test("a browser's subscription that bounces is removed", async () => {
    const subscription = JSON.stringify({
      endpoint: 'https://push.example.test/1',
      keys: { p256dh: 'B'.repeat(87), auth: 'a'.repeat(22) },
    })
    const recipient = { id: 'browser', addresses: [{ channel: 'push', address: subscription }] }
    const { event } = await trigger(carillon, { notificationKey: 'ping', payload: {}, recipients: [recipient] })
    await carillon.drainJobs()
    const { id } = await deliveryOf(carillon, { eventId: event.id })
    expect(await report(carillon, 'phone', [{ status: 'bounced', deliveryId: id }])).toBe(204)
    await carillon.drainJobs()
    expect(await deliveryOf(carillon, { eventId: event.id })).toMatchObject({ suppressionReason: 'bounced' })
    const { rows } = await carillon.sql.query(`select 1 from recipient_address where recipient_id = 'browser'`)
    expect(rows).toEqual([])
  })

  test('a report on a delivery that was never sent is written down, and moves it no more', async () => {
    const delivery = await sent({ id: 'nowhere' })
    expect(delivery.suppressionReason).toBe('missing_address')
    for (const status of ['delivered', 'bounced', 'failed', 'complained']) {
      expect(await reported(status, delivery)).toMatchObject({ status: 'SUPPRESSED' })
    }
    expect((await again(delivery)).attempts).toHaveLength(4)
  })
})

describe('what is sent again, and what is not', () => {
  test('what hangs and failed is tried again by its policy, and the report is no try', async () => {
    const before = await hung()
    expect(await report(carillon, 'pager', [{ status: 'failed', deliveryId: before.id }])).toBe(204)
    await carillon.drainJobs()
    const failed = await deliveryOf(carillon, { eventId: before.eventId })
    expect(failed).toMatchObject({ status: 'FAILED', waitingFor: 'retry' })
    const wait = new Date(failed.nextAttemptAt).getTime() - clock.now().getTime()
    expect(wait).toBeLessThanOrEqual(10_000)
    expect(storyOf(failed).slice(-2)).toEqual(['webhook_received', 'retry_scheduled'])
    const { rows } = await carillon.sql.query(`select tries from due where kind = 'delivery' and lane = 'pager'`)
    expect(rows).toEqual([{ tries: 1 }])

    clock.advance(10_000)
    await carillon.drainJobs()
    const delivery = await deliveryOf(carillon, { eventId: before.eventId })
    expect(delivery).toMatchObject({ status: 'SUCCEEDED' })
    expect(outcomesOf(delivery)).toEqual([
      ['call', 'UNKNOWN', null],
      ['feedback', 'FAILED', 'temporary'],
      ['call', 'SUCCEEDED', null],
    ])
  })

  test('what hangs and arrived is done, and is not sent again', async () => {
    const before = await hung()
    const calls = pager.calls.length
    expect(await report(carillon, 'pager', [{ status: 'delivered', deliveryId: before.id }])).toBe(204)
    await carillon.drainJobs()
    const delivery = await deliveryOf(carillon, { eventId: before.eventId })
    expect(delivery).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
    expect(delivery.explanation.summary).toMatch(
      /^Sent by pager, whose provider reported at .+ that it arrived; a worker died in mid-call before/,
    )
    clock.advance(86_400_000)
    await carillon.drainJobs()
    expect(pager.calls).toHaveLength(calls)
  })

  test('what hangs and bounced is cancelled', async () => {
    const before = await hung()
    await report(carillon, 'pager', [{ status: 'bounced', deliveryId: before.id }])
    await carillon.drainJobs()
    const delivery = await deliveryOf(carillon, { eventId: before.eventId })
    expect(delivery).toMatchObject({ status: 'CANCELLED', suppressionReason: 'bounced', waitingFor: null })
  })

  test('what failed for now and arrived all the same is not sent again', async () => {
    const before = await sent(undefined, { outcome: 'temporary', retryAfterMs: 60_000 })
    expect(before.status).toBe('FAILED')
    const calls = mail.calls.length
    expect(await reported('delivered', before)).toMatchObject({ status: 'SUCCEEDED', nextAttemptAt: null })
    clock.advance(3_600_000)
    await carillon.drainJobs()
    expect(mail.calls).toHaveLength(calls)
  })

  test('what failed for now is tried when it was to be, whatever its provider adds', async () => {
    const before = await sent(undefined, { outcome: 'temporary', retryAfterMs: 60_000 })
    const delivery = await reported('failed', before)
    expect(delivery).toMatchObject({ status: 'FAILED', nextAttemptAt: before.nextAttemptAt })
    clock.advance(60_000)
    await carillon.drainJobs()
    expect(await again(before)).toMatchObject({ status: 'SUCCEEDED' })
  })

  test('what quiet hours hold back and has arrived all the same is not sent', async () => {
    const recipient = someone()
    await setPolicy(carillon, recipient.id, {
      timeZone: 'UTC',
      quietHours: [{ ...NIGHT, start: '00:00', end: '23:59' }],
    })
    const held = await sent(recipient)
    expect(held).toMatchObject({ status: 'PENDING', waitingFor: 'quiet_hours' })
    const calls = mail.calls.length
    expect(await reported('delivered', held)).toMatchObject({ status: 'SUCCEEDED', orchestrationState: 'READY' })
    clock.advance(2 * 86_400_000)
    await carillon.drainJobs()
    expect(mail.calls).toHaveLength(calls)
  })

  test('what quiet hours hold back and failed is not brought forward', async () => {
    const recipient = someone()
    await setPolicy(carillon, recipient.id, { timeZone: 'UTC', quietHours: [{ start: '00:00', end: '23:59' }] })
    const held = await sent(recipient)
    const delivery = await reported('failed', held)
    expect(delivery).toMatchObject({ status: 'FAILED', nextAttemptAt: held.nextEligibleAt })
  })

  test('what a dead worker had handed over, and arrived, is not sent again', async () => {
    const recipient = someone()
    await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 7 }, recipients: [recipient] })
    await dieInMidCall('email')
    const before = await deliveryOf(carillon, { recipientId: recipient.id })
    const calls = mail.calls.length
    clock.advance(LEASE_MS + 1)
    // Carried out before the queue has looked at the delivery.
    expect(await report(carillon, 'mail', [{ status: 'delivered', deliveryId: before.id }])).toBe(204)
    await carillon.sql.query(
      `update due set due_at = due_at + interval '1 hour' where kind = 'delivery' and lane = 'email'`,
    )
    await carillon.drainJobs()
    const delivery = await again(before)
    expect(delivery).toMatchObject({ status: 'SUCCEEDED' })
    expect(outcomesOf(delivery)).toEqual([
      ['call', 'UNKNOWN', null],
      ['feedback', 'SUCCEEDED', null],
    ])
    clock.advance(86_400_000)
    await carillon.drainJobs()
    expect(mail.calls).toHaveLength(calls)
  })

  test('what bounced is sent again to the same address where the recipient gives it anew and an operator wants it', async () => {
    const recipient = someone()
    const bounced = await reported('bounced', await sent(recipient))
    const upsert =
      'mutation ($input: UpsertRecipientsInput!) { upsertRecipients(input: $input) { recipients { recipientId } } }'
    for (const email of [null, recipient.email]) {
      await carillon.ok(carillon.backendKey, upsert, { input: { recipients: [{ id: recipient.id, email }] } })
    }
    clock.advance(1_000)
    await operate(carillon, 'retry', bounced.id)
    await carillon.drainJobs()
    const delivery = await again(bounced)
    expect(delivery).toMatchObject({ status: 'SUCCEEDED' })
    expect(outcomesOf(delivery).at(-1)).toEqual(['call', 'SUCCEEDED', null])
  })
})

describe('while a call is under way', () => {
  /** A delivery whose call hangs until it is answered, and a worker that works by itself meanwhile. */
  const underWay = async (recipient: object = someone()) => {
    let answer = (_: object): void => {}
    const answered = new Promise((resolve) => {
      answer = resolve
    })
    let begun = (): void => {}
    const calling = new Promise<void>((resolve) => {
      begun = resolve
    })
    mail.next(() => {
      begun()
      return answered
    })
    const { event } = await trigger(carillon, {
      notificationKey: 'invoice.sent',
      payload: { number: 7 },
      recipients: [recipient],
    })
    const drained = carillon.drainJobs()
    await calling
    const delivery = await deliveryOf(carillon, { eventId: event.id })
    expect(delivery.status).toBe('DISPATCHED')
    return {
      delivery,
      now: () => deliveryOf(carillon, { eventId: event.id }),
      async end(result: object) {
        answer(result)
        await drained
      },
    }
  }
  test.each([
    ['delivered', 'SUCCEEDED', null],
    ['bounced', 'CANCELLED', 'bounced'],
  ])('that it was %s ends the delivery, and what the call answers is written down', async (status, ends, reason) => {
    const { delivery, now, end } = await underWay()
    expect(await report(carillon, 'mail', [{ status, deliveryId: delivery.id }])).toBe(204)
    await carryOutReports()
    expect(await now()).toMatchObject({ status: ends, suppressionReason: reason })
    await end({ outcome: 'accepted', providerMessageId: `late-${status}` })
    const after = await now()
    expect(after).toMatchObject({ status: ends, suppressionReason: reason })
    expect(after.attempts).toMatchObject([
      { attemptNumber: 1, source: 'feedback' },
      { attemptNumber: 2, source: 'call', outcome: 'SUCCEEDED', providerMessageId: `late-${status}` },
    ])
  })

  test('a delivery that a report has ended keeps which code had rendered what was sent', async () => {
    const { delivery, end } = await underWay()
    const id = idOfType('Delivery', delivery.id)
    // As older code had planned it.
    await carillon.sql.query(`update delivery set render_key = 'older', render_version = 0 where id = $1`, [id])
    await report(carillon, 'mail', [{ status: 'delivered', deliveryId: delivery.id }])
    await carryOutReports()
    await end({ outcome: 'accepted' })
    const { rows } = await carillon.sql.query('select render_key, render_version from delivery where id = $1', [id])
    expect(rows).toEqual([{ render_key: 'invoice.sent.email', render_version: 1 }])
  })

  test.each([
    [{ outcome: 'accepted' }, 'SUCCEEDED'],
    [{ outcome: 'temporary', retryAfterMs: 60_000 }, 'FAILED'],
  ])('that it failed waits for what the call answers: %j', async (answer, ends) => {
    const { delivery, now, end } = await underWay()
    expect(await report(carillon, 'mail', [{ status: 'failed', deliveryId: delivery.id }])).toBe(204)
    await carryOutReports()
    expect(await now()).toMatchObject({ status: 'DISPATCHED', attempts: [] })
    expect(await reportsOf(carillon, { deliveryId: delivery.id })).toMatchObject([{ state: 'QUEUED' }])
    await end(answer)
    clock.advance(1_000)
    await carillon.drainJobs()
    const after = await now()
    expect(after).toMatchObject({ status: ends })
    expect(after.attempts).toMatchObject([{ source: 'call' }, { source: 'feedback', outcome: 'FAILED' }])
    expect(await reportsOf(carillon, { deliveryId: delivery.id })).toMatchObject([{ state: 'PROCESSED' }])
  })

  test('a report that is written down at the very moment at which the call ends takes nothing from it', async () => {
    const { delivery, now, end } = await underWay()
    const id = idOfType('Delivery', delivery.id)
    const client = await carillon.sql.connect()
    try {
      // As another worker does it that is a little faster: its attempt is there once the result may be written.
      await client.query('begin')
      await client.query('select 1 from delivery where id = $1 for no key update', [id])
      const ended = end({ outcome: 'accepted', providerMessageId: 'in time' })
      await until('the result waits for the report', async () => {
        const { rows } = await client.query(`select 1 from pg_locks where not granted`)
        return rows.length > 0
      })
      await client.query(
        `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, error_class, adapter, source, inserted_at)
          values ('acme', gen_random_uuid(), $1, 1, 'rejected', 'permanent', 'mail', 'feedback', $2)`,
        [id, clock.now()],
      )
      await client.query(
        `insert into webhook_ingress (tenant_id, id, adapter, delivery_id, normalized_status, state, inserted_at, processed_at)
          values ('acme', gen_random_uuid(), 'mail', $1, 'complained', 'processed', $2, $2)`,
        [id, clock.now()],
      )
      await client.query('commit')
      await ended
    } finally {
      client.release()
    }
    const after = await now()
    expect(after).toMatchObject({ status: 'SUCCEEDED' })
    expect(after.attempts).toMatchObject([
      { attemptNumber: 1, source: 'feedback' },
      { attemptNumber: 2, source: 'call', providerMessageId: 'in time' },
    ])
  })

  test('a provider that reports before it answers is heard, and nothing is lost or sent twice', async () => {
    const recipients = Array.from({ length: 60 }, someone)
    const calls = mail.calls.length
    for (const [index] of recipients.entries()) {
      mail.next(async ({ deliveryId }: { deliveryId: string }) => {
        const status = index % 3 === 0 ? 'complained' : 'delivered'
        await report(carillon, 'mail', [{ status, deliveryId, providerEventId: `early-${index}` }])
        return { outcome: 'accepted', providerMessageId: `early-${index}` }
      })
    }
    const { event } = await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 7 }, recipients })
    while ((await carillon.drainJobs()) > 0);
    expect(mail.calls.slice(calls)).toHaveLength(60)
    const { rows } = await carillon.sql.query(
      `select v.status, count(distinct v.id)::int as deliveries, count(*)::int as attempts from delivery v
        join delivery_attempt a on a.delivery_id = v.id where v.event_id = $1 group by 1`,
      [idOfType('Event', event.id)],
    )
    expect(rows).toEqual([{ status: 'succeeded', deliveries: 60, attempts: 120 }])
  })
})

describe('of several addresses', () => {
  const both = () => {
    const { id, email } = someone()
    return { id, email, addresses: [{ channel: 'email', address: `second-${id}@example.org` }] }
  }
  const sentToBoth = async () => {
    const recipient = both()
    const [first, second] = [`${recipient.id}-1`, `${recipient.id}-2`]
    const answers = [first, second].map((providerMessageId) => ({ outcome: 'accepted', providerMessageId }))
    return { recipient, first, second, delivery: await sent(recipient, ...answers) }
  }

  test('a bounce of one leaves the delivery with the other, and is known by the message that it answers', async () => {
    const { recipient, first, delivery } = await sentToBoth()
    const after = await reported('bounced', delivery, { providerMessageId: first })
    expect(after).toMatchObject({ status: 'SUCCEEDED', suppressionReason: null })
    const { rows } = await carillon.sql.query(
      `select email_bounced_at is not null as own, (select bool_or(bounced_at is not null) from recipient_address a where a.recipient_id = r.recipient_id) as other
        from recipient r where recipient_id = $1`,
      [recipient.id],
    )
    expect(rows).toEqual([{ own: true, other: false }])
  })

  test('when all of them send it back it is cancelled', async () => {
    const { first, second, delivery } = await sentToBoth()
    await reported('bounced', delivery, { providerMessageId: second })
    const after = await reported('bounced', delivery, { providerMessageId: first })
    expect(after).toMatchObject({ status: 'CANCELLED', suppressionReason: 'bounced' })
  })

  test('where it cannot be told which bounced, nothing is marked', async () => {
    const { recipient, delivery } = await sentToBoth()
    expect(await reported('bounced', delivery)).toMatchObject({ status: 'SUCCEEDED' })
    const { rows } = await carillon.sql.query('select email_bounced_at from recipient where recipient_id = $1', [
      recipient.id,
    ])
    expect(rows).toEqual([{ email_bounced_at: null }])
  })

  test('a bounce that names none of them gives up nothing that hangs: an operator, or the queue, goes on with all', async () => {
    const recipient = both()
    await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 7 }, recipients: [recipient] })
    await dieInMidCall('email')
    const { id } = await deliveryOf(carillon, { recipientId: recipient.id })
    clock.advance(LEASE_MS + 1)
    expect(await report(carillon, 'mail', [{ status: 'bounced', deliveryId: id }])).toBe(204)
    await carryOutReports()
    const hung = await deliveryOf(carillon, { recipientId: recipient.id })
    expect(hung).toMatchObject({ status: 'DISPATCHED', suppressionReason: null })
    expect(outcomesOf(hung)).toEqual([['feedback', 'BOUNCED', 'bounced']])
    expect(hung.attempts[0].address).toBeNull()

    const before = mail.calls.length
    await carillon.drainJobs()
    expect(mail.calls.slice(before).map(({ address }) => address)).toEqual([
      recipient.email,
      recipient.addresses[0]?.address,
    ])
    expect((await deliveryOf(carillon, { recipientId: recipient.id })).status).toBe('SUCCEEDED')
  })

  test('one that arrived is not called again, while the other is', async () => {
    const recipient = both()
    const temporary = { outcome: 'temporary', retryAfterMs: 60_000 }
    const before = await sent(recipient, temporary, temporary)
    const first = mail.calls.at(-2)
    expect(await report(carillon, 'mail', [{ status: 'delivered', deliveryId: before.id }])).toBe(204)
    // By the delivery's id alone it cannot be told which of them got it: one copy is better than two.
    await carillon.drainJobs()
    expect(await again(before)).toMatchObject({ status: 'SUCCEEDED' })
    expect(first?.deliveryId).toBe(before.id)
  })
})

describe('which delivery it is about', () => {
  test('is found by the message, the newest attempt with its id first', async () => {
    const accepted = { outcome: 'accepted', providerMessageId: 'shared' }
    const [, newer] = [await sent(undefined, accepted), clock.advance(1_000), await sent(undefined, accepted)].filter(
      Boolean,
    )
    await report(carillon, 'mail', [{ status: 'delivered', providerMessageId: 'shared' }])
    await carillon.drainJobs()
    expect((await again(newer)).attempts).toHaveLength(2)
  })

  test('is found by the message where the id that is given was never issued', async () => {
    const before = await sent(undefined, { outcome: 'accepted', providerMessageId: 'known' })
    await report(carillon, 'mail', [{ status: 'delivered', deliveryId: 'nonsense', providerMessageId: 'known' }])
    await carillon.drainJobs()
    expect((await again(before)).attempts).toHaveLength(2)
  })

  test('is not found: it is accepted, kept with its reason, and nothing comes of it', async () => {
    const other = await carillon.addTenant('neighbour')
    const mine = await sent(undefined, { outcome: 'accepted', providerMessageId: 'mine' })
    const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
    await carillon.drainJobs()
    const pagerDelivery = await deliveryOf(carillon, { eventId: event.id })
    const { event: mixed } = await trigger(carillon, {
      notificationKey: 'comment.mentioned',
      payload: { author: 'Bob' },
      recipients: [someone()],
    })
    const inApp = await deliveryOf(carillon, { eventId: mixed.id, channel: 'in_app' })

    const strangers = [
      { deliveryId: encodeNodeId('Delivery', randomUUID()) },
      { deliveryId: encodeNodeId('Event', randomUUID()) },
      { deliveryId: 'nonsense' },
      { providerMessageId: 'never-sent' },
      // Of another channel: this provider has never seen it.
      { deliveryId: pagerDelivery.id },
      { deliveryId: inApp.id },
      {},
    ].map((ids, index) => ({ status: 'bounced', providerEventId: `stranger-${index}`, ...ids }))
    expect(await report(carillon, 'mail', strangers)).toBe(204)
    // Of another tenant.
    const foreign = [{ deliveryId: mine.id }, { providerMessageId: 'mine' }].map((ids) => ({
      status: 'bounced',
      ...ids,
    }))
    expect(await report(carillon, 'mail', foreign, 'neighbour')).toBe(204)
    await carillon.drainJobs()

    const kept = (await reportsOf(carillon, { state: 'IGNORED' })).filter(({ providerEventId }) =>
      providerEventId?.startsWith('stranger-'),
    )
    expect(kept.map(({ ignoredReason, delivery }) => [ignoredReason, delivery])).toEqual([
      ...Array.from({ length: 6 }, () => ['unresolved', null]),
      ['names_no_delivery', null],
    ])
    const theirs = await reportsOf({ ...carillon, operatorKey: other.operatorKey })
    expect(theirs).toMatchObject([
      { state: 'IGNORED', ignoredReason: 'unresolved', delivery: null },
      { state: 'IGNORED', ignoredReason: 'unresolved', delivery: null },
    ])
    expect(await again(mine)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ source: 'call' }] })
    expect(await deliveryOf(carillon, { eventId: event.id })).toMatchObject({ status: 'SUCCEEDED' })
    expect(await deliveryOf(carillon, { eventId: mixed.id, channel: 'in_app' })).toMatchObject({ status: 'SUCCEEDED' })
  })
})

describe('how often', () => {
  test('one report, fifty times at once and over two processes, has one effect', async () => {
    const before = await sent()
    const second = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
    try {
      const events = [
        { status: 'delivered', deliveryId: before.id, providerEventId: 'repeated-1' },
        { status: 'complained', deliveryId: before.id, providerEventId: 'repeated-2' },
      ]
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          report(index % 2 ? carillon : second, 'mail', index % 4 < 2 ? events : events.toReversed()),
        ),
      )
      expect(new Set(answers)).toEqual(new Set([204]))
      await Promise.all([carillon.drainJobs(), second.drainJobs()])
      expect(
        outcomesOf(await again(before))
          .slice(1)
          .toSorted(),
      ).toEqual([
        ['feedback', 'REJECTED', 'permanent'],
        ['feedback', 'SUCCEEDED', null],
      ])
      expect(await reportsOf(carillon, { deliveryId: before.id })).toHaveLength(2)
      // And again, when it has long been carried out.
      expect(await report(carillon, 'mail', events)).toBe(204)
      expect(await carillon.drainJobs()).toBe(0)
    } finally {
      await second.close()
    }
  })

  test('the same id of two adapters, and of two tenants, are two reports', async () => {
    const event = { status: 'delivered', providerEventId: 'common' }
    await carillon.addTenant('neighbour')
    for (const [adapter, tenant] of [
      ['mail', 'acme'],
      ['pager', 'acme'],
      ['mail', 'neighbour'],
    ]) {
      expect(await report(carillon, adapter as string, [event], tenant)).toBe(204)
    }
    const { rows } = await carillon.sql.query(
      `select count(*)::int from webhook_ingress where provider_event_id = 'common'`,
    )
    expect(rows).toEqual([{ count: 3 }])
  })

  test('a batch may hold an event twice, and a thousand of them', async () => {
    const before = await sent()
    const events = Array.from({ length: 1_000 }, (_, index) => ({
      status: 'delivered',
      deliveryId: before.id,
      providerEventId: `many-${index % 500}`,
    }))
    expect(await report(carillon, 'mail', events)).toBe(204)
    await carillon.drainJobs()
    const { rows } = await carillon.sql.query(
      `select count(*)::int as attempts, max(attempt_number) as last from delivery_attempt where delivery_id = $1`,
      [idOfType('Delivery', before.id)],
    )
    expect(rows).toEqual([{ attempts: 501, last: 501 }])
  })

  test('a hundred reports take as many statements as one, to accept and to carry out', async () => {
    const statements = async (size: number) => {
      const deliveries = []
      for (let index = 0; index < size; index++) deliveries.push(await sent())
      const counted = countStatements()
      const events = deliveries.map(({ id }) => ({ status: 'delivered', deliveryId: id }))
      expect(await report(carillon, 'mail', events)).toBe(204)
      const accepted = counted()
      await carillon.drainJobs()
      return [accepted, counted() - accepted]
    }
    const one = await statements(1)
    expect(await statements(40)).toEqual(one)
  })
})

const countStatements = (): (() => number) => {
  let statements = 0
  for (const pool of [carillon.app.db.system, carillon.app.db.tenant]) {
    const watched = new WeakSet()
    pool.on('acquire', (client) => {
      if (watched.has(client)) return
      watched.add(client)
      const query = client.query.bind(client)
      client.query = ((...args: Parameters<typeof query>) => {
        statements += 1
        return query(...args)
      }) as typeof client.query
    })
  }
  return () => statements
}

test('in whatever order four reports come, the delivery ends the same', async () => {
  const statuses = ['delivered', 'failed', 'bounced', 'complained']
  const orders = (items: readonly string[]): string[][] =>
    items.length < 2
      ? [[...items]]
      : items.flatMap((item) => orders(items.filter((one) => one !== item)).map((rest) => [item, ...rest]))
  const ends = new Set<string>()
  for (const [index, order] of orders(statuses).entries()) {
    const before = await sent(undefined, { outcome: 'temporary', retryAfterMs: 60_000 })
    const events = order.map((status) => ({ status, deliveryId: before.id }))
    // One by one, and all at once.
    for (const batch of index % 2 ? [events] : events.map((event) => [event])) {
      await report(carillon, 'mail', batch)
      await carillon.drainJobs()
    }
    const { status, suppressionReason } = await again(before)
    ends.add(`${status} ${suppressionReason}`)
  }
  expect([...ends]).toEqual(['CANCELLED bounced'])
})

test('a report that cannot be carried out is tried eight times, given up with its reason, and holds up no other', async () => {
  const poisoned = await sent()
  const healthy = await sent()
  const id = idOfType('Delivery', poisoned.id)
  await carillon.sql.query(`
    create function poison() returns trigger language plpgsql as $$ begin
      if new.source = 'feedback' and new.delivery_id = '${id}' then raise exception 'the row of r@example.test is poisoned'; end if;
      return new;
    end $$;
    create trigger poison before insert on delivery_attempt for each row execute function poison()`)
  try {
    const failures: boolean[] = []
    const stop = carillon.app.telemetry.on('report.failed', ({ givenUp }) => void failures.push(givenUp))
    const events = [poisoned, healthy].map(({ id: deliveryId }) => ({ status: 'delivered', deliveryId }))
    expect(await report(carillon, 'mail', events)).toBe(204)
    await carillon.drainJobs()
    expect((await again(healthy)).attempts).toHaveLength(2)
    for (let tries = 1; tries < 8; tries++) {
      expect(await reportsOf(carillon, { deliveryId: poisoned.id })).toMatchObject([{ state: 'QUEUED' }])
      clock.advance(900_000)
      await carillon.drainJobs()
    }
    expect(failures).toEqual([...Array.from({ length: 7 }, () => false), true])
    expect(await reportsOf(carillon, { deliveryId: poisoned.id })).toMatchObject([
      { state: 'FAILED', ignoredReason: 'the row of [removed] is poisoned' },
    ])
    expect(await again(poisoned)).toMatchObject({ status: 'SUCCEEDED', attempts: [{ source: 'call' }] })
    clock.advance(86_400_000)
    await carillon.drainJobs()
    expect(failures).toHaveLength(8)
    stop()
  } finally {
    await carillon.sql.query('drop trigger poison on delivery_attempt; drop function poison()')
  }
})
