import { afterEach, beforeEach, expect, test } from 'vitest'
import { memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf } from '../support/deliveries.ts'
import { inboxOf } from '../support/inbox.ts'
import { trigger } from '../support/trigger.ts'
import { mentionJourney, runsOf, standOf } from '../support/workflows.ts'

const HOUR = 3_600_000

let clock: TestClock
let mail: ReturnType<typeof memory>
let carillon: TestCarillon

beforeEach(async () => {
  clock = new TestClock()
  mail = memory({ name: 'mail' })
  carillon = await startCarillon({ notifiers: [mentionJourney], adapters: { email: mail } }, { clock })
})
afterEach(() => carillon.close())

const mention = (author: string) =>
  trigger(carillon, {
    notificationKey: 'comment.mentioned',
    payload: { author },
    recipients: [{ id: 'ada', email: 'ada@example.test' }],
  })
const subjects = () => mail.messages.map(({ content }) => (content as { subject: string }).subject)

test('a mention that is unread for an hour becomes an e-mail', async () => {
  const { event } = await mention('Bob')
  const inApp = await deliveryOf(carillon, { eventId: event.id })
  expect(inApp.explanation.summary).toBe(
    'Arrived in the inbox at 2026-01-15 12:00:00 UTC; it is the first step, "inbox", of the workflow mention, which waits until 2026-01-15 13:00:00 UTC or for the signal notification.read.',
  )
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(subjects()).toEqual(['Bob mentioned you'])
})

test('a mention that is read in between does not, and seeing it is not reading it', async () => {
  await mention('Bob')
  const inbox = await inboxOf(carillon, 'ada')
  await inbox.mark('markSeen', { filter: {} })
  expect((await runsOf(carillon)).map(standOf)).toEqual(['WAITING inbox waiting_for_step_progression'])
  await inbox.mark('markRead', { filter: {} })
  expect((await runsOf(carillon)).map(standOf)).toEqual(['STOPPED inbox workflow_stopped'])
  clock.advance(HOUR)
  expect(await carillon.drainJobs()).toBe(0)
  expect(subjects()).toEqual([])
})

test('of two mentions of one person, one read, only the other goes on', async () => {
  await mention('Bob')
  await mention('Cleo')
  const inbox = await inboxOf(carillon, 'ada')
  const [cleo] = await inbox.items()
  expect(cleo?.title).toBe('Cleo mentioned you')
  await inbox.mark('markRead', { ids: [cleo?.id] })
  clock.advance(HOUR)
  await carillon.drainJobs()
  expect(subjects()).toEqual(['Bob mentioned you'])
  expect((await runsOf(carillon)).map(standOf)).toEqual([
    'COMPLETED mail workflow_completed',
    'STOPPED inbox workflow_stopped',
  ])
})
