import { afterAll, beforeAll, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { invoice, mention, page } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'

const MORNING = '2026-01-15T09:00:00.000Z'
const NOON = '2026-01-15T12:00:00.000Z'
const EVENING = '2026-01-15T18:00:00.000Z'

const OUTCOMES = `query ($filter: OutcomeFilter) {
  outcomes(filter: $filter) { notificationKey channel outcome count }
}`

interface Count {
  readonly notificationKey: string
  readonly channel: string
  readonly outcome: string
  readonly count: number
}

const clock = new TestClock(MORNING)
const pager = scripted('pager', { retry: { attempts: 2, firstDelay: '1m', maxDelay: '1m' } })
let carillon: TestCarillon

const outcomes = async (filter?: object): Promise<Count[]> =>
  (await carillon.ok(carillon.operatorKey, OUTCOMES, { filter })).outcomes

/** The counts in short. */
const counts = async (filter?: object): Promise<string[]> =>
  (await outcomes(filter)).map((one) => `${one.notificationKey} ${one.channel} ${one.outcome} ${one.count}`)

const call = (...acts: unknown[]) => {
  pager.next(...acts)
  return trigger(carillon, { notificationKey: 'pager.call', payload: {} })
}

beforeAll(async () => {
  carillon = await startCarillon(
    { notifiers: [mention, invoice, page], adapters: { email: memory(), pager } },
    // One is put into a digest by hand, without the rest of it.
    { clock, brokenOnPurpose: true },
  )
  expect(await outcomes()).toEqual([])
  const address = (id: string) => ({ id, email: `${id}@example.test` })
  const payload = { author: 'Bob' }

  // In the morning: two who get it by both ways, one without an address, one at night.
  await trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload,
    recipients: [address('ada'), address('bob'), { id: 'carl' }],
  })
  const quiet = `mutation { setPolicySettings(input: { recipientId: "dan", quietHours: [{ start: "08:00", end: "20:00" }] }) { __typename } }`
  await carillon.ok(carillon.backendKey, quiet)
  await trigger(carillon, { notificationKey: 'comment.mentioned', payload, recipients: [address('dan')] })
  await carillon.drainJobs()

  // At noon: one call that runs out of tries, one that is refused, one that fails for now, one that is cancelled.
  clock.set(NOON)
  await call({ outcome: 'temporary' }, { outcome: 'temporary' })
  await carillon.drainJobs()
  clock.advance(60_000)
  await carillon.drainJobs()
  clock.set(NOON)
  await call({ outcome: 'permanent' })
  await carillon.drainJobs()
  await call({ outcome: 'temporary', retryAfterMs: 3_600_000 })
  await carillon.drainJobs()
  const { event } = await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await carillon.ok(
    carillon.backendKey,
    `mutation { cancelEvent(input: { eventId: "${event.id}" }) { cancelledCount } }`,
  )

  // In the evening: one that waits, and one that became part of a digest.
  clock.set(EVENING)
  await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 1 }, recipients: [address('ada')] })
  await trigger(carillon, { notificationKey: 'invoice.sent', payload: { number: 2 }, recipients: [address('ada')] })
  await carillon.sql.query(`
    with digested as (
      update delivery set status = 'digested' where event_id = (select id from event where payload @> '{"number": 2}') returning id
    )
    delete from due using digested where subject_id = digested.id`)
})
afterAll(() => carillon.close())

const MENTIONS = [
  'comment.mentioned email DELAYED 1',
  'comment.mentioned email SENT 2',
  'comment.mentioned email SUPPRESSED 1',
  'comment.mentioned in_app SENT 4',
]
const INVOICES = ['invoice.sent email DIGESTED 1', 'invoice.sent email PENDING 1']
const CALLS = ['pager.call pager CANCELLED 2', 'pager.call pager EXHAUSTED 1', 'pager.call pager FAILED 1']

test('every delivery is counted by what became of it, in order of notification, channel and outcome', async () => {
  expect(await counts()).toEqual([...MENTIONS, ...INVOICES, ...CALLS])
})

test('one notification and one channel are counted alone where asked for', async () => {
  expect(await counts({ notificationKey: 'pager.call' })).toEqual(CALLS)
  expect(await counts({ notificationKey: 'comment.mentioned', channel: 'in_app' })).toEqual([MENTIONS[3]])
  expect(await counts({ channel: 'email' })).toEqual([...MENTIONS.slice(0, 3), ...INVOICES])
  expect(await counts({ notificationKey: 'nothing' })).toEqual([])
  expect(await counts({ notificationKey: '' })).toEqual([])
  expect(await counts({ notificationKey: null, channel: null, insertedAfter: null })).toEqual(await counts())
})

test('an interval holds its beginning and not its end', async () => {
  expect(await counts({ insertedAfter: NOON, insertedBefore: EVENING })).toEqual(CALLS)
  expect(await counts({ insertedBefore: NOON })).toEqual(MENTIONS)
  expect(await counts({ insertedAfter: EVENING })).toEqual(INVOICES)
  expect(await counts({ insertedAfter: '2026-01-15T18:00:00.001Z' })).toEqual([])
  expect(await counts({ insertedAfter: EVENING, insertedBefore: NOON })).toEqual([])
})

test('intervals that follow each other count everything once', async () => {
  const sum = async (filter?: object) => (await outcomes(filter)).reduce((total, { count }) => total + count, 0)
  const parts = [{ insertedBefore: NOON }, { insertedAfter: NOON, insertedBefore: EVENING }, { insertedAfter: EVENING }]
  const sums = await Promise.all(parts.map(sum))
  expect(sums.reduce((total, one) => total + one)).toBe(await sum())
})

test("another tenant's deliveries do not count", async () => {
  const { operatorKey } = await carillon.addTenant('neighbour')
  expect((await carillon.ok(operatorKey, OUTCOMES)).outcomes).toEqual([])
})
