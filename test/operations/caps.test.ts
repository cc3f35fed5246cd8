import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf } from '../support/deliveries.ts'
import { alarm, greeting, invoice, mention, page, siren } from '../support/notifiers.ts'
import { operate } from '../support/operator.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy, switchOff } from '../support/settings.ts'
import { triggerInput, trigger as triggerOn } from '../support/trigger.ts'

const HOUR = 60 * 60_000
const HOURLY = { limit: 1, windowMinutes: 60 }
const later = { firstDelay: '6h', maxDelay: '6h' } as const

const mail = scripted('mail')
const pager = scripted('pager', { retry: { attempts: 2, ...later } })
const klaxon = scripted('klaxon')
const required = defineNotifier({
  key: 'fire.alarm',
  version: 1,
  required: true,
  payload: z.object({}),
  channels: ['pager'],
  render: { pager: () => ({}) },
})
const config = defineConfig({
  notifiers: [page, siren, greeting, mention, invoice, alarm, required],
  adapters: { email: mail, pager, siren: klaxon },
})

const clock = new TestClock()
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

/** Somebody with these caps, and what they got since. */
const someoneWith = async (recipientId: string, ...caps: readonly object[]) => {
  await setPolicy(carillon, recipientId, { caps })
  const recipients = [{ id: recipientId, email: `${recipientId.replaceAll(' ', '-')}@example.test` }]
  return {
    recipientId,
    trigger: async (notificationKey = 'pager.call', payload: object = {}) =>
      (await triggerOn(carillon, { notificationKey, payload, recipients })).event.id as string,
    /** How each of an event's deliveries stands, by channel. */
    stand: async (eventId: string) => (await standsOf(carillon, { eventId, recipientId })).sort(),
    sent: () =>
      [mail, pager, klaxon].flatMap(({ calls }) => calls).filter(({ recipient }) => recipient.id === recipientId),
  }
}

const drainBoth = () => Promise.all([carillon.drainJobs(), neighbour.drainJobs()])

const countsOf = async (recipientId: string): Promise<Record<string, number>> => {
  const { rows } = await carillon.sql.query<{ what: string; count: number }>(
    'select coalesce(suppression_reason, status) as what, count(*)::int from delivery where recipient_id = $1 group by 1',
    [recipientId],
  )
  return Object.fromEntries(rows.map(({ what, count }) => [what, count]))
}

test.each([1, 3])('fifty triggers at once, on two servers, do not exceed a cap of %d', async (limit) => {
  const ada = await someoneWith(`at-once-${limit}`, { ...HOURLY, limit })
  await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      triggerOn(index % 2 ? carillon : neighbour, {
        notificationKey: 'pager.call',
        payload: {},
        recipients: [{ id: ada.recipientId }],
      }),
    ),
  )
  expect(await countsOf(ada.recipientId)).toEqual({ pending: limit, delivery_cap_reached: 50 - limit })
  await drainBoth()
  expect(await countsOf(ada.recipientId)).toEqual({ succeeded: limit, delivery_cap_reached: 50 - limit })
  expect(ada.sent()).toHaveLength(limit)
})

test('a batch of triggers sees its own earlier ones', async () => {
  const { recipientId } = await someoneWith('batch', { ...HOURLY, limit: 2 })
  const triggers = Array.from({ length: 10 }, () =>
    triggerInput({ notificationKey: 'pager.call', payload: {}, recipients: [{ id: recipientId }] }),
  )
  const mutation =
    'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { message } } } }'
  await carillon.ok(carillon.backendKey, mutation, { input: { triggers } })
  expect(await countsOf(recipientId)).toEqual({ pending: 2, delivery_cap_reached: 8 })
  await carillon.drainJobs()
})

test('two channels under a cap of one send exactly one, the first', async () => {
  const both = await someoneWith('two-channels', HOURLY)
  const eventId = await both.trigger('siren.call')
  await drainBoth()
  expect(await both.stand(eventId)).toEqual(['pager SUCCEEDED', 'siren delivery_cap_reached'])
  expect(both.sent().map(({ channel }) => channel)).toEqual(['pager'])
  const [, stopped] = await deliveriesOf(carillon, { eventId })
  const rule = stopped.explanation.decisions.find(({ rule }: { rule: string }) => rule === 'delivery_cap')
  expect(rule).toMatchObject({
    verdict: 'SUPPRESS',
    reason: 'delivery_cap_reached',
    facts: { caps: [{ ...HOURLY, count: 1, freesAt: new Date(clock.now().getTime() + HOUR).toISOString() }] },
  })
})

