import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { DIGEST_LANE } from '../../server/db/sql/open-buckets.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { flushClaims } from '../../server/operations/digests/flush.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { randomOfRun } from '../support/random.ts'
import { trigger } from '../support/trigger.ts'

/*
 * Five services look at one clock. When an hour is over all of them want to do what falls due then, and one of them is
 * killed over it, or stands still until others have done it.
 */

const SERVICES = 5
const TICKS = process.env['CARILLON_FAULT_SECONDS'] ? 200 : 30
const READERS = ['ada', 'bob', 'eve']
const HOUR_MS = 3_600_000
const LEASE_MS = 30_000

const clock = new TestClock()
const pager = memory({ name: 'pager' })
const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'remark',
      version: 1,
      payload: z.object({ n: z.number() }),
      channels: ['pager'],
      render: { pager: ({ payload }) => payload },
      digest: { pager: {} },
      renderDigest: { pager: ({ items }) => ({ ns: items.map(({ payload }) => payload.n) }) },
    }),
  ],
  adapters: { pager },
  digestRules: [
    {
      key: 'hourly',
      version: 1,
      channel: 'pager',
      matchNotificationKey: 'remark',
      groupBy: 'notification_key',
      window: { kind: 'fixed', minutes: 60 },
    },
  ],
  retention: { events: '1d' },
})
const random = randomOfRun('ticks', 'CARILLON_FAULT_SEED')

const services: TestCarillon[] = []
beforeAll(async () => {
  services.push(await startCarillon(config, { clock }))
  const [first] = services as [TestCarillon]
  while (services.length < SERVICES) {
    services.push(await startCarillon(config, { clock, databaseUrl: first.databaseUrl, connections: 3 }))
  }
}, 120_000)
afterAll(async () => {
  for (const service of services.toReversed()) await service.close()
})

/** What all of them do at the same instant. */
const together = <T>(work: (service: TestCarillon) => Promise<T>): Promise<T[]> => Promise.all(services.map(work))

/** One that takes what is due, and does nothing about it. */
const takeAndPause = async ({ app }: TestCarillon): Promise<readonly Claim[]> => {
  const claim = claimDue([{ lane: DIGEST_LANE, tenantId: null, places: 100 }], { now: clock.now(), leaseMs: LEASE_MS })
  return (await app.db.system.query<Claim>(claim)).rows
}

test('each tick takes effect once: whoever takes it and dies, or wakes up late, neither doubles nor loses it', async () => {
  const [first] = services as [TestCarillon]
  const closed: string[] = []
  for (const { app } of services) app.telemetry.on('digest.closed', ({ bucketId }) => void closed.push(bucketId))
  let pruned = 0
  let late = 0

  for (let tick = 0; tick < TICKS; tick++) {
    const recipients = READERS.map((id) => ({ id }))
    await trigger(first, { notificationKey: 'remark', payload: { n: tick }, recipients })
    clock.advance(HOUR_MS + 60_000)
    const what = random.next()
    if (what < 0.5) {
      const paused = random.pick(services)
      const claims = await takeAndPause(paused)
      expect(claims).toHaveLength(READERS.length)
      // It has them: nobody else does it meanwhile.
      await together((service) => service.drainJobs())
      expect(closed).toHaveLength(tick * READERS.length)
      clock.advance(LEASE_MS + 1_000)
      await together((service) => service.drainJobs())
      // Half of those that were paused are dead for good.
      if (what < 0.25) {
        late += 1
        await flushClaims(paused.app, claims)
      }
    } else await together((service) => service.drainJobs())
    expect(closed).toHaveLength((tick + 1) * READERS.length)
    if (tick % 5 === 4) for (const { events } of await together((service) => service.app.prune())) pruned += events
  }
  await together((service) => service.drainJobs())

  expect(new Set(closed).size).toBe(TICKS * READERS.length)
  const sent = pager.messages.map(({ recipient, content }) => `${recipient.id} ${JSON.stringify(content)}`)
  const wanted = READERS.flatMap((id) =>
    Array.from({ length: TICKS }, (_, n) => `${id} ${JSON.stringify({ ns: [n] })}`),
  )
  expect(sent.toSorted()).toEqual(wanted.toSorted())
  const { rows } = await first.sql.query('select count(*)::int4 as kept from event')
  // Each tick is an event, and a digest for each reader.
  expect(pruned + rows[0].kept).toBe(TICKS * (1 + READERS.length))
  process.stdout.write(`ticks: ${TICKS} by ${SERVICES} services, ${late} woke up late, ${pruned} events pruned\n`)
  expect(pruned).toBeGreaterThan(0)
}, 240_000)
