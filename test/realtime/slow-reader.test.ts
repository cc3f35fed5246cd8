import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { z } from 'zod'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { until } from '../support/until.ts'

const COUNT = 200
/** Together far more than the system keeps for a connection that is not read. */
const SIZE = 150_000

const heavy = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'heavy',
      version: 1,
      payload: z.object({ n: z.number() }),
      channels: ['in_app'],
      render: { in_app: ({ payload }) => ({ title: `${payload.n}`, body: 'x'.repeat(SIZE) }) },
    }),
  ],
})
const UPDATES = 'subscription { inboxUpdates { changed { content { title body } } counts { total } } }'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(heavy, { sweepEveryMs: 3_600_000 })
})
afterAll(() => carillon.close())

interface Update {
  readonly changed: readonly { readonly content: { readonly title: string } }[]
  readonly counts: { readonly total: number }
}

test('who does not read gets few and large updates once it does, all of it in order, and costs the others nothing', async () => {
  const token = await carillon.tokenFor('ada')
  const reading = await openRawSocket(carillon.wsUrl, { token })
  reading.subscribe('1', UPDATES)
  const stalled = new WebSocket(carillon.wsUrl, 'graphql-transport-ws')
  const updates: Update[] = []
  stalled.on('message', (data) => {
    const { payload } = JSON.parse(String(data))
    if (payload) updates.push(payload.data.inboxUpdates)
  })
  await once(stalled, 'open')
  stalled.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
  await once(stalled, 'message')
  stalled.send(JSON.stringify({ type: 'subscribe', id: '1', payload: { query: UPDATES } }))
  await until('both were told of an empty inbox', () => updates.length === 1 && reading.answers('1').length === 1)
  stalled.pause()

  for (let n = 1; n <= COUNT; n += 1) {
    const request = { notificationKey: 'heavy', idempotencyKey: `${n}`, payload: { n }, recipients: [{ id: 'ada' }] }
    await carillon.app.trigger({ tenantId: carillon.tenantId, request, path: ['input'] })
    await until('who reads is told', () =>
      reading.answers('1').some(({ payload }) => payload.data.inboxUpdates.counts.total === n),
    )
  }
  expect(reading.answers('1').length).toBeGreaterThan(COUNT / 2)

  stalled.resume()
  await until('all of it has arrived', () => updates.flatMap(({ changed }) => changed).length >= COUNT)
  const titles = updates.flatMap(({ changed }) => changed.map(({ content }) => Number(content.title)))
  expect(titles).toEqual(Array.from({ length: COUNT }, (_, index) => index + 1))
  // What was on its way when the buffers were full came one by one; the rest was read for when it was asked for.
  expect(updates.length).toBeLessThan(COUNT * 0.75)
  expect(Math.max(...updates.map(({ changed }) => changed.length))).toBeGreaterThan(COUNT / 4)
  stalled.terminate()
  await reading.end()
})
