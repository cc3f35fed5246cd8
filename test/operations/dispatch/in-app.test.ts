import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type CarillonClient, createClient } from '../../../client-sdk/index.ts'
import { defineConfig, defineNotifier } from '../../../server/index.ts'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../../support/deliveries.ts'
import { inboxOf } from '../../support/inbox.ts'
import { greeting, mention } from '../../support/notifiers.ts'
import { operate } from '../../support/operator.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { NIGHT, setPolicy, switchOff } from '../../support/settings.ts'
import { trigger as triggerOn } from '../../support/trigger.ts'

const MINUTE = 60_000
/** How often the notifier's code is still going to fail. */
let failures = 0
const moody = defineNotifier({
  key: 'moody',
  version: 1,
  payload: z.object({}),
  channels: ['in_app'],
  render: {
    in_app: ({ recipient }) => {
      if (failures > 0) {
        failures -= 1
        throw new Error('the template is broken')
      }
      return { title: `Hello ${recipient.displayName}` }
    },
  },
})
const config = defineConfig({
  notifiers: [greeting, mention, moody],
  adapters: { email: scripted('mail') },
})

const clock = new TestClock('2026-03-01T23:30:00.000Z')
let carillon: TestCarillon
let neighbour: TestCarillon
let clients: CarillonClient[] = []
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
  neighbour = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await neighbour.close()
  await carillon.close()
})
// It is night whenever a test begins.
afterEach(async () => {
  for (const client of clients) client.close()
  clients = []
  morning()
  await carillon.drainJobs()
  clock.set(`${clock.now().toISOString().slice(0, 10)}T23:30:00.000Z`)
})

const morning = (): string => {
  const tomorrow = new Date(clock.now().getTime() + 8.5 * 60 * MINUTE).toISOString().slice(0, 10)
  clock.set(`${tomorrow}T08:00:00.000Z`)
  return clock.now().toISOString()
}

/** Somebody whose inbox is left alone at night. */
const sleeper = async (recipientId: string) => {
  await setPolicy(carillon, recipientId, { quietHours: [{ ...NIGHT, channels: ['in_app'] }] })
  return {
    ...(await inboxOf(carillon, recipientId)),
    trigger: async (input: object = {}): Promise<string> =>
      (await triggerOn(carillon, { payload: { text: 'hello' }, recipients: [{ id: recipientId }], ...input })).event.id,
    follow: async () => {
      const client = createClient({ url: carillon.graphqlUrl, token: () => carillon.tokenFor(recipientId) })
      clients.push(client)
      const updates = client.watchInbox()
      await updates.next()
      return async () => (await updates.next()).value
    },
  }
}
const EMPTY = { total: 0, unread: 0, unseen: 0 }

test('what comes at night stays out of an inbox until the morning, and then arrives live, with its counts', async () => {
  const ada = await sleeper('ada')
  const next = await ada.follow()
  const eventId = await ada.trigger({ notificationKey: 'comment.mentioned', payload: { author: 'Bob' } })
  expect(await deliveryOf(carillon, { eventId, channel: 'in_app' })).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    attempts: [],
  })
  expect(await carillon.drainJobs()).toBe(0)
  expect((await ada.stand()).counts).toEqual(EMPTY)
  expect(await ada.items()).toEqual([])

  const at = morning()
  await carillon.drainJobs()
  expect(await next()).toMatchObject({
    counts: { total: 1, unread: 1, unseen: 1 },
    changed: [{ arrivedAt: at, readAt: null, content: { title: 'Bob mentioned you' } }],
  })
  expect((await ada.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  const arrived = await deliveryOf(carillon, { eventId, channel: 'in_app' })
  expect(arrived).toMatchObject({
    status: 'SUCCEEDED',
    waitingFor: null,
    attempts: [{ attemptNumber: 1, outcome: 'SUCCEEDED', adapter: 'in_app', startedAt: at, insertedAt: at }],
  })
  expect(storyOf(arrived)).toContain('resumed')
})

test('several that waited arrive once each and in order, behind what came in between, on however many servers', async () => {
  const bob = await sleeper('bob')
  for (let count = 1; count <= 12; count++) await bob.trigger({ payload: { text: `night ${count}` } })
  await setPolicy(carillon, 'bob', { quietHours: null })
  await bob.trigger({ payload: { text: 'at once' } })
  expect((await bob.items()).map(({ title }) => title)).toEqual(['at once'])
  morning()
  await Promise.all([carillon, neighbour, carillon, neighbour].map(({ drainJobs }) => drainJobs()))
  const titles = (await bob.items()).map(({ title }) => title)
  expect([...titles].sort()).toEqual(['at once', ...Array.from({ length: 12 }, (_, i) => `night ${i + 1}`)].sort())
  expect(titles.at(-1)).toBe('at once')
  expect((await bob.stand()).counts).toEqual({ total: 13, unread: 13, unseen: 13 })
})

test('they arrive in the order in which they were planned', async () => {
  const cid = await sleeper('cid')
  for (let count = 1; count <= 5; count++) await cid.trigger({ payload: { text: `night ${count}` } })
  morning()
  await carillon.drainJobs()
  expect((await cid.items()).map(({ title }) => title)).toEqual([5, 4, 3, 2, 1].map((count) => `night ${count}`))
})

