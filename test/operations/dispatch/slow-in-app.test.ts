import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier } from '../../../server/index.ts'
import { startCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { trigger } from '../../support/trigger.ts'

const LATE = 30
const RENDER_MS = 60

const busy = (ms: number): void => {
  const until = performance.now() + ms
  while (performance.now() < until);
}

test.each([
  ['that waits', (ms: number) => delay(ms)],
  ['that lets nobody else run', busy],
])(
  'in-app deliveries of a notifier %s arrive all of them, though together they take longer than a lease',
  async (_, wait) => {
    let renderMs = 0
    const slow = defineNotifier({
      key: 'greeting',
      version: 1,
      payload: z.object({ text: z.string() }),
      channels: ['in_app'],
      render: {
        in_app: async ({ payload }) => {
          if (renderMs > 0) await wait(renderMs)
          return { title: payload.text }
        },
      },
    })
    const clock = new TestClock('2026-01-15T23:00:00Z')
    const carillon = await startCarillon({ notifiers: [slow], defaults: { leaseFor: '1s' } }, { clock })
    await carillon.ok(
      carillon.backendKey,
      `mutation { setPolicySettings(input: { recipientId: "ada", timeZone: "UTC",
      quietHours: [{ start: "22:00", end: "08:00", channels: ["in_app"] }] }) { preferences { recipientId } } }`,
    )
    await Promise.all(Array.from({ length: LATE }, () => trigger(carillon)))
    renderMs = RENDER_MS
    clock.set('2026-01-16T09:00:00Z')
    await carillon.drainJobs()
    const { rows } = await carillon.sql.query('select status, count(*)::int from delivery group by 1')
    expect(rows).toEqual([{ status: 'succeeded', count: LATE }])
    await carillon.close()
  },
)
