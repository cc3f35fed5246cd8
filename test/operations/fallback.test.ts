import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, standsOf } from '../support/deliveries.ts'
import { inboxOf, type TestInbox } from '../support/inbox.ts'
import { alarm, reminder } from '../support/notifiers.ts'
import { dueAt, operate } from '../support/operator.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, switchOff } from '../support/settings.ts'
import { trigger as triggerOn } from '../support/trigger.ts'

const DELAY = 15 * 60_000
const render = { in_app: () => ({ title: 'Signed in' }), sms: () => ({ text: 'Signed in' }) }
const definition = {
  version: 1,
  payload: z.object({}),
  channels: ['in_app', 'sms'],
  fallback: { sms: { after: '15m' } },
  render,
} as const
const requiredReminder = defineNotifier({ ...definition, key: 'login.required', required: true })
const urgentReminder = defineNotifier({ ...definition, key: 'login.urgent', urgent: true })

const sms = scripted('sms', { retry: { firstDelay: '1h', maxDelay: '1h' } })
const mail = scripted('mail')
const clock = new TestClock('2026-03-01T12:00:00.000Z')
let carillon: TestCarillon
beforeAll(async () => {
  const notifiers = [reminder, requiredReminder, urgentReminder, alarm]
  carillon = await startCarillon(defineConfig({ notifiers, adapters: { sms, email: mail } }), { clock })
})
afterAll(() => carillon.close())
// It is noon whenever a test begins, and what one leaves to be sent is no other's.
afterEach(async () => {
  const tomorrow = new Date(clock.now().getTime() + 24 * 60 * 60_000).toISOString().slice(0, 10)
  clock.set(`${tomorrow}T12:00:00.000Z`)
  await carillon.drainJobs()
})

/** A reminder to somebody, whose text message waits. */
const remind = async (recipientId: string, notificationKey = 'task.due') => {
  const recipients = [{ id: recipientId, phone: '+491701234567', email: `${recipientId}@example.test` }]
  const { event } = await triggerOn(carillon, { notificationKey, payload: {}, recipients })
  const filter = { eventId: event.id, channel: 'sms' }
  return {
    eventId: event.id as string,
    inbox: await inboxOf(carillon, recipientId),
    read: () => deliveryOf(carillon, filter),
    stand: async () => (await standsOf(carillon, filter)).join(),
    sent: () => sms.calls.filter(({ recipient }) => recipient.id === recipientId).length,
  }
}

const waitAndDrain = async (ms = DELAY): Promise<number> => {
  clock.advance(ms)
  return carillon.drainJobs()
}

