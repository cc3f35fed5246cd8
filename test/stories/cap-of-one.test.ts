import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { deliveriesOf, storyOf } from '../support/deliveries.ts'
import { mention } from '../support/notifiers.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { setPolicy } from '../support/settings.ts'

const mail = scripted('mail')
const clock = new TestClock()
let carillon: TestCarillon
let neighbour: TestCarillon
let clients: readonly CarillonClient[]
beforeAll(async () => {
  const config = { notifiers: [mention], adapters: { email: mail } }
  carillon = await startCarillon(config, { clock })
  neighbour = await startCarillon(config, { clock, databaseUrl: carillon.databaseUrl })
  clients = [carillon, neighbour].map(({ graphqlUrl, backendKey }) =>
    createClient({ url: graphqlUrl, token: backendKey }),
  )
})
afterAll(async () => {
  for (const client of clients) client.close()
  await neighbour.close()
  await carillon.close()
})

const comment = (index: number) =>
  (clients[index % 2] as CarillonClient).trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: `comment-${index}`,
    payload: { author: 'Ada', text: `remark ${index}` },
    recipients: [{ id: 'bob', email: 'bob@example.test' }],
  })
const drainBoth = () => Promise.all([carillon.drainJobs(), neighbour.drainJobs()])

test('fifty comments in the same moment are fifty items of an inbox, and one mail', async () => {
  await setPolicy(carillon, 'bob', { caps: [{ limit: 1, windowMinutes: 60, category: 'comments' }] })
  await Promise.all(Array.from({ length: 50 }, (_, index) => comment(index)))
  await drainBoth()
  expect(mail.calls).toHaveLength(1)
  const { inbox } = await carillon.ok(await carillon.tokenFor('bob'), '{ inbox { counts { total unread } } }')
  expect(inbox.counts).toEqual({ total: 50, unread: 50 })

  const mails = await deliveriesOf(carillon, { recipientId: 'bob', channel: 'email' })
  const [sent, ...rest] = mails.filter(({ status }) => status === 'SUCCEEDED')
  const capped = mails.filter(({ suppressionReason }) => suppressionReason === 'delivery_cap_reached')
  expect([rest.length, capped.length]).toEqual([0, 49])
  expect(storyOf(sent)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'claimed',
    'attempt_recorded',
  ])
  for (const { explanation, attempts } of capped) {
    expect(attempts).toEqual([])
    expect(explanation.timeline.at(-1)).toMatchObject({
      event: 'suppressed',
      detail: { reason: 'delivery_cap_reached', checkpoint: 'planning' },
    })
    const asked = explanation.decisions.find(({ rule }: { rule: string }) => rule === 'delivery_cap')
    expect(asked.facts.caps).toMatchObject([{ limit: 1, count: 1, freesAt: '2026-01-15T13:00:00.000Z' }])
    expect(explanation.summary).toMatch(/^Not sent: .*1 of 1/)
  }

  // A moment before the hour is over the next one is one too many; then there is room for one more.
  clock.set('2026-01-15T12:59:59.999Z')
  await comment(50)
  clock.set('2026-01-15T13:00:00.000Z')
  await Promise.all([51, 52, 53].map(comment))
  await drainBoth()
  expect(mail.calls).toHaveLength(2)
})
