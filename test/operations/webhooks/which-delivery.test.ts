import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeNodeId } from '../../../server/core/node-id.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { report, reportsOf } from '../../support/reports.ts'
import { trigger } from '../../support/trigger.ts'
import { again, carillon, clock, open, sent, someone } from './service.ts'

beforeAll(open)
afterAll(() => carillon.close())

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
