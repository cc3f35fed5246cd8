import { expect } from 'vitest'
import { z } from 'zod'
import { buildRoutes } from '../../../server/adapters/routing.ts'
import { type Claim, claimDue } from '../../../server/db/sql/claim-due.ts'
import { defineConfig, defineNotifier } from '../../../server/index.ts'
import { createReports } from '../../../server/operations/webhooks/process.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { dieInMidCall as dieOn, LEASE_MS } from '../../support/dead-worker.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { invoice, mention, page } from '../../support/notifiers.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

const ping = defineNotifier({
  key: 'ping',
  version: 1,
  payload: z.object({}),
  channels: ['push'],
  render: { push: () => ({ title: 'Ping', body: 'ping' }) },
})

export const mail = scripted('mail', takesEvents)
export const phone = scripted('phone', takesEvents)
export const pager = scripted('pager', { ...takesEvents, onUnknown: 'hold', retry: { firstDelay: '10s' } })
export const config = defineConfig({
  notifiers: [invoice, mention, page, ping],
  adapters: { email: mail, push: phone, pager },
})
export const clock = new TestClock()
export let carillon: TestCarillon
/** A server for one file of tests. */
export const open = async (): Promise<void> => {
  carillon = await startCarillon(config, { clock })
}

let count = 0
/** Somebody new with an address of its own. */
export const someone = () => {
  count += 1
  return { id: `r${count}`, email: `r${count}@example.test` }
}

/** A delivery by e-mail, handed over. */
export const sent = async (recipient: object = someone(), ...acts: unknown[]): Promise<GraphQLAnswer['data']> => {
  mail.next(...acts)
  const { event } = await trigger(carillon, {
    notificationKey: 'invoice.sent',
    payload: { number: 7 },
    recipients: [recipient],
  })
  await carillon.drainJobs()
  return deliveryOf(carillon, { eventId: event.id })
}

export const again = (delivery: GraphQLAnswer['data']) =>
  deliveryOf(carillon, { notificationId: undefined, recipientId: delivery.notification.recipientId })

/** Reports, and carries the report out. */
export const reported = async (status: string, delivery: GraphQLAnswer['data'], more: object = {}) => {
  expect(await report(carillon, 'mail', [{ status, deliveryId: delivery.id, ...more }])).toBe(204)
  await carillon.drainJobs()
  return again(delivery)
}

export const outcomesOf = ({ attempts }: GraphQLAnswer['data']): unknown[] =>
  attempts.map(({ source, outcome, errorClass }: Record<string, unknown>) => [source, outcome, errorClass])

/** A worker that claims, hands over, and is never heard of again. */
export const dieInMidCall = async (channel: string): Promise<void> => {
  expect(await dieOn(carillon, config, channel)).toBe(1)
}
/** Carries reports out, and nothing else: the call that is under way would be waited for. */
export const carryOutReports = async () => {
  const { rows } = await carillon.app.db.system.query<Claim>(
    claimDue([{ lane: 'webhook_ingress', tenantId: null, places: 200 }], { now: clock.now(), leaseMs: LEASE_MS }),
  )
  await createReports(carillon.app, buildRoutes(config))(rows, { finished: () => {} })
}

/** A page whose worker died in mid-call, and which is not tried again by itself. */
export const hung = async (): Promise<GraphQLAnswer['data']> => {
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await dieInMidCall('pager')
  clock.advance(LEASE_MS + 1)
  await carillon.drainJobs()
  const delivery = await deliveryOf(carillon, { eventId: event.id })
  expect(delivery).toMatchObject({ status: 'DISPATCHED', waitingFor: 'operator' })
  clock.advance(1_000)
  return { ...delivery, eventId: event.id }
}