test('a window ends with the instant that is as long ago as it is long', async () => {
  const one = await someoneWith('window', HOURLY)
  await one.trigger()
  await carillon.drainJobs()
  clock.advance(HOUR - 1)
  const within = await one.trigger()
  clock.advance(1)
  const after = await one.trigger()
  const again = await one.trigger()
  await carillon.drainJobs()
  expect(await one.stand(within)).toEqual(['pager delivery_cap_reached'])
  expect(await one.stand(after)).toEqual(['pager SUCCEEDED'])
  expect(await one.stand(again)).toEqual(['pager delivery_cap_reached'])
})

test('what was sent late counts from when it was sent', async () => {
  const late = await someoneWith('late', HOURLY)
  await late.trigger()
  clock.advance(HOUR / 2)
  await carillon.drainJobs()
  clock.advance(HOUR - 1)
  expect(await late.stand(await late.trigger())).toEqual(['pager delivery_cap_reached'])
  clock.advance(1)
  expect(await late.stand(await late.trigger())).toEqual(['pager PENDING'])
  await carillon.drainJobs()
})

test('what another worker hands over at this very moment counts, though its clock was read a moment later', async () => {
  const racing = await someoneWith('racing', HOURLY)
  const first = await racing.trigger()
  await carillon.drainJobs()
  const ahead = new Date(clock.now().getTime() + 5)
  await carillon.sql.query("update delivery set counts_at = $1 where recipient_id = 'racing'", [ahead])
  expect(await racing.stand(await racing.trigger())).toEqual(['pager delivery_cap_reached'])
  expect(await racing.stand(first)).toEqual(['pager SUCCEEDED'])
})

test('what is required is neither capped nor counted', async () => {
  const safe = await someoneWith('required', HOURLY)
  const first = await safe.trigger('fire.alarm')
  const second = await safe.trigger('fire.alarm')
  const ordinary = await safe.trigger()
  const third = await safe.trigger('fire.alarm')
  await carillon.drainJobs()
  for (const eventId of [first, second, ordinary, third]) {
    expect(await safe.stand(eventId)).toEqual(['pager SUCCEEDED'])
  }
  expect(await safe.stand(await safe.trigger())).toEqual(['pager delivery_cap_reached'])
})

test('the inbox is neither capped nor counted, unless a cap names it', async () => {
  const reader = await someoneWith('inbox', HOURLY)
  const first = await reader.trigger('comment.mentioned', { author: 'Ada' })
  const second = await reader.trigger('comment.mentioned', { author: 'Bob' })
  await carillon.drainJobs()
  expect(await reader.stand(first)).toEqual(['email SUCCEEDED', 'in_app SUCCEEDED'])
  expect(await reader.stand(second)).toEqual(['email delivery_cap_reached', 'in_app SUCCEEDED'])

  const named = await someoneWith('named inbox', { ...HOURLY, channel: 'in_app' })
  const third = await named.trigger('comment.mentioned', { author: 'Ada' })
  const fourth = await named.trigger('comment.mentioned', { author: 'Bob' })
  await carillon.drainJobs()
  expect(await named.stand(third)).toEqual(['email SUCCEEDED', 'in_app SUCCEEDED'])
  expect(await named.stand(fourth)).toEqual(['email SUCCEEDED', 'in_app delivery_cap_reached'])
  const { inbox } = await carillon.ok(await carillon.tokenFor('named inbox'), '{ inbox { counts { total unread } } }')
  expect(inbox.counts).toEqual({ total: 1, unread: 1 })
})

test('a cap holds for its channel and its category, and each of several holds', async () => {
  const picky = await someoneWith(
    'picky',
    { ...HOURLY, category: 'billing' },
    { ...HOURLY, limit: 2, channel: 'email' },
  )
  const bills = [await picky.trigger('invoice.sent', { number: 1 }), await picky.trigger('invoice.sent', { number: 2 })]
  const mentions = [
    await picky.trigger('comment.mentioned', { author: 'Ada' }),
    await picky.trigger('comment.mentioned', { author: 'Bob' }),
  ]
  const calls = [await picky.trigger(), await picky.trigger()]
  await carillon.drainJobs()
  expect(await Promise.all([...bills, ...mentions, ...calls].map(picky.stand))).toEqual([
    ['email SUCCEEDED'],
    ['email delivery_cap_reached'],
    ['email SUCCEEDED', 'in_app SUCCEEDED'],
    ['email delivery_cap_reached', 'in_app SUCCEEDED'],
    ['pager SUCCEEDED'],
    ['pager SUCCEEDED'],
  ])
})

