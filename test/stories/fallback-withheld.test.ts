import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, storyOf } from '../support/deliveries.ts'
import { reminder } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'

const sms = scripted('sms')
const clock = new TestClock()
let carillon: TestCarillon
let backend: CarillonClient
let bob: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [reminder], adapters: { sms } }, { clock })
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  bob = createClient({ url: carillon.graphqlUrl, token: () => carillon.tokenFor('bob') })
})
afterAll(async () => {
  for (const client of [backend, bob]) client.close()
  await carillon.close()
})

test('who has read it is not sent a text message as well, and who has not is', async () => {
  await backend.upsertRecipients({
    recipients: [
      { id: 'ada', phone: '+491700000001' },
      { id: 'bob', phone: '+491700000002' },
    ],
  })
  const { event } = await backend.trigger({
    notificationKey: 'task.due',
    idempotencyKey: 'task-7',
    payload: { task: 'the report' },
    recipients: [{ id: 'ada' }, { id: 'bob' }],
  })
  const messageTo = (recipientId: string) => deliveryOf(carillon, { eventId: event.id, recipientId, channel: 'sms' })
  const waiting = await messageTo('bob')
  expect(waiting).toMatchObject({ waitingFor: 'fallback_delay', nextEligibleAt: '2026-01-15T12:15:00.000Z' })
  expect(waiting.explanation.summary).toMatch(/until .*12:15.*unread/)

  clock.set('2026-01-15T12:05:00.000Z')
  const updates = bob.watchInbox()
  await updates.next()
  await bob.markRead({ filter: {} })
  expect((await updates.next()).value).toMatchObject({ counts: { total: 1, unread: 0 } })
  await updates.return?.()

  clock.set('2026-01-15T12:15:00.000Z')
  await carillon.drainJobs()
  expect(sms.calls.map(({ address, content }) => [address, content])).toEqual([
    ['+491700000001', { text: 'Due: the report' }],
  ])
  const withheld = await messageTo('bob')
  expect(withheld).toMatchObject({ status: 'SUPPRESSED', suppressionReason: 'already_read', attempts: [] })
  expect(withheld.explanation.summary).toMatch(/^Not sent: .*read/)
  expect(storyOf(withheld)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'deferred',
    'notification_seen',
    'notification_read',
    'resumed',
    'suppressed',
  ])
  const sent = await messageTo('ada')
  expect(sent.explanation.summary).toMatch(/^Sent at .* by sms, on try 1\.$/)
  expect(storyOf(sent).slice(3)).toEqual(['deferred', 'resumed', 'claimed', 'attempt_recorded'])
})
