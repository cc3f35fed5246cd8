import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, deliveryOf, storyOf } from '../support/deliveries.ts'
import { alarm, mention } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { setPolicy, switchOff } from '../support/settings.ts'

const mail = scripted('mail')
const clock = new TestClock()
let carillon: TestCarillon
let backend: CarillonClient
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [alarm, mention], adapters: { email: mail } }, { clock })
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
})
afterAll(async () => {
  backend.close()
  await carillon.close()
})

const RECIPIENTS = [{ id: 'bob', email: 'bob@example.test' }]
const said = ({ decisions }: { decisions: readonly Record<string, unknown>[] }, rule: string) =>
  decisions.filter((decision) => decision['rule'] === rule).map(({ verdict, facts }) => [verdict, facts])

test('who has switched everything off still hears that somebody signed in', async () => {
  for (const channel of ['in_app', 'email']) await switchOff(carillon, 'bob', { channel })
  await switchOff(carillon, 'bob', { category: 'security' })
  await setPolicy(carillon, 'bob', { caps: [{ limit: 1, windowMinutes: 1_440 }] })

  const ordinary = await backend.trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'comment',
    payload: { author: 'Ada' },
    recipients: RECIPIENTS,
  })
  const events = []
  for (const idempotencyKey of ['sign-in 1', 'sign-in 2', 'sign-in 3']) {
    const { event } = await backend.trigger({
      notificationKey: 'security.alarm',
      idempotencyKey,
      recipients: RECIPIENTS,
    })
    events.push(event)
    await carillon.drainJobs()
    clock.advance(60_000)
  }
  expect(mail.calls.map(({ notificationKey }) => notificationKey)).toEqual(events.map(() => 'security.alarm'))
  const { inbox } = await carillon.ok(
    await carillon.tokenFor('bob'),
    '{ inbox { counts { total } notifications { edges { node { content { title } } } } } }',
  )
  expect(inbox.counts.total).toBe(3)

  for (const { explanation, suppressionReason } of await deliveriesOf(carillon, { eventId: ordinary.event.id })) {
    expect(suppressionReason).toBe('channel_disabled')
    expect(explanation.summary).toMatch(/^Not sent: .*switched/)
    expect(explanation.timeline.at(-1)).toMatchObject({ event: 'suppressed', detail: { reason: 'channel_disabled' } })
  }
  const last = await deliveryOf(carillon, { eventId: events.at(-1)?.id, channel: 'email' })
  expect(last.explanation.summary).toMatch(/^Sent at .* by mail, on try 1\.$/)
  expect(storyOf(last).slice(2)).toEqual(['delivery_planned', 'claimed', 'attempt_recorded'])
  // Asked at both checkpoints, and let through for what it is.
  for (const rule of ['notification_preference', 'category_preference', 'delivery_cap']) {
    expect([rule, said(last.explanation, rule)]).toEqual([
      rule,
      [
        ['PASS', { required: true }],
        ['PASS', { required: true }],
      ],
    ])
  }
})
