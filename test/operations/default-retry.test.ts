import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, standsOf } from '../support/deliveries.ts'
import { NIGHT, setPolicy } from '../support/settings.ts'
import { trigger } from '../support/trigger.ts'

/** Whether the notifier's code fails now. */
let broken = false
const breaking = <T>(answer: T): T => {
  if (broken) throw new Error('broken')
  return answer
}
const moody = defineNotifier({
  key: 'moody',
  version: 1,
  payload: z.object({}),
  channels: () => breaking(['in_app']),
  render: { in_app: () => breaking({ title: 'Hello' }) },
})

const clock = new TestClock('2026-03-01T23:30:00.000Z')
let carillon: TestCarillon
beforeAll(async () => {
  const retry = { attempts: 2, firstDelay: '1s', maxDelay: '1s' } as const
  carillon = await startCarillon({ notifiers: [moody], defaults: { retry } }, { clock })
})
afterAll(() => carillon.close())

const send = async (id: string, input: object = {}): Promise<string> =>
  (await trigger(carillon, { notificationKey: 'moody', payload: {}, recipients: [{ id }], ...input })).event.id

test("an in-app delivery is tried again as the configuration's defaults say", async () => {
  await setPolicy(carillon, 'ada', { timeZone: 'UTC', quietHours: [{ ...NIGHT, channels: ['in_app'] }] })
  broken = false
  const eventId = await send('ada')
  clock.set('2026-03-02T12:00:00.000Z')
  broken = true
  await carillon.drainJobs()
  const failed = await deliveryOf(carillon, { eventId })
  expect(failed).toMatchObject({ status: 'FAILED' })
  expect(new Date(failed.nextAttemptAt).getTime() - clock.now().getTime()).toBeLessThanOrEqual(1_000)
  clock.advance(1_000)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual(['in_app retries_exhausted'])
})

test('so is a recipient whose notifier fails when a scheduled event is planned', async () => {
  broken = false
  const eventId = await send('bob', { sendAt: new Date(clock.now().getTime() + 60_000).toISOString() })
  broken = true
  clock.advance(60_000)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual([])
  clock.advance(1_000)
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual(['in_app planning_failed'])
})