test('what was suppressed leaves its place to the next', async () => {
  const off = await someoneWith('switched off', HOURLY)
  await switchOff(carillon, 'switched off', { notificationKey: 'invoice.sent' })
  expect(await off.stand(await off.trigger('invoice.sent', { number: 1 }))).toEqual(['email channel_disabled'])
  expect(await off.stand(await off.trigger())).toEqual(['pager PENDING'])
  await carillon.drainJobs()
})

test('what was cancelled leaves its place to the next, whoever cancelled it', async () => {
  const freed = await someoneWith('freed', HOURLY)
  const cancelled = await freed.trigger()
  await carillon.ok(
    carillon.backendKey,
    'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { cancelledCount } }',
    { id: cancelled },
  )
  const stopped = await freed.trigger()
  expect(await freed.stand(stopped)).toEqual(['pager PENDING'])
  await operate(carillon, 'cancel', (await deliveryOf(carillon, { eventId: stopped })).id)
  pager.next({ outcome: 'permanent' })
  const refused = await freed.trigger()
  await carillon.drainJobs()
  expect(await freed.stand(refused)).toEqual(['pager permanent_failure'])
  const sent = await freed.trigger()
  await carillon.drainJobs()
  expect(await freed.stand(sent)).toEqual(['pager SUCCEEDED'])
})

test('what failed for now keeps its place, and is not held up by those after it', async () => {
  const failing = await someoneWith('failing', { ...HOURLY, windowMinutes: 24 * 60 })
  pager.next({ outcome: 'temporary', retryAfterMs: HOUR })
  const first = await failing.trigger()
  await carillon.drainJobs()
  expect(await failing.stand(first)).toEqual(['pager FAILED'])
  const second = await failing.trigger()
  expect(await failing.stand(second)).toEqual(['pager delivery_cap_reached'])
  clock.advance(6 * HOUR)
  await drainBoth()
  expect(await failing.stand(first)).toEqual(['pager SUCCEEDED'])
})

/** Tomorrow evening, in the night of those who have `NIGHT`. */
const tomorrowAt = (time: string): void => {
  const day = new Date(clock.now().getTime() + 24 * HOUR).toISOString().slice(0, 10)
  clock.set(`${day}T${time}:00.000Z`)
}

test('what was put off counts when it is due, not before', async () => {
  tomorrowAt('23:00')
  const sleeper = await someoneWith('sleeper', HOURLY)
  await setPolicy(carillon, 'sleeper', { quietHours: [{ ...NIGHT, channels: ['email'] }] })
  const held = await sleeper.trigger('invoice.sent', { number: 1 })
  expect(await sleeper.stand(held)).toEqual(['email PENDING'])
  const meanwhile = await sleeper.trigger()
  expect(await sleeper.stand(meanwhile)).toEqual(['pager PENDING'])
  await carillon.drainJobs()
  tomorrowAt('08:00')
  // Due now, and not handed over yet: its place is taken.
  expect(await sleeper.stand(await sleeper.trigger())).toEqual(['pager delivery_cap_reached'])
  await carillon.drainJobs()
  expect(await sleeper.stand(held)).toEqual(['email SUCCEEDED'])
})

test.each([
  [1, 'one server', () => carillon.drainJobs()],
  [2, 'one server', () => carillon.drainJobs()],
  [3, 'two servers', drainBoth],
])('of eight that were put off to the same instant exactly %d are sent, by %s', async (limit, _, drain) => {
  tomorrowAt('23:00')
  const crowd = await someoneWith(`put off ${limit}`, { ...HOURLY, limit })
  await setPolicy(carillon, crowd.recipientId, { quietHours: [NIGHT] })
  const events: string[] = []
  for (let count = 0; count < 8; count++) events.push(await crowd.trigger())
  expect(await countsOf(crowd.recipientId)).toEqual({ pending: 8 })
  tomorrowAt('08:00')
  await drain()
  expect(await countsOf(crowd.recipientId)).toEqual({ succeeded: limit, delivery_cap_reached: 8 - limit })
  expect(crowd.sent()).toHaveLength(limit)
  // The first in the recipient's order are the ones.
  const sent = await Promise.all(events.slice(0, limit).map(crowd.stand))
  expect(sent).toEqual(Array.from({ length: limit }, () => ['pager SUCCEEDED']))
  const last = await deliveryOf(carillon, { eventId: events.at(-1) })
  expect(last.explanation.timeline.at(-1)).toMatchObject({
    event: 'suppressed',
    detail: { reason: 'delivery_cap_reached', checkpoint: 'perform' },
  })
})

