import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveryOf } from '../../support/deliveries.ts'
import { HOURLY } from '../../support/digests.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { trigger } from '../../support/trigger.ts'

/** By mail in a digest as its first step, with words of that step's own, then to the inbox. */
const journey = defineNotifier({
  key: 'journey',
  version: 1,
  payload: z.object({ text: z.string() }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: payload.text }),
    email: ({ payload }) => ({ subject: payload.text, html: '', text: payload.text }),
  },
  digest: { email: { key: () => 'all' } },
  workflow: {
    key: 'journey',
    version: 1,
    steps: [
      {
        key: 'mail',
        channel: 'email',
        render: ({ payload }) => ({ subject: `step: ${payload.text}`, html: '', text: payload.text }),
        next: [{ on: 'delivered', to: 'tell' }],
      },
      { key: 'tell', channel: 'in_app' },
    ],
  },
})

const clock = new TestClock()
const email = scripted('email')
let carillon: TestCarillon
beforeAll(async () => {
  const { matchNotificationKey: _, ...rule } = HOURLY
  carillon = await startCarillon({ notifiers: [journey], adapters: { email }, digestRules: [rule] }, { clock })
})
afterAll(() => carillon.close())

test("a workflow's first step is held like any other, its digest speaks in the step's words, and the run goes on when that is sent on its way", async () => {
  const recipients = [{ id: 'ada', email: 'ada@example.test' }]
  const { event } = await trigger(carillon, { notificationKey: 'journey', payload: { text: 'one' }, recipients })
  await trigger(carillon, { notificationKey: 'journey', payload: { text: 'two' }, recipients })
  const held = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  expect(held).toMatchObject({ orchestrationState: 'DIGEST_HELD', waitingFor: 'digest' })
  expect(email.calls).toEqual([])

  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
  expect(email.calls.map(({ content }) => content)).toMatchObject([
    { subject: '2 notifications', text: '- step: one\n- step: two' },
  ])
  expect(await deliveryOf(carillon, { eventId: event.id, channel: 'email' })).toMatchObject({ status: 'DIGESTED' })
  expect(await deliveryOf(carillon, { eventId: event.id, channel: 'in_app' })).toMatchObject({ status: 'SUCCEEDED' })
})
