import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../server/db/client.ts'
import { SetupError } from '../../server/errors.ts'
import { openRedisBus } from '../../server/realtime/redis-bus.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { startRedis, type TestRedis, whyNoRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { busContract, inboxOf, listenTo } from './bus-contract.ts'
import { notesConfig, sendNotes } from './notes.ts'

const missing = whyNoRedis()

let databases: readonly [TestDatabase, TestDatabase]
let db: Database
let foreign: Database
beforeAll(async () => {
  databases = [await createTestDatabase(), await createTestDatabase()]
  db = openDatabase({ url: databases[0].url, connections: 1 })
  foreign = openDatabase({ url: databases[1].url, connections: 1 })
})
afterAll(async () => {
  await db.close()
  await foreign.close()
  for (const database of databases) await database.drop()
})

test('a Redis that is not there is told at the start, without its password', async () => {
  const opening = openRedisBus({ url: 'redis://:hunter2@127.0.0.1:1', pool: db.system, telemetry: createTelemetry() })
  const error = await opening.catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(SetupError)
  expect((error as Error).message).toMatch(/^Redis at redis:\/\/127\.0\.0\.1:1 cannot be used: .*CARILLON_REDIS_URL/)
  expect((error as Error).message).not.toContain('hunter2')
})

// Said by name where it cannot be tested, so that nobody takes silence for success.
if (missing) test(missing, (context) => context.skip())

describe.skipIf(missing)('with a real Redis', () => {
  let redis: TestRedis
  beforeAll(async () => {
    redis = await startRedis()
  }, 150_000)
  afterAll(() => redis.close())

  const openBus = (telemetry = createTelemetry(), pool = db.system) => openRedisBus({ url: redis.url, pool, telemetry })

  busContract('Redis', async () => ({ here: await openBus(), there: await openBus() }))

  test('a bus that lost its Redis comes back by itself, and looks at every inbox once', async () => {
    const telemetry = createTelemetry()
    const speaking = createTelemetry()
    const [here, there] = [await openBus(speaking), await openBus(telemetry)]
    const heard = listenTo(there)
    for (const outage of [1, 2]) {
      await redis.kill()
      const failed = speaking.once('bus.failed', ({ error }) => /writeable|closed/.test(error.message))
      here.inboxesMoved([inboxOf(`lost-${outage}`)])
      await failed
      const [back, hereToo] = [telemetry.once('bus.reconnected'), speaking.once('bus.reconnected')]
      await redis.start()
      await Promise.all([back, hereToo])
      expect([heard.all, heard.work]).toEqual([outage, outage])
      await until('hints arrive again', () => {
        here.inboxesMoved([inboxOf(`after-${outage}`)])
        return heard.inboxes.has(`acme/after-${outage}`)
      })
    }
    await here.close()
    await there.close()
  })

  test('a service on another database that shares the Redis hears nothing of it', async () => {
    const [here, there, stranger] = [await openBus(), await openBus(), await openBus(createTelemetry(), foreign.system)]
    const [heard, overheard] = [listenTo(there), listenTo(stranger)]
    here.inboxesMoved([inboxOf('ada')])
    await until('it was heard', () => heard.inboxes.size > 0)
    const another = await openBus(createTelemetry(), foreign.system)
    another.inboxesMoved([inboxOf('eve')])
    await until('their own is', () => overheard.inboxes.size > 0)
    expect([...overheard.inboxes]).toEqual(['acme/eve'])
    for (const bus of [here, there, stranger, another]) await bus.close()
  })

  describe('between two servers', () => {
    let here: TestCarillon
    let there: TestCarillon
    beforeAll(async () => {
      const bus = { redisUrl: redis.url }
      here = await startCarillon(notesConfig, { bus, sweepEveryMs: 3_600_000 })
      there = await startCarillon(notesConfig, { bus, sweepEveryMs: 250, databaseUrl: here.databaseUrl })
    })
    afterAll(async () => {
      await there.close()
      await here.close()
    })
    const follow = async (server: TestCarillon, recipientId: string) => {
      const socket = await openRawSocket(server.wsUrl, { token: await server.tokenFor(recipientId) })
      socket.subscribe('1', 'subscription { inboxUpdates { counts { total } } }')
      const told = (total: number) =>
        until(`it was told of ${total}`, () =>
          socket.answers('1').some(({ payload }) => payload?.data?.inboxUpdates.counts.total === total),
        )
      await told(0)
      return { told, end: () => socket.end() }
    }

    test('what one commits, a front end of the other sees', async () => {
      const [mine, theirs] = [await follow(here, 'ada'), await follow(there, 'bob')]
      await sendNotes(there, ['ada'])
      await mine.told(1)
      await sendNotes(here, ['bob'])
      await theirs.told(1)
      await mine.end()
      await theirs.end()
    })

    test('while there is no Redis, what one commits a front end of the other sees with the sweep', async () => {
      const follower = await follow(there, 'eve')
      await redis.kill()
      await sendNotes(here, ['eve'])
      await follower.told(1)
      const back = here.app.telemetry.once('bus.reconnected')
      await redis.start()
      await back
      await sendNotes(here, ['eve'])
      await follower.told(2)
      await follower.end()
    })
  })

  test('a message that is no hint is reported and harms nobody', async () => {
    const telemetry = createTelemetry()
    const failures: Error[] = []
    telemetry.on('bus.failed', ({ error }) => void failures.push(error))
    const [here, there] = [await openBus(), await openBus(telemetry)]
    const heard = listenTo(there)
    const speaker = new Redis(redis.url)
    const channels = (await speaker.pubsub('CHANNELS')) as string[]
    for (const channel of channels) for (const junk of ['not json', '7', '']) await speaker.publish(channel, junk)
    here.inboxesMoved([inboxOf('ada')])
    await until('the next hint arrives', () => heard.inboxes.size > 0)
    expect(failures.length).toBeGreaterThanOrEqual(2)
    speaker.disconnect()
    await here.close()
    await there.close()
  })
})
