import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveryOf, storyOf } from '../support/deliveries.ts'
import { mention } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { setPolicy } from '../support/settings.ts'
import { until } from '../support/until.ts'

const mail = scripted('mail', { retry: { firstDelay: '1m', maxDelay: '1m' } })
const clock = new TestClock()
let carillon: TestCarillon
let backend: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [mention], adapters: { email: mail } }, { clock })
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(async () => {
  backend.close()
  await carillon.close()
})

/** What the mail provider says to each; to whom it says nothing here, it answers when the test lets it. */
const PROVIDER: Readonly<Record<string, object>> = {
  sent: { outcome: 'accepted' },
  failed: { outcome: 'temporary', reason: 'busy' },
}

test('an event that is cancelled in mid-flight stops what can be stopped, and says of each what became of it', async () => {
  let letGo: (answer: object) => void = () => {}
  const inHand = new Promise<void>((taken) => {
    const act = ({ recipient }: { recipient: { id: string } }) => {
      if (PROVIDER[recipient.id]) return Promise.resolve(PROVIDER[recipient.id])
      taken()
      return new Promise((answer) => {
        letGo = answer
      })
    }
    mail.next(act, act, act)
  })
  await setPolicy(carillon, 'held', { quietHours: [{ start: '11:00', end: '14:00' }] })
  const { event } = await backend.trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'posted-by-mistake',
    payload: { author: 'Ada' },
    recipients: ['sent', 'failed', 'handed over', 'held'].map((id) => ({
      id,
      email: `${id.replace(' ', '-')}@example.test`,
    })),
  })
  const mailTo = (recipientId: string) => deliveryOf(carillon, { eventId: event.id, recipientId, channel: 'email' })
  const draining = carillon.drainJobs()
  await inHand
  await until('the others have their answers', async () => {
    const [sent, failed] = [await mailTo('sent'), await mailTo('failed')]
    return sent.status === 'SUCCEEDED' && failed.status === 'FAILED'
  })

  clock.advance(1_000)
  const cancelled = await backend.cancelEvent({ eventId: event.id, reason: 'posted by mistake' })
  // Too late for four inboxes, the mail that was sent and the one that is being sent.
  expect(cancelled).toMatchObject({ cancelledCount: 2, tooLateCount: 6, event: { status: 'CANCELLED' } })
  letGo({ outcome: 'accepted' })
  await draining
  clock.advance(24 * 3_600_000)
  expect(await carillon.drainJobs()).toBe(0)
  expect(mail.calls.map(({ recipient }) => recipient.id).sort()).toEqual(['failed', 'handed over', 'sent'])

  for (const recipientId of ['sent', 'handed over']) {
    const { status, explanation } = await mailTo(recipientId)
    expect(status).toBe('SUCCEEDED')
    expect(explanation.summary).toMatch(/^Sent at .* by mail, on try 1\.$/)
  }
  const failed = await mailTo('failed')
  expect(storyOf(failed)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'claimed',
    'attempt_recorded',
    'retry_scheduled',
    'event_cancelled',
  ])
  const held = await mailTo('held')
  expect(storyOf(held).slice(2)).toEqual(['delivery_planned', 'deferred', 'event_cancelled'])
  for (const { status, suppressionReason, explanation } of [failed, held]) {
    expect([status, suppressionReason]).toEqual(['CANCELLED', 'event_cancelled'])
    expect(explanation.timeline.at(-1)).toMatchObject({
      at: '2026-01-15T12:00:01.000Z',
      detail: { reason: 'event_cancelled', words: 'posted by mistake' },
    })
    expect(explanation.summary).toMatch(/^Not sent: .*cancelled/)
  }
  // Asked again, nothing is left to stop.
  expect(await backend.cancelEvent({ eventId: event.id })).toMatchObject({ cancelledCount: 0 })
})
