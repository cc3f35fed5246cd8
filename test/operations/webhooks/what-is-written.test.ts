import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEASE_MS } from '../../support/dead-worker.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { report, reportsOf } from '../../support/reports.ts'
import { trigger } from '../../support/trigger.ts'
import {
  again,
  carillon,
  carryOutReports,
  clock,
  dieInMidCall,
  mail,
  open,
  outcomesOf,
  reported,
  sent,
  someone,
} from './service.ts'

beforeAll(open)
afterAll(() => carillon.close())

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
