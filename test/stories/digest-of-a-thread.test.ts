import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { defineConfig, defineNotifier, smtp } from '../../server/index.ts'
import { type SmtpProvider, smtpProvider } from '../adapters/smtp-provider.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'

const commentAdded = defineNotifier({
  key: 'comment.added',
  version: 1,
  category: 'comments',
  payload: z.object({ threadId: z.string(), author: z.string(), text: z.string() }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: `${payload.author} commented`, body: payload.text }),
    email: ({ payload }) => ({ subject: `${payload.author} commented`, html: '', text: payload.text }),
  },
  digest: { email: { key: ({ payload }) => payload.threadId } },
  renderDigest: {
    email: ({ items, recipient }) => ({
      subject: `${items.length} new comments`,
      html: `<ul>${items.map(({ payload }) => `<li>${payload.text}</li>`).join('')}</ul>`,
      text: [`Hello ${recipient.displayName}`, ...items.map(({ payload }) => payload.text)].join('\n'),
    }),
  },
})

const clock = new TestClock('2026-01-15T12:00:00.000Z')
let mailServer: SmtpProvider
let carillon: TestCarillon
let clients: Record<'backend' | 'operator' | 'bob' | 'eve', CarillonClient>
beforeAll(async () => {
  mailServer = await smtpProvider()
  const mail = smtp({ url: `smtp://127.0.0.1:${mailServer.port}`, from: 'Example <no-reply@example.test>' })
  const config = defineConfig({
    notifiers: [commentAdded],
    adapters: { email: mail },
    digestRules: [
      {
        key: 'comments-hourly',
        version: 1,
        channel: 'email',
        matchNotificationKey: 'comment.added',
        groupBy: 'digest_key',
        window: { kind: 'fixed', minutes: 60 },
        excludeRead: true,
      },
    ],
  })
  carillon = await startCarillon(config, { clock })
  const as = (token: string | (() => Promise<string>)) => createClient({ url: carillon.graphqlUrl, token })
  clients = {
    backend: as(carillon.backendKey),
    operator: as(carillon.operatorKey),
    bob: as(() => carillon.tokenFor('bob')),
    eve: as(() => carillon.tokenFor('eve')),
  }
})
afterAll(async () => {
  for (const client of Object.values(clients)) await client.close()
  await carillon.close()
  await mailServer.close()
})

const EXPLAIN = `query ($eventId: ID!) { deliveries(filter: { eventId: $eventId, channel: "email" }) { edges { node {
  notification { recipientId } explanation { status summary digest { outcome digestDeliveryId resolutionReason } timeline { event } }
} } } }`

const explainMails = async (eventId: string): Promise<Record<string, GraphQLAnswer['data']>> => {
  const { deliveries } = await carillon.ok(carillon.operatorKey, EXPLAIN, { eventId })
  return Object.fromEntries(
    deliveries.edges.map(({ node }: GraphQLAnswer['data']) => [node.notification.recipientId, node.explanation]),
  )
}

test('ten comments in an hour, two of them read: one mail with the other eight, none for whom it is switched off, and each says why', async () => {
  const { backend, operator, bob, eve } = clients
  await backend.upsertRecipients({
    recipients: [
      { id: 'bob', displayName: 'Bob', email: 'bob@example.test' },
      { id: 'eve', displayName: 'Eve', email: 'eve@example.test' },
    ],
  })
  const events: string[] = []
  for (let n = 1; n <= 10; n++) {
    clock.advance(60_000)
    const { event } = await backend.trigger({
      notificationKey: 'comment.added',
      idempotencyKey: `comment-${n}`,
      payload: { threadId: 'plans', author: 'Ada', text: `Remark ${n}` },
      actorId: 'ada',
      recipients: [{ id: 'bob' }, { id: 'eve' }, { id: 'ada' }],
    })
    events.push(event.id)
  }
  await carillon.drainJobs()
  expect(mailServer.mails).toEqual([])

  const { notifications } = await bob.inbox()
  const idOf = (body: string) =>
    notifications.edges.map(({ node }) => node).find(({ content }) => (content as { body?: string }).body === body)?.id
  await bob.markRead({ ids: [idOf('Remark 3') as string, idOf('Remark 7') as string] })
  await eve.setPreferences({ preferences: [{ category: 'comments', channel: 'email', enabled: false }] })

  const held = await explainMails(events[0] as string)
  expect(held['bob'].summary).toBe('Held for a digest by the rule comments-hourly:v1, which closes at 13:00 UTC.')

  clock.set('2026-01-15T13:00:00.000Z')
  await carillon.drainJobs()
  expect(mailServer.mails.map(({ to, mail }) => [to, mail.subject])).toEqual([[['bob@example.test'], '8 new comments']])
  const rest = [1, 2, 4, 5, 6, 8, 9, 10].map((n) => `Remark ${n}`)
  expect(mailServer.mails[0]?.mail.text?.trim().split(/\r?\n/)).toEqual(['Hello Bob', ...rest])

  const told = await Promise.all(events.map(explainMails))
  const [first] = told
  const digestDeliveryId = first?.['bob'].digest.digestDeliveryId
  expect(told.map((one) => [one['bob'].status, one['bob'].digest.outcome])).toEqual(
    events.map((_, index) => (index === 2 || index === 6 ? ['SUPPRESSED', 'skipped'] : ['DIGESTED', 'included'])),
  )
  expect(new Set(told.map((one) => one['bob'].digest.digestDeliveryId))).toEqual(new Set([digestDeliveryId]))
  expect(told[2]?.['bob'].digest.resolutionReason).toBe('already_read')
  for (const { eve: mail } of told) {
    expect(mail).toMatchObject({ status: 'SUPPRESSED', digest: { outcome: 'skipped', digestDeliveryId: null } })
    expect(mail.summary).toBe(
      'Not sent: the recipient had switched this category of notifications on email off (decided at 2026-01-15 13:00:00 UTC).',
    )
  }

  const digest = await operator.explainDelivery({ deliveryId: digestDeliveryId })
  expect(digest?.summary).toBe(
    'Sent at 2026-01-15 13:00:00 UTC by smtp, on try 1; it is a digest by the rule comments-hourly:v1.',
  )
  expect(digest?.timeline.map(({ event }) => event)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'digest_emitted',
    'claimed',
    'attempt_recorded',
  ])
})