test('one of them that must not be sent leaves its place to the next', async () => {
  tomorrowAt('23:00')
  const choosy = await someoneWith('choosy', HOURLY)
  await setPolicy(carillon, 'choosy', { quietHours: [NIGHT] })
  const events = [
    await choosy.trigger('invoice.sent', { number: 1 }),
    await choosy.trigger('invoice.sent', { number: 2 }),
    await choosy.trigger(),
    await choosy.trigger(),
  ]
  await switchOff(carillon, 'choosy', { channel: 'email' })
  tomorrowAt('08:00')
  await carillon.drainJobs()
  expect(await Promise.all(events.map(choosy.stand))).toEqual([
    ['email channel_disabled'],
    ['email channel_disabled'],
    ['pager SUCCEEDED'],
    ['pager delivery_cap_reached'],
  ])
})

test('they are asked in the order of their recipient, whatever else is sent beside them', async () => {
  tomorrowAt('23:00')
  const [mixed, other] = [await someoneWith('mixed', HOURLY), await someoneWith('beside mixed')]
  for (const id of ['mixed', 'beside mixed']) await setPolicy(carillon, id, { quietHours: [NIGHT] })
  const second = await mixed.trigger()
  await other.trigger()
  const first = await mixed.trigger('invoice.sent', { number: 1 })
  // As if another server, whose clock is behind, had planned the first: its id would be the later one.
  await carillon.sql.query("update delivery set position = position + 10 where recipient_id = 'mixed'")
  await carillon.sql.query("update delivery set position = 13 - position where recipient_id = 'mixed'")
  await switchOff(carillon, 'mixed', { channel: 'email' })
  tomorrowAt('08:00')
  await carillon.drainJobs()
  expect([await mixed.stand(first), await mixed.stand(second)]).toEqual([
    ['email channel_disabled'],
    ['pager SUCCEEDED'],
  ])
})

test.each([
  ['one server', () => carillon.drainJobs()],
  ['two servers', drainBoth],
])('what had to wait for longer than the window does not come all at once, by %s', async (name, drain) => {
  const { recipientId, trigger, sent } = await someoneWith(`backlog ${name}`, HOURLY)
  for (let count = 0; count < 3; count++) {
    await trigger()
    clock.advance(HOUR)
  }
  expect(await countsOf(recipientId)).toEqual({ pending: 3 })
  await drain()
  expect(await countsOf(recipientId)).toEqual({ succeeded: 1, delivery_cap_reached: 2 })
  expect(sent()).toHaveLength(1)
})

test('what is tried again takes its place again', async () => {
  const again = await someoneWith('again', HOURLY)
  pager.next({ outcome: 'temporary', retryAfterMs: 6 * HOUR })
  const failed = await again.trigger()
  await carillon.drainJobs()
  clock.advance(6 * HOUR)
  const next = await again.trigger()
  await carillon.drainJobs()
  expect([await again.stand(failed), await again.stand(next)]).toEqual([
    ['pager SUCCEEDED'],
    ['pager delivery_cap_reached'],
  ])
})

test('a cap that was set after the trigger holds at the sending', async () => {
  const { recipientId, ...changed } = await someoneWith('changed')
  const events = [await changed.trigger(), await changed.trigger(), await changed.trigger()]
  await setPolicy(carillon, recipientId, { caps: [{ ...HOURLY, limit: 2 }] })
  await carillon.drainJobs()
  expect(await Promise.all(events.map(changed.stand))).toEqual([
    ['pager SUCCEEDED'],
    ['pager SUCCEEDED'],
    ['pager delivery_cap_reached'],
  ])
})

test('ten that were scheduled for the same instant do not exceed a cap of one', async () => {
  const { recipientId, sent } = await someoneWith('scheduled', HOURLY)
  const sendAt = new Date(clock.now().getTime() + HOUR).toISOString()
  const input = { notificationKey: 'pager.call', payload: {}, recipients: [{ id: recipientId }], sendAt }
  for (let count = 0; count < 10; count++) await triggerOn(carillon, input)
  clock.set(sendAt)
  await drainBoth()
  expect(await countsOf(recipientId)).toEqual({ succeeded: 1, delivery_cap_reached: 9 })
  expect(sent()).toHaveLength(1)
})

test('an inbox of one another: caps count what one recipient gets', async () => {
  const [ada, bob] = [await someoneWith('own ada', HOURLY), await someoneWith('own bob', HOURLY)]
  await ada.trigger()
  expect(await bob.stand(await bob.trigger())).toEqual(['pager PENDING'])
  await carillon.drainJobs()
})
