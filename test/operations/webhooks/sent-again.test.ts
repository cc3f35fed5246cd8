import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LEASE_MS } from '../../support/dead-worker.ts'
import { deliveryOf, storyOf } from '../../support/deliveries.ts'
import { operate } from '../../support/operator.ts'
import { report } from '../../support/reports.ts'
import { NIGHT, setPolicy } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'
import {
  again,
  carillon,
  clock,
  dieInMidCall,
  hung,
  mail,
  open,
  outcomesOf,
  pager,
  reported,
  sent,
  someone,
} from './service.ts'

beforeAll(open)
afterAll(() => carillon.close())

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