test('the content is made when it arrives, of what is known by then', async () => {
  const dan = await sleeper('dan')
  await dan.trigger({ notificationKey: 'moody', payload: {}, recipients: [{ id: 'dan', displayName: 'Dan' }] })
  await carillon.ok(
    carillon.backendKey,
    'mutation { upsertRecipients(input: { recipients: [{ id: "dan", displayName: "Daniel" }] }) { __typename } }',
  )
  morning()
  await carillon.drainJobs()
  expect((await dan.items()).map(({ title }) => title)).toEqual(['Hello Daniel'])
})

test('a notifier that fails then is tried again, and nothing is in the inbox before', async () => {
  const eve = await sleeper('eve')
  const eventId = await eve.trigger({ notificationKey: 'moody', payload: {} })
  // One that waits beside it is none the worse for it.
  await eve.trigger({ payload: { text: 'beside' } })
  morning()
  failures = 1
  await carillon.drainJobs()
  const failed = await deliveryOf(carillon, { eventId })
  expect(failed).toMatchObject({
    status: 'FAILED',
    waitingFor: 'retry',
    attempts: [{ attemptNumber: 1, outcome: 'FAILED', errorClass: 'render_failed', adapter: 'in_app' }],
  })
  expect((await eve.items()).map(({ title }) => title)).toEqual(['beside'])
  clock.set(failed.nextAttemptAt)
  await carillon.drainJobs()
  expect((await deliveryOf(carillon, { eventId })).attempts).toMatchObject([
    { attemptNumber: 1, outcome: 'FAILED' },
    { attemptNumber: 2, outcome: 'SUCCEEDED' },
  ])
  expect((await eve.items()).map(({ title }) => title)).toEqual(['Hello null', 'beside'])
  expect((await eve.stand()).counts).toEqual({ total: 2, unread: 2, unseen: 2 })
})

test('one that fails time and again is given up, and arrives when an operator has it tried once more', async () => {
  const fay = await sleeper('fay')
  const eventId = await fay.trigger({ notificationKey: 'moody', payload: {} })
  morning()
  failures = 8
  for (let tries = 1; tries <= 8; tries++) {
    await carillon.drainJobs()
    clock.advance(15 * MINUTE)
  }
  expect(await standsOf(carillon, { eventId })).toEqual(['in_app retries_exhausted'])
  expect(await carillon.drainJobs()).toBe(0)
  expect((await fay.stand()).counts).toEqual(EMPTY)
  await operate(carillon, 'retry', (await deliveryOf(carillon, { eventId })).id)
  await carillon.drainJobs()
  expect((await deliveryOf(carillon, { eventId })).attempts).toHaveLength(9)
  expect((await fay.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
})

test('what was switched off, cancelled or has expired by the morning never arrives', async () => {
  const gus = await sleeper('gus')
  const off = await gus.trigger({ notificationKey: 'moody', payload: {} })
  const cancelled = await gus.trigger()
  const expired = await gus.trigger({ expiresAt: new Date(clock.now().getTime() + 60 * MINUTE).toISOString() })
  await switchOff(carillon, 'gus', { notificationKey: 'moody' })
  await carillon.ok(
    carillon.backendKey,
    'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { __typename } }',
    {
      id: cancelled,
    },
  )
  morning()
  await carillon.drainJobs()
  const stands = await Promise.all([off, cancelled, expired].map((eventId) => standsOf(carillon, { eventId })))
  expect(stands.flat()).toEqual(['in_app channel_disabled', 'in_app event_cancelled', 'in_app expired'])
  expect(await gus.stand()).toMatchObject({ counts: EMPTY })
})

test('quiet hours that were moved meanwhile hold it again', async () => {
  const jon = await sleeper('jon')
  const eventId = await jon.trigger()
  await setPolicy(carillon, 'jon', { quietHours: [{ ...NIGHT, end: '10:00', channels: ['in_app'] }] })
  morning()
  await carillon.drainJobs()
  const again = await deliveryOf(carillon, { eventId })
  expect([again.status, again.waitingFor]).toEqual(['PENDING', 'quiet_hours'])
  expect((await jon.stand()).counts).toEqual(EMPTY)
  clock.set(again.nextEligibleAt)
  await carillon.drainJobs()
  expect((await jon.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
})

test('one that an operator resumes arrives at once', async () => {
  const hal = await sleeper('hal')
  const next = await hal.follow()
  const eventId = await hal.trigger()
  const [{ id }] = await deliveriesOf(carillon, { eventId })
  await operate(carillon, 'resume', id)
  await carillon.drainJobs()
  expect(await next()).toMatchObject({ counts: { total: 1 }, changed: [{ content: { title: 'hello' } }] })
})

test('what arrived late is read and counted like the rest', async () => {
  const ida = await sleeper('ida')
  await ida.trigger({ payload: { text: 'one' } })
  await ida.trigger({ payload: { text: 'two' } })
  morning()
  await carillon.drainJobs()
  const [newest] = await ida.items()
  expect(await ida.mark('markRead', { ids: [newest?.id] })).toMatchObject({
    affectedCount: 1,
    counts: { total: 2, unread: 1, unseen: 1 },
  })
})
