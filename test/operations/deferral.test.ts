import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { buildRoutes } from '../../server/adapters/routing.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { beginClaims } from '../../server/operations/dispatch/begin.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../support/deliveries.ts'
import { mention, page, reminder } from '../support/notifiers.ts'
import { dueAt } from '../support/operator.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, switchOff } from '../support/settings.ts'
import { trigger as triggerOn } from '../support/trigger.ts'

const LEASE_MS = 30_000
const urgent = defineNotifier({
  key: 'pager.urgent',
  version: 1,
  urgent: true,
  payload: z.object({}),
  channels: ['pager'],
  render: { pager: () => ({}) },
})
const mail = scripted('mail')
const sms = scripted('sms')
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '1m', maxDelay: '1m' } })
const config = defineConfig({
  notifiers: [page, urgent, mention, reminder],
  adapters: { email: mail, pager, sms },
})

const clock = new TestClock('2026-03-01T12:00:00.000Z')
let carillon: TestCarillon
let neighbour: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config, { clock })
  neighbour = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
})
afterAll(async () => {
  await neighbour.close()
  await carillon.close()
})

// What one test leaves to be sent is no other's.
afterEach(async () => {
  goTo('12:00')
  await carillon.drainJobs()
})

/** Moves the clock to the next time that it shows this, in UTC. */
const goTo = (time: string): string => {
  const now = clock.now().getTime()
  const today = `${clock.now().toISOString().slice(0, 10)}T${time.length === 5 ? `${time}:00.000` : time}Z`
  const at = new Date(today).getTime()
  clock.set(new Date(at > now ? at : at + 86_400_000).toISOString())
  return clock.now().toISOString()
}

const call = async (recipientId: string, notificationKey = 'pager.call', payload: object = {}): Promise<string> => {
  const recipients = [{ id: recipientId, phone: '+491701234567', email: `${recipientId}@example.test` }]
  return (await triggerOn(carillon, { notificationKey, payload, recipients })).event.id
}
const callsTo = (recipientId: string) =>
  [pager, mail, sms].flatMap(({ calls }) => calls).filter(({ recipient }) => recipient.id === recipientId)

/** Tonight at half past eleven, somebody who sleeps until eight. */
const asleep = async (recipientId: string, settings: object = {}): Promise<void> => {
  await setPolicy(carillon, recipientId, { quietHours: [NIGHT], ...settings })
  goTo('23:30')
}

test('in quiet hours a delivery is held until they end, says so, and nothing is sent before', async () => {
  await asleep('held')
  const eventId = await call('held')
  const held = await deliveryOf(carillon, { eventId })
  const morning = new Date(clock.now().getTime() + 8.5 * 3_600_000).toISOString()
  expect(held).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    nextEligibleAt: morning,
    suppressionReason: null,
    attempts: [],
  })
  expect(morning).toMatch(/T08:00:00.000Z$/)
  expect(await dueAt(carillon, held.id)).toBe(morning)
  expect(held.explanation.decisions.filter(({ verdict }: { verdict: string }) => verdict !== 'PASS')).toMatchObject([
    {
      checkpoint: 'PLANNING',
      rule: 'quiet_hours',
      verdict: 'DEFER',
      reason: 'quiet_hours',
      facts: { until: morning, timeZone: 'UTC', zoneFrom: 'utc', windows: [NIGHT] },
    },
  ])

  expect(await carillon.drainJobs()).toBe(0)
  goTo('07:59:59.999')
  expect(await carillon.drainJobs()).toBe(0)
  expect(callsTo('held')).toEqual([])
  goTo('08:00')
  await carillon.drainJobs()
  const sent = await deliveryOf(carillon, { eventId })
  expect(sent).toMatchObject({ status: 'SUCCEEDED', orchestrationState: 'READY', waitingFor: null })
  expect(storyOf(sent).slice(-3)).toEqual(['resumed', 'claimed', 'attempt_recorded'])
  const resumed = sent.explanation.timeline.find(({ event }: { event: string }) => event === 'resumed')
  expect(resumed).toMatchObject({ at: morning, detail: { source: 'schedule', scheduledAt: morning } })
})

test('when they end it goes on by itself, once, however many workers wait for that', async () => {
  const sleepers = Array.from({ length: 40 }, (_, index) => `sleeper-${index}`)
  for (const id of sleepers) await setPolicy(carillon, id, { quietHours: [NIGHT] })
  goTo('23:30')
  const before = pager.calls.length
  const { event } = await triggerOn(carillon, {
    notificationKey: 'pager.call',
    payload: {},
    recipients: sleepers.map((id) => ({ id })),
  })
  goTo('08:00')
  await Promise.all([carillon, neighbour, carillon, neighbour].map(({ drainJobs }) => drainJobs()))
  expect(
    pager.calls
      .slice(before)
      .map(({ recipient }) => recipient.id)
      .sort(),
  ).toEqual([...sleepers].sort())
  const stands = await standsOf(carillon, { eventId: event.id })
  expect(stands).toEqual(sleepers.map(() => 'pager SUCCEEDED'))
})

