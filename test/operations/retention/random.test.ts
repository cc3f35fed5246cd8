import { afterAll, beforeAll, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../../support/carillon.ts'
import { TestClock } from '../../support/clock.ts'
import { comment, HOURLY } from '../../support/digests.ts'
import { brokenInvariants } from '../../support/invariants.ts'
import { invoice, mention } from '../../support/notifiers.ts'
import { randomOfRun } from '../../support/random.ts'
import { report, takesEvents } from '../../support/reports.ts'
import { DAY_MS, historyRows, outcomesOf } from '../../support/retention.ts'
import { scripted } from '../../support/scripted-adapter.ts'
import { setPolicy } from '../../support/settings.ts'
import { trigger } from '../../support/trigger.ts'
import { invoiceOverdue, signal } from '../../support/workflows.ts'

/*
 * Some months of a service in which everything happens that can, with a pruning now and then: at no time is anything
 * gone that was open, or counted otherwise than before.
 */

const PEOPLE = ['ada', 'bob', 'carl', 'dora', 'emil']
const STEPS = 60

const random = randomOfRun('retention')
const clock = new TestClock()
const email = { ...scripted('email'), ...takesEvents }
const books = scripted('books')
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(
    {
      notifiers: [mention, invoice, comment, invoiceOverdue],
      adapters: { email, books },
      digestRules: [HOURLY],
      retention: { events: '30d', inbox: { archived: '3d', read: '10d' }, signals: '5d', fruitlessReports: '2d' },
    },
    { clock },
  )
  await setPolicy(carillon, 'bob', { caps: [{ limit: 2, windowMinutes: 60 * 1_440, channel: 'email' }] })
  await setPolicy(carillon, 'carl', { quietHours: [{ start: '00:00', end: '20:00' }] })
})
afterAll(() => carillon.close())

const somebody = () => random.pick(PEOPLE)
const recipients = () =>
  random
    .sample(PEOPLE, 1 + random.below(3))
    .map((id) => ({ id, ...(random.chance(0.8) && { email: `${id}@example.test` }) }))

const NOTIFIERS = [
  ['comment.mentioned', { author: 'Bob' }],
  ['invoice.sent', { number: 1 }],
  ['comment.added', { text: 'hi' }],
  ['invoice.overdue', { invoiceId: 'i', amount: 1 }],
] as const

const events: string[] = []
const send = async (): Promise<void> => {
  const [notificationKey, payload] = random.pick(NOTIFIERS)
  const sendAt = random.chance(0.1) && {
    sendAt: new Date(clock.now().getTime() + random.below(40) * DAY_MS + 1).toISOString(),
  }
  const { event } = await trigger(carillon, { notificationKey, payload, recipients: recipients(), ...sendAt })
  events.push(event.id)
}

const ACTIONS: readonly (() => Promise<unknown>)[] = [
  send,
  send,
  send,
  async () => {
    const action = random.pick(['markRead', 'archive', 'markSeen'])
    await carillon.ok(
      await carillon.tokenFor(somebody()),
      `mutation { ${action}(input: { filter: {} }) { affectedCount } }`,
    )
  },
  async () => {
    const token = await carillon.tokenFor(somebody())
    const { inbox } = await carillon.ok(token, '{ inbox { notifications(first: 2) { edges { node { id } } } } }')
    const ids = inbox.notifications.edges.map(({ node }: { node: { id: string } }) => node.id)
    const until = new Date(clock.now().getTime() + (1 + random.below(20)) * DAY_MS).toISOString()
    await carillon.ok(token, 'mutation ($input: SnoozeInput!) { snooze(input: $input) { affectedCount } }', {
      input: { ids, until },
    })
  },
  () => signal(carillon, { name: random.pick(['invoice.paid', 'shipped']), recipientId: somebody() }),
  () => report(carillon, 'email', [{ status: 'delivered', deliveryId: 'nobody knows' }]),
  async () => {
    const id = events.length > 0 ? random.pick(events) : 'none'
    await carillon.ask(
      carillon.backendKey,
      'mutation ($id: ID!) { cancelEvent(input: { eventId: $id }) { event { id } } }',
      { id },
    )
  },
  async () => {
    const query = '{ deliveries(first: 20) { edges { node { id channel status } } } }'
    const { deliveries } = await carillon.ok(carillon.operatorKey, query)
    if (deliveries.edges.length === 0) return
    const { node } = random.pick(deliveries.edges as { node: { id: string; channel: string; status: string } }[])
    if (node.channel === 'email' && random.chance(0.5)) {
      await report(carillon, 'email', [
        { status: random.pick(['delivered', 'bounced', 'failed']), deliveryId: node.id },
      ])
      return
    }
    // After its tries, and not at the instant of the last: by their times alone one could not tell which came first.
    clock.advance(1)
    await carillon.ask(
      carillon.operatorKey,
      'mutation ($id: ID!) { retryDelivery(input: { deliveryId: $id, reason: "asked" }) { delivery { id } } }',
      { id: node.id },
    )
  },
  async () => {
    clock.advance((1 + random.below(12)) * DAY_MS)
    const acts = Array.from({ length: 3 }, () => ({ outcome: random.pick(['accepted', 'temporary', 'permanent']) }))
    email.next(...acts)
    if (random.chance(0.8)) await carillon.drainJobs()
  },
]

/** All that still moves or waits, by what it is and its id. */
const openRows = async (): Promise<readonly string[]> => {
  const { rows } = await carillon.sql.query<{ name: string }>(`
    select 'event ' || id as name from event where status in ('scheduled', 'planning') or sealed_payload is not null
    union all select 'delivery ' || id from delivery where status in ('pending', 'failed', 'dispatched')
    union all select 'run ' || id from workflow_run where state in ('active', 'waiting')
    union all select 'bucket ' || id from digest_bucket where state = 'open'
    union all select 'member ' || delivery_id from digest_membership where resolution is null
    union all select 'due ' || kind || ' ' || subject_id from due
    union all select 'report ' || id from webhook_ingress where state = 'queued'
    union all select 'snoozed ' || id from notification where snoozed_until is not null
    union all select 'event of ' || v.id || ' ' || e.id from delivery v join event e on e.id = v.event_id where v.status in ('pending', 'failed', 'dispatched')
    order by 1`)
  return rows.map(({ name }) => name)
}

test('whatever happened, pruning takes nothing that is open, changes no count, and leaves all in order', {
  timeout: 120_000,
}, async () => {
  let pruned = 0
  for (let step = 0; step < STEPS; step++) {
    await random.pick(ACTIONS)()
    if (step % 6 !== 5) continue
    const [open, counted] = [await openRows(), await outcomesOf(carillon)]
    pruned += (await carillon.app.prune()).notifications
    expect(await openRows()).toEqual(open)
    expect(await outcomesOf(carillon)).toEqual(counted)
    expect(await brokenInvariants(carillon.sql)).toEqual([])
  }
  // All comes to its end, out of quiet hours, and then nothing is left.
  clock.advance(9 * 3_600_000)
  for (let days = 0; days < 150; days += 10) {
    clock.advance(10 * DAY_MS)
    await carillon.drainJobs()
  }
  const counted = await outcomesOf(carillon)
  for (let round = 0; round < 4; round++) {
    clock.advance(40 * DAY_MS)
    await carillon.drainJobs()
    pruned += (await carillon.app.prune()).notifications
  }
  expect(pruned).toBeGreaterThan(0)
  expect(await outcomesOf(carillon)).toEqual(counted)
  expect(await historyRows(carillon)).toEqual({})
})
