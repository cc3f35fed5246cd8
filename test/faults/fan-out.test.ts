import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { createTestDatabase } from '../support/database.ts'
import { brokenInvariants } from '../support/invariants.ts'
import { audienceOf } from '../support/peer-config.ts'
import { until } from '../support/until.ts'

/** Broadcasts, of which the first `slow` recipients take their time to render, and some fail for ever. */
const configOf = ({ slow = 0, slowMs = 0, failing = 0 } = {}) =>
  defineConfig({
    notifiers: [
      defineNotifier({
        key: 'broadcast',
        version: 1,
        payload: z.object({ count: z.number() }),
        recipients: ({ payload }) => audienceOf(payload.count).map((id) => ({ id })),
        channels: ['in_app'],
        render: {
          in_app: async ({ recipient }) => {
            const index = Number(recipient.id.split('-')[1])
            if (index < slow) await delay(slowMs)
            if (index < failing) throw new Error('no content for this one')
            return { title: 'to all' }
          },
        },
      }),
    ],
    defaults: { leaseFor: '1s' },
  })

const database = createTestDatabase()
const open: TestCarillon[] = []
const start = async (config = configOf()) => {
  const carillon = await startCarillon(config, { databaseUrl: (await database).url, pollEveryMs: 50 })
  open.push(carillon)
  return carillon
}
afterEach(async () => {
  for (const carillon of open.splice(0)) await carillon.close()
})
afterAll(async () => (await database).drop())

const broadcast = ({ app, tenantId }: TestCarillon, name: string, count: number) => {
  const request = { notificationKey: 'broadcast', idempotencyKey: name, payload: { count } }
  return app.trigger({ tenantId, request, path: ['input'] })
}
const eventOf = async ({ sql }: TestCarillon, name: string) => {
  const { rows } = await sql.query<{ status: string; planned: number }>(
    'select status, planned_recipient_count as planned from event where idempotency_key = $1',
    [name],
  )
  return rows[0] ?? { status: 'missing', planned: 0 }
}

test('a notifier that is slower than the lease is planned all the same', async () => {
  const carillon = await start(configOf({ slow: 200, slowMs: 8 }))
  await broadcast(carillon, 'slow', 1_200)
  carillon.app.worker.start()
  await until('all are planned', async () => (await eventOf(carillon, 'slow')).status === 'planned')
  expect(await brokenInvariants(carillon.sql)).toEqual([])
})

test('a worker that is asked to stop leaves a broadcast after a chunk, and another goes on at once', async () => {
  const [first, second] = [await start(), await start()]
  await broadcast(first, 'handed-over', 6_000)
  first.app.worker.start()
  await until('it is under way', async () => (await eventOf(first, 'handed-over')).planned > 0, { every: 5 })
  await first.app.worker.stop()
  const { status, planned } = await eventOf(first, 'handed-over')
  expect(status).toBe('planning')
  expect(planned).toBeLessThan(6_000)
  const { rows } = await first.sql.query('select lease_token from due')
  expect(rows).toEqual([{ lease_token: null }])
  expect(await brokenInvariants(first.sql)).toEqual([])
  await second.drainJobs()
  expect(await eventOf(first, 'handed-over')).toEqual({ status: 'planned', planned: 6_000 })
  expect(await brokenInvariants(first.sql)).toEqual([])
})

test('a small broadcast does not wait until a large one before it is over', async () => {
  const carillon = await start()
  await broadcast(carillon, 'large', 8_000)
  await broadcast(carillon, 'small', 1_100)
  carillon.app.worker.start()
  await until('the small one is planned', async () => (await eventOf(carillon, 'small')).status === 'planned', {
    every: 5,
  })
  expect((await eventOf(carillon, 'large')).status).toBe('planning')
  await carillon.app.worker.stop()
  expect(await brokenInvariants(carillon.sql)).toEqual([])
  await carillon.drainJobs()
})

test('cancelling a broadcast in the midst of its planning stops it where it is', async () => {
  const carillon = await start()
  const { event } = await broadcast(carillon, 'cancelled', 6_000)
  carillon.app.worker.start()
  await until('it is under way', async () => (await eventOf(carillon, 'cancelled')).planned > 0, { every: 5 })
  const id = Buffer.from(`Event:${event.id}`).toString('base64url')
  const { cancelEvent } = await carillon.ok(
    carillon.operatorKey,
    'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount tooLateCount event { status plannedRecipientCount } } }',
    { id },
  )
  expect(cancelEvent).toMatchObject({ cancelledCount: 0, event: { status: 'CANCELLED' } })
  const { plannedRecipientCount } = cancelEvent.event
  expect(cancelEvent.tooLateCount).toBe(plannedRecipientCount)
  expect(plannedRecipientCount).toBeLessThan(6_000)
  await carillon.app.worker.stop()
  expect(await eventOf(carillon, 'cancelled')).toEqual({ status: 'cancelled', planned: plannedRecipientCount })
  expect(await brokenInvariants(carillon.sql)).toEqual([])
})

test('recipients that a notifier fails for are put off, and the others are planned meanwhile', async () => {
  const carillon = await start(configOf({ failing: 5 }))
  await broadcast(carillon, 'partly', 1_200)
  carillon.app.worker.start()
  await until('all the others are planned', async () => (await eventOf(carillon, 'partly')).planned === 1_195)
  await until('the rest is put off', async () => {
    const { rows } = await carillon.sql.query('select tries from due where lease_token is null and tries > 0')
    return rows.length === 1
  })
  expect((await eventOf(carillon, 'partly')).status).toBe('planning')
  expect(await brokenInvariants(carillon.sql)).toEqual([])
})