test('quiet hours begin with their start and end with their end', async () => {
  await setPolicy(carillon, 'edges', { quietHours: [NIGHT] })
  goTo('21:59:59.999')
  const before = await call('edges')
  await carillon.drainJobs()
  goTo('22:00')
  const first = await call('edges')
  goTo('07:59:59.999')
  const last = await call('edges')
  await carillon.drainJobs()
  expect(callsTo('edges')).toHaveLength(1)
  goTo('08:00')
  const after = await call('edges')
  expect((await deliveryOf(carillon, { eventId: after })).waitingFor).toBe('due')
  await carillon.drainJobs()
  for (const eventId of [before, first, last, after]) {
    expect(await standsOf(carillon, { eventId })).toEqual(['pager SUCCEEDED'])
  }
})

test("they are in the zone of the policy, else of the recipient, else the server's", async () => {
  const server = await startCarillon({ ...config, defaults: { timeZone: 'Asia/Tokyo' } }, { clock })
  try {
    goTo('03:30')
    const day = clock.now().toISOString().slice(0, 10)
    const nights = { quietHours: [{ start: '22:00', end: '14:00' }] }
    const untilOf = async (id: string, timeZone: string | null, settings: object) => {
      await setPolicy(server, id, { ...nights, ...settings })
      const { event } = await triggerOn(server, {
        notificationKey: 'pager.call',
        payload: {},
        recipients: [{ id, timeZone }],
      })
      return (await deliveryOf(server, { eventId: event.id })).nextEligibleAt
    }
    expect(await untilOf('server', null, {})).toBe(`${day}T05:00:00.000Z`)
    expect(await untilOf('own', 'Asia/Kolkata', {})).toBe(`${day}T08:30:00.000Z`)
    expect(await untilOf('policy', 'Asia/Kolkata', { timeZone: 'Africa/Lagos' })).toBe(`${day}T13:00:00.000Z`)
    const [{ explanation }] = await deliveriesOf(server, { recipientId: 'own' })
    const asked = explanation.decisions.find(({ rule }: { rule: string }) => rule === 'quiet_hours')
    expect(asked.facts).toMatchObject({ timeZone: 'Asia/Kolkata', zoneFrom: 'recipient' })
    clock.advance(24 * 3_600_000)
    await server.drainJobs()
  } finally {
    await server.close()
  }
})

test('they hold the channels they name, all but the inbox where they name none, and nothing urgent', async () => {
  await asleep('all')
  const all = await call('all', 'comment.mentioned', { author: 'Ada' })
  expect(await deliveryOf(carillon, { eventId: all, channel: 'email' })).toMatchObject({ waitingFor: 'quiet_hours' })
  expect(await deliveryOf(carillon, { eventId: all, channel: 'in_app' })).toMatchObject({ status: 'SUCCEEDED' })
  const wakes = await call('all', 'pager.urgent')
  expect((await deliveryOf(carillon, { eventId: wakes })).waitingFor).toBe('due')
  await setPolicy(carillon, 'named', { quietHours: [{ ...NIGHT, channels: ['email'] }] })
  const named = await call('named')
  expect((await deliveryOf(carillon, { eventId: named })).waitingFor).toBe('due')
  await carillon.drainJobs()
  expect(callsTo('all').map(({ notificationKey }) => notificationKey)).toEqual(['pager.urgent'])
  goTo('08:00')
  await carillon.drainJobs()
})

test('quiet hours that were set after the trigger hold it at the last moment', async () => {
  goTo('23:30')
  const eventId = await call('late setter')
  expect((await deliveryOf(carillon, { eventId })).waitingFor).toBe('due')
  clock.advance(1_000)
  await setPolicy(carillon, 'late setter', { quietHours: [NIGHT] })
  expect(await carillon.drainJobs()).toBe(1)
  const held = await deliveryOf(carillon, { eventId })
  expect(held).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    attempts: [],
  })
  expect(held.nextEligibleAt).toMatch(/T08:00:00.000Z$/)
  expect(await dueAt(carillon, held.id)).toBe(held.nextEligibleAt)
  expect(held.explanation.timeline.at(-1)).toMatchObject({
    event: 'deferred',
    at: clock.now().toISOString(),
    detail: { reason: 'quiet_hours', rule: 'quiet_hours', checkpoint: 'perform', nextEligibleAt: held.nextEligibleAt },
  })
  expect(await carillon.drainJobs()).toBe(0)
  goTo('08:00')
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual(['pager SUCCEEDED'])
})

test('quiet hours that were moved meanwhile hold it again, and each time is told', async () => {
  await asleep('moved')
  const eventId = await call('moved')
  await setPolicy(carillon, 'moved', { quietHours: [{ ...NIGHT, end: '10:00' }] })
  goTo('08:00')
  expect(await carillon.drainJobs()).toBe(1)
  const again = await deliveryOf(carillon, { eventId })
  expect(again).toMatchObject({ status: 'PENDING', orchestrationState: 'DEFERRED', waitingFor: 'quiet_hours' })
  expect(again.nextEligibleAt).toMatch(/T10:00:00.000Z$/)
  expect(storyOf(again).slice(-2)).toEqual(['resumed', 'deferred'])
  goTo('09:59:59.999')
  expect(await carillon.drainJobs()).toBe(0)
  goTo('10:00')
  await carillon.drainJobs()
  expect(storyOf(await deliveryOf(carillon, { eventId })).slice(-5)).toEqual([
    'resumed',
    'deferred',
    'resumed',
    'claimed',
    'attempt_recorded',
  ])
  expect(callsTo('moved')).toHaveLength(1)
})

