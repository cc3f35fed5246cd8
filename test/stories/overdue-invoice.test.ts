import { afterEach, beforeEach, expect, test } from 'vitest'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, standsOf, storyOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger } from '../support/trigger.ts'
import { invoiceOverdue, movesOf, runOf, signal, standOf } from '../support/workflows.ts'

const DAY = 86_400_000

let clock: TestClock
let mail: ReturnType<typeof scripted>
let books: ReturnType<typeof scripted>
let carillon: TestCarillon

beforeEach(async () => {
  clock = new TestClock()
  mail = scripted('mail')
  books = scripted('books')
  carillon = await startCarillon({ notifiers: [invoiceOverdue], adapters: { email: mail, books } }, { clock })
})
afterEach(() => carillon.close())

const overdue = (amount = 10) =>
  trigger(carillon, {
    notificationKey: 'invoice.overdue',
    payload: { invoiceId: 'i1', amount },
    recipients: [{ id: 'ada', email: 'ada@example.test' }],
  })

test('an overdue invoice goes to the inbox, three days later by e-mail, and where that bounces to the books', async () => {
  const { event } = await overdue()
  expect((await (await inboxOf(carillon, 'ada')).items()).map(({ title }) => title)).toEqual(['Invoice i1 is overdue'])
  expect(await standsOf(carillon, { eventId: event.id })).toEqual(['in_app SUCCEEDED'])
  expect(await runOf(carillon)).toMatchObject({
    state: 'WAITING',
    currentStepKey: 'tell',
    waitingUntil: '2026-01-18T12:00:00.000Z',
    waitingForSignals: ['invoice.paid'],
  })

  clock.advance(3 * DAY - 1)
  expect(await carillon.drainJobs()).toBe(0)
  clock.advance(1)
  mail.next({ outcome: 'bounced', reason: 'no such mailbox' })
  await carillon.drainJobs()

  expect([mail.calls.length, books.calls.map(({ content }) => content)]).toEqual([1, [{ invoice: 'i1', amount: 10 }]])
  const run = await runOf(carillon)
  expect(standOf(run)).toBe('COMPLETED hand_over workflow_completed')
  expect(movesOf(run)).toEqual([
    'workflow_started',
    'step_activated',
    'waiting_for_step_progression',
    'reactivated_from_wait',
    'progressed_on_delivery_outcome',
    'step_activated',
    'progressed_on_delivery_outcome',
    'step_activated',
    'workflow_completed',
  ])
  expect(await standsOf(carillon, { eventId: event.id })).toEqual([
    'in_app SUCCEEDED',
    'email bounced',
    'books SUCCEEDED',
  ])

  // Each says why it exists, and what came of it.
  const byMail = await deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  expect(storyOf(byMail)).toEqual([
    'event_created',
    'notification_created',
    'workflow_progressed',
    'delivery_planned',
    'claimed',
    'attempt_recorded',
    'cancelled',
    'workflow_progressed',
  ])
  const entries = byMail.explanation.timeline.filter(({ event }: { event: string }) => event === 'workflow_progressed')
  expect(entries.map(({ detail }: { detail: unknown }) => detail)).toMatchObject([
    { fromStep: 'tell', toStep: 'remind', outcome: 'wait_elapsed' },
    { fromStep: 'remind', toStep: 'hand_over', outcome: 'bounced' },
  ])
  expect(byMail.explanation.summary).toBe(
    'Not sent: the provider said at 2026-01-18 12:00:00 UTC that the address does not exist or takes no messages; the provider\'s words: "no such mailbox"; it was step "remind" of the workflow invoice-dunning, taken when the wait after "tell" was over; "hand_over" followed.',
  )
})

test('an invoice that is paid in between is never written about again', async () => {
  const { event } = await overdue()
  clock.advance(DAY)
  const { deduplicated } = await signal(carillon, { name: 'invoice.paid', recipientId: 'ada' })
  expect(deduplicated).toBe(false)
  const run = await runOf(carillon)
  expect(standOf(run)).toBe('STOPPED tell workflow_stopped')
  expect([run.waitingUntil, run.waitingForSignals]).toEqual([null, []])

  clock.advance(30 * DAY)
  expect(await carillon.drainJobs()).toBe(0)
  expect(mail.calls).toEqual([])
  const [inApp] = await deliveriesOf(carillon, { eventId: event.id })
  expect(storyOf(inApp)).toEqual([
    'event_created',
    'notification_created',
    'workflow_started',
    'delivery_planned',
    'attempt_recorded',
    'workflow_waiting',
    'workflow_stopped',
  ])
  expect(inApp.explanation.summary).toBe(
    'Arrived in the inbox at 2026-01-15 12:00:00 UTC; it is the first step, "tell", of the workflow invoice-dunning, which was stopped at 2026-01-16 12:00:00 UTC by the signal invoice.paid.',
  )
})

test('a large invoice is handed over however its e-mail ended', async () => {
  await overdue(5_000)
  clock.advance(3 * DAY)
  await carillon.drainJobs()
  expect([mail.calls.length, books.calls.length]).toEqual([1, 1])
  const { transitions } = await runOf(carillon)
  expect(transitions.find(({ context }: { context: { when?: string } }) => context.when === 'large')).toMatchObject({
    stepKey: 'remind',
    context: { outcome: 'delivered', toStep: 'hand_over' },
  })
})
