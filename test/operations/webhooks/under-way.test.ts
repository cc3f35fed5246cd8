import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { idOfType } from '../../../server/core/node-id.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { report, reportsOf } from '../../support/reports.ts'
import { trigger } from '../../support/trigger.ts'
import { until } from '../../support/until.ts'
import { carillon, carryOutReports, clock, mail, open, someone } from './service.ts'

beforeAll(open)
afterAll(() => carillon.close())

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