test('what was switched off while it was held is not sent', async () => {
  await asleep('off')
  const eventId = await call('off')
  await switchOff(carillon, 'off', { channel: 'pager' })
  goTo('08:00')
  await carillon.drainJobs()
  expect(await standsOf(carillon, { eventId })).toEqual(['pager channel_disabled'])
  expect(callsTo('off')).toEqual([])
})

test('a fallback delay that ends in quiet hours is followed by them', async () => {
  await setPolicy(carillon, 'both', { quietHours: [NIGHT] })
  goTo('21:50')
  const eventId = await call('both', 'task.due')
  const waiting = await deliveryOf(carillon, { eventId, channel: 'sms' })
  expect(waiting.waitingFor).toBe('fallback_delay')
  expect(waiting.nextEligibleAt).toMatch(/T22:05:00.000Z$/)
  goTo('22:05')
  await carillon.drainJobs()
  const held = await deliveryOf(carillon, { eventId, channel: 'sms' })
  expect([held.status, held.orchestrationState, held.waitingFor]).toEqual(['PENDING', 'DEFERRED', 'quiet_hours'])
  expect(held.nextEligibleAt).toMatch(/T08:00:00.000Z$/)
  goTo('08:00')
  await carillon.drainJobs()
  expect((await deliveryOf(carillon, { eventId, channel: 'sms' })).status).toBe('SUCCEEDED')
  expect(callsTo('both')).toHaveLength(1)
})

test('of two delays the later one counts', async () => {
  await asleep('two delays')
  const night = await call('two delays', 'task.due')
  expect((await deliveryOf(carillon, { eventId: night, channel: 'sms' })).waitingFor).toBe('quiet_hours')
  goTo('07:50')
  const dawn = await call('two delays', 'task.due')
  const delivery = await deliveryOf(carillon, { eventId: dawn, channel: 'sms' })
  expect(delivery.waitingFor).toBe('fallback_delay')
  expect(delivery.nextEligibleAt).toMatch(/T08:05:00.000Z$/)
  goTo('08:05')
  await carillon.drainJobs()
})

test('a try that would fall into quiet hours waits for their end, and is counted with those before', async () => {
  await setPolicy(carillon, 'unlucky', { quietHours: [NIGHT] })
  goTo('21:59:30.000')
  pager.next({ outcome: 'temporary', retryAfterMs: 60_000 }, { outcome: 'temporary' })
  const eventId = await call('unlucky')
  await carillon.drainJobs()
  const failed = await deliveryOf(carillon, { eventId })
  expect([failed.status, failed.waitingFor]).toEqual(['FAILED', 'retry'])
  clock.advance(60_000)
  expect(await carillon.drainJobs()).toBe(1)
  const held = await deliveryOf(carillon, { eventId })
  expect(held).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    nextAttemptAt: null,
  })
  expect(held.nextEligibleAt).toMatch(/T08:00:00.000Z$/)
  expect(callsTo('unlucky')).toHaveLength(1)
  goTo('08:00')
  await carillon.drainJobs()
  // Two tries are all it had.
  const over = await deliveryOf(carillon, { eventId })
  expect([over.status, over.suppressionReason]).toEqual(['CANCELLED', 'retries_exhausted'])
  expect(over.attempts.map(({ attemptNumber }: { attemptNumber: number }) => attemptNumber)).toEqual([1, 2])
  expect(callsTo('unlucky').map(({ attemptNumber }) => attemptNumber)).toEqual([1, 2])
})

test('a call whose worker died is not repeated in quiet hours', async () => {
  await setPolicy(carillon, 'widow', { quietHours: [NIGHT] })
  goTo('21:59:50.000')
  const eventId = await call('widow')
  const { app } = carillon
  const claim = claimDue([{ lane: 'pager', tenantId: null, places: 1 }], { now: clock.now(), leaseMs: LEASE_MS })
  const { rows } = await app.db.system.query<Claim>(claim)
  const begun = await beginClaims({ ...app, routes: buildRoutes(config), leaseMs: LEASE_MS }, rows)
  expect(begun.map(({ recipient }) => recipient.id)).toEqual(['widow'])
  clock.advance(LEASE_MS)
  expect(await carillon.drainJobs()).toBe(1)
  expect(await deliveryOf(carillon, { eventId })).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'quiet_hours',
    attempts: [{ attemptNumber: 1, outcome: 'UNKNOWN' }],
  })
  goTo('08:00')
  await carillon.drainJobs()
  const sent = await deliveryOf(carillon, { eventId })
  expect([sent.status, sent.attempts.length]).toEqual(['SUCCEEDED', 2])
  expect(callsTo('widow').map(({ attemptNumber }) => attemptNumber)).toEqual([2])
})
