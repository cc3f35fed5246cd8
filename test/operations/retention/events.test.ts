import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { buckets, comment, comments, HOURLY } from '../../support/digests.ts'
import { invoice, mention } from '../../support/notifiers.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { DAY_MS, daysLater, historyRows, outcomesOf, pruneWhole } from '../../support/retention.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'
import { invoiceOverdue, runsOf, signal } from '../../support/workflows.ts'

const clock = new TestClock()
const email = { ...scripted('email'), ...takesEvents }
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [mention, invoice, comment, invoiceOverdue],
      adapters: { email, books: scripted('books') },
      digestRules: [HOURLY],
      retention: { events: '90d' },
    },
    { clock },
  )
})
afterAll(() => carillon.close())

const to = (id: string) => [{ id, email: `${id}@example.test` }]
const mentionTo = (id: string, input: object = {}) =>
  trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'Bob' },
    recipients: to(id),
    ...input,
  })
const invoiceTo = (id: string, input: object = {}) =>
  trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 1 }, recipients: to(id), ...input })

const EVENT = 'query ($id: ID!) { event(id: $id) { id } node(id: $id) { id } }'
const isKept = async (id: string): Promise<boolean> => {
  const { event, node } = await carillon.ok(carillon.operatorKey, EVENT, { id })
  expect(event?.id).toBe(node?.id)
  return event !== null
}

test('an event is kept until its time, and goes then with all that came of it; what is counted stays', async () => {
  await report(carillon, 'email', [{ status: 'delivered', deliveryId: 'nobody knows' }])
  await mentionTo('ada')
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload: { author: 'Bob' }, recipients: [] })
  email.next({ outcome: 'temporary' })
  await invoiceTo('ada')
  await trigger(carillon, {
    notificationKey: 'invoice.overdue',
    payload: { invoiceId: 'i1', amount: 1 },
    recipients: to('bob'),
  })
  await comments(carillon, ['one', 'two'])
  await signal(carillon, { name: 'shipped', recipientId: 'ada' })
  await carillon.drainJobs()
  for (let days = 0; days < 40; days += 5) await daysLater(carillon, clock, 5)
  expect((await buckets(carillon)).map(({ state }: { state: string }) => state)).toEqual(['EMITTED'])
  const before = await historyRows(carillon)
  for (const table of ['event', 'delivery_transition', 'digest_membership', 'workflow_transition', 'webhook_ingress'])
    expect([table, before[table]]).not.toEqual([table, undefined])
  const counted = await outcomesOf(carillon)

  await pruneWhole(carillon, clock)
  expect(await historyRows(carillon)).toEqual(before)
  clock.advance(60 * DAY_MS)
  const first = await carillon.app.prune()
  expect(first.items).toBe(4)
  expect(await outcomesOf(carillon)).toEqual(counted)
  clock.advance(35 * DAY_MS)
  await carillon.app.prune()
  expect(await historyRows(carillon)).toEqual({})
  expect(await outcomesOf(carillon)).toEqual(counted)
  expect(await carillon.app.prune()).toEqual({
    events: 0,
    notifications: 0,
    deliveries: 0,
    items: 0,
    signals: 0,
    reports: 0,
  })
})

test('nothing goes of what is still open, however old it is', async () => {
  email.next({ outcome: 'temporary', retryAfterMs: 300 * DAY_MS })
  const { event: waiting } = await invoiceTo('carl')
  await carillon.drainJobs()
  const { event: scheduled } = await invoiceTo('carl', {
    sendAt: new Date(clock.now().getTime() + 250 * DAY_MS).toISOString(),
  })
  clock.advance(200 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await isKept(waiting.id)).toBe(true)
  expect(await isKept(scheduled.id)).toBe(true)
  await daysLater(carillon, clock, 110)
  // From when the last thing happened to it, not from when it was accepted.
  await pruneWhole(carillon, clock)
  expect(await isKept(waiting.id)).toBe(true)
  clock.advance(90 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await isKept(waiting.id)).toBe(false)
  expect(await isKept(scheduled.id)).toBe(false)
})

test('a delivery goes only when no cap counts it any more', async () => {
  await setPolicy(carillon, 'dora', { caps: [{ limit: 1, windowMinutes: 365 * 1_440, channel: 'email' }] })
  const { event: counted } = await invoiceTo('dora')
  await carillon.drainJobs()
  clock.advance(200 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await isKept(counted.id)).toBe(true)
  await invoiceTo('dora')
  await carillon.drainJobs()
  expect(await outcomesOf(carillon, { notificationKey: 'invoice.sent' })).toContain('invoice.sent email SUPPRESSED 1')
  clock.advance(200 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await isKept(counted.id)).toBe(false)
})

test('what went into a digest is kept as long as the digest is, and goes after it', async () => {
  const [one] = await comments(carillon, ['one'], { recipientId: 'emil' })
  await daysLater(carillon, clock, 1)
  email.next({ outcome: 'temporary', retryAfterMs: 100 * DAY_MS })
  await comments(carillon, ['two'], { recipientId: 'emil' })
  await daysLater(carillon, clock, 1)
  const [open] = (await buckets(carillon, { recipientId: 'emil' })).slice(-1)
  expect(open.state).toBe('EMITTED')
  clock.advance(95 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await isKept(one as string)).toBe(false)
  // Its digest was tried again this week.
  expect(
    (await buckets(carillon, { recipientId: 'emil' })).map(({ memberCount }: { memberCount: number }) => memberCount),
  ).toEqual([1])
  await daysLater(carillon, clock, 30)
  clock.advance(95 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await buckets(carillon, { recipientId: 'emil' })).toEqual([])
})

test('a run that waits keeps its event, and goes with it once it is over', async () => {
  await trigger(carillon, {
    notificationKey: 'invoice.overdue',
    payload: { invoiceId: 'i2', amount: 1 },
    recipients: to('fred'),
  })
  clock.advance(120 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await runsOf(carillon, { recipientId: 'fred' })).toHaveLength(1)
  for (let days = 0; days < 30; days += 5) await daysLater(carillon, clock, 5)
  clock.advance(95 * DAY_MS)
  await pruneWhole(carillon, clock)
  expect(await runsOf(carillon, { recipientId: 'fred' })).toEqual([])
})

test('the idempotency key of a pruned event makes a new one', async () => {
  const { event } = await invoiceTo('gina', { idempotencyKey: 'again' })
  await carillon.drainJobs()
  expect((await invoiceTo('gina', { idempotencyKey: 'again' })).deduplicated).toBe(true)
  clock.advance(95 * DAY_MS)
  await pruneWhole(carillon, clock)
  const BY_KEY = '{ eventByIdempotencyKey(idempotencyKey: "again") { id } }'
  expect((await carillon.ok(carillon.operatorKey, BY_KEY)).eventByIdempotencyKey).toBeNull()
  const anew = await invoiceTo('gina', { idempotencyKey: 'again' })
  expect(anew.deduplicated).toBe(false)
  expect(anew.event.id).not.toBe(event.id)
  await carillon.drainJobs()
})

test('an audience larger than a batch goes in parts, and its event with the last of them', async () => {
  const recipients = Array.from({ length: 250 }, (_, index) => ({ id: `many-${index}` }))
  const { event } = await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author: 'B' },
    recipients,
  })
  await carillon.drainJobs()
  clock.advance(95 * DAY_MS)
  const { items } = await carillon.app.prune()
  expect(items).toBe(250)
  clock.advance(2 * DAY_MS)
  const pruned = await carillon.app.prune()
  expect(pruned.notifications).toBeGreaterThanOrEqual(250)
  expect(await isKept(event.id)).toBe(false)
})