test('a fallback channel waits while the inbox has it at once', async () => {
  const { read, sent, inbox } = await remind('waits')
  const until = new Date(clock.now().getTime() + DELAY).toISOString()
  const waiting = await read()
  expect(waiting).toMatchObject({
    status: 'PENDING',
    orchestrationState: 'DEFERRED',
    waitingFor: 'fallback_delay',
    nextEligibleAt: until,
  })
  expect(await dueAt(carillon, waiting.id)).toBe(until)
  expect((await inbox.stand()).counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  expect(await waitAndDrain(DELAY - 1)).toBe(0)
  expect(await waitAndDrain(1)).toBe(1)
  expect((await read()).status).toBe('SUCCEEDED')
  expect(sent()).toBe(1)
})

const mark =
  (...actions: readonly string[]) =>
  async (inbox: TestInbox) => {
    const [item] = await inbox.items()
    for (const action of actions) await inbox.mark(action, { ids: [item?.id] })
  }

test.each([
  ['has been read', mark('markRead')],
  ['has been archived', mark('archive')],
  ['has been read and archived', mark('markRead', 'archive')],
])('where the notification %s meanwhile it is withheld', async (how, act) => {
  const { read, sent, inbox } = await remind(`withheld ${how}`)
  clock.advance(DELAY - 1)
  await act(inbox)
  expect(await waitAndDrain(1)).toBe(1)
  const withheld = await read()
  expect(withheld).toMatchObject({ status: 'SUPPRESSED', suppressionReason: 'already_read', attempts: [] })
  const asked = withheld.explanation.decisions.find(({ rule }: { rule: string }) => rule === 'read_state')
  expect(asked).toMatchObject({ checkpoint: 'PERFORM', verdict: 'SUPPRESS', facts: { read: true } })
  expect(sent()).toBe(0)
})

test.each([
  ['has only been seen', mark('markSeen')],
  ['was read, and is unread again', mark('markRead', 'markUnread')],
  ['was archived, and brought back unread', mark('archive', 'unarchive')],
])('where the notification %s it is sent', async (how, act) => {
  const { read, sent, inbox } = await remind(`sent ${how}`)
  await act(inbox)
  await waitAndDrain()
  expect((await read()).status).toBe('SUCCEEDED')
  expect(sent()).toBe(1)
})

test('what is read after it was sent changes nothing', async () => {
  const { stand, inbox } = await remind('afterwards')
  await waitAndDrain()
  await inbox.mark('markRead', { filter: {} })
  expect(await stand()).toBe('sms SUCCEEDED')
})

test('another notification, or another recipient, that was read withholds nothing', async () => {
  const first = await remind('one of two')
  await first.inbox.mark('markRead', { filter: {} })
  const second = await remind('one of two')
  const other = await remind('the other')
  await waitAndDrain()
  expect([await first.stand(), await second.stand(), await other.stand()]).toEqual([
    'sms already_read',
    'sms SUCCEEDED',
    'sms SUCCEEDED',
  ])
})

test('it is withheld from a second try as well, once the notification was read', async () => {
  const { stand, sent, inbox } = await remind('second try')
  sms.next({ outcome: 'temporary', retryAfterMs: DELAY })
  await waitAndDrain()
  expect(await stand()).toBe('sms FAILED')
  await inbox.mark('markRead', { filter: {} })
  await waitAndDrain(60 * 60_000)
  expect(await stand()).toBe('sms already_read')
  expect(sent()).toBe(1)
})

test('where the inbox does not get it there is nothing to read, and it is sent after its delay', async () => {
  await switchOff(carillon, 'no inbox', { channel: 'in_app' })
  const { stand } = await remind('no inbox')
  await waitAndDrain(DELAY - 1)
  expect(await stand()).toBe('sms PENDING')
  await waitAndDrain(1)
  expect(await stand()).toBe('sms SUCCEEDED')
})

test('a night that follows its delay leaves time to read it', async () => {
  await setPolicy(carillon, 'night', { quietHours: [NIGHT] })
  clock.set(clock.now().toISOString().replace('T12:00', 'T21:50'))
  const { read, stand, inbox } = await remind('night')
  await waitAndDrain()
  expect((await read()).waitingFor).toBe('quiet_hours')
  await inbox.mark('markRead', { filter: {} })
  await waitAndDrain(10 * 60 * 60_000)
  expect(await stand()).toBe('sms already_read')
})

test('an operator who lets it go ends its delay, and it is withheld where it was read', async () => {
  const [unread, read] = [await remind('unread'), await remind('read')]
  await read.inbox.mark('markRead', { filter: {} })
  for (const one of [unread, read]) await operate(carillon, 'resume', (await one.read()).id)
  await carillon.drainJobs()
  expect([await unread.stand(), await read.stand()]).toEqual(['sms SUCCEEDED', 'sms already_read'])
})

test.each(['login.required', 'login.urgent'])('%s waits too, and is withheld where it was read', async (key) => {
  const [unread, read] = [await remind(`${key} unread`, key), await remind(`${key} read`, key)]
  expect((await unread.read()).waitingFor).toBe('fallback_delay')
  await read.inbox.mark('markRead', { filter: {} })
  await waitAndDrain()
  expect([await unread.stand(), await read.stand()]).toEqual(['sms SUCCEEDED', 'sms already_read'])
})

test('what is required comes through preferences and caps, but not without an address, nor at night', async () => {
  const recipients = [{ id: 'all off', email: 'off@example.test' }]
  for (const channel of ['in_app', 'email', 'sms']) await switchOff(carillon, 'all off', { channel })
  await switchOff(carillon, 'all off', { category: 'security' })
  await switchOff(carillon, 'all off', { notificationKey: 'security.alarm' })
  await setPolicy(carillon, 'all off', {
    caps: [
      { limit: 1, windowMinutes: 1_440 },
      { limit: 1, windowMinutes: 1_440, channel: 'in_app' },
    ],
    quietHours: [NIGHT],
  })
  const sound = async (to: readonly object[] = recipients): Promise<string> =>
    (await triggerOn(carillon, { notificationKey: 'security.alarm', payload: {}, recipients: to })).event.id
  for (let count = 0; count < 3; count++) {
    const eventId = await sound()
    await carillon.drainJobs()
    expect((await standsOf(carillon, { eventId })).sort()).toEqual(['email SUCCEEDED', 'in_app SUCCEEDED'])
  }
  const unreachable = await sound([{ id: 'nowhere' }])
  expect((await standsOf(carillon, { eventId: unreachable })).sort()).toEqual([
    'email missing_address',
    'in_app SUCCEEDED',
  ])
  clock.set(clock.now().toISOString().replace('T12:00', 'T23:00'))
  const held = await sound()
  expect(await deliveryOf(carillon, { eventId: held, channel: 'email' })).toMatchObject({ waitingFor: 'quiet_hours' })
  const { explanation } = await deliveryOf(carillon, { eventId: held, channel: 'email' })
  const facts = explanation.decisions
    .filter(({ rule }: { rule: string }) => /preference|cap/.test(rule))
    .map(({ verdict, facts }: { verdict: string; facts: unknown }) => [verdict, facts])
  expect(facts).toEqual(Array.from({ length: 3 }, () => ['PASS', { required: true }]))
})
