import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, storyOf } from '../support/deliveries.ts'
import { mention } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { NIGHT, setPolicy } from '../support/settings.ts'

const mail = scripted('mail')
// A quarter to eleven at night in Berlin.
const clock = new TestClock('2026-01-15T21:45:00.000Z')
let carillon: TestCarillon
let backend: CarillonClient
let bob: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention], adapters: { email: mail } }, { clock })
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  bob = createClient({ url: carillon.graphqlUrl, token: () => carillon.tokenFor('bob') })
})
afterAll(async () => {
  for (const client of [backend, bob]) client.close()
  await carillon.close()
})

const EIGHT = '2026-01-16T07:00:00.000Z'

test('nobody is woken: the inbox has it at once, the mail comes at eight, and support can say why', async () => {
  await backend.upsertRecipients({
    recipients: [{ id: 'bob', email: 'bob@example.test', timeZone: 'Europe/Berlin' }],
  })
  await setPolicy(carillon, 'bob', { quietHours: [NIGHT] })
  const updates = bob.watchInbox()
  await updates.next()
  const { event } = await backend.trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'late-comment',
    payload: { author: 'Ada', text: 'No hurry' },
    recipients: [{ id: 'bob' }],
  })
  expect((await updates.next()).value).toMatchObject({
    counts: { unread: 1 },
    changed: [{ content: { title: 'Ada mentioned you' } }],
  })
  await updates.return?.()

  const theMail = () => deliveryOf(carillon, { eventId: event.id, channel: 'email' })
  const held = await theMail()
  expect(held).toMatchObject({ status: 'PENDING', waitingFor: 'quiet_hours', nextEligibleAt: EIGHT })
  expect(held.explanation.summary).toMatch(/^Held until .*08:00.*Europe\/Berlin.*quiet hours 22:00–08:00/)

  // All night long there is nothing to do.
  for (clock.advance(3_600_000); clock.now() < new Date(EIGHT); clock.advance(3_600_000)) {
    expect(await carillon.drainJobs()).toBe(0)
  }
  expect(mail.calls).toEqual([])
  clock.set(EIGHT)
  expect(await carillon.drainJobs()).toBe(1)
  expect(mail.calls.map(({ address, content }) => [address, content])).toEqual([
    ['bob@example.test', expect.objectContaining({ subject: 'Mention', text: 'No hurry' })],
  ])

  const sent = await theMail()
  expect(sent).toMatchObject({ status: 'SUCCEEDED', waitingFor: null })
  expect(sent.explanation.summary).toMatch(/^Sent at .* by mail, on try 1\.$/)
  expect(storyOf(sent)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'deferred',
    'resumed',
    'claimed',
    'attempt_recorded',
  ])
  const deferred = sent.explanation.timeline.find((entry: { event: string }) => entry.event === 'deferred')
  expect(deferred).toMatchObject({
    at: '2026-01-15T21:45:00.000Z',
    detail: { reason: 'quiet_hours', nextEligibleAt: EIGHT },
  })
})
