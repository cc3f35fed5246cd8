import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type CarillonClient, createClient } from '../../client-sdk/index.ts'
import { defineConfig, defineNotifier, smtp } from '../../server/index.ts'
import { type SmtpProvider, smtpProvider } from '../adapters/smtp-provider.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { until } from '../support/until.ts'

const commentMentioned = defineNotifier({
  key: 'comment.mentioned',
  version: 1,
  category: 'comments',
  payload: z.object({ author: z.string(), text: z.string(), mentioned: z.array(z.string()) }),
  recipients: ({ payload }) => payload.mentioned.map((id) => ({ id })),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload }) => ({ title: `${payload.author} mentioned you`, body: payload.text }),
    email: ({ payload, recipient }) => ({
      subject: `${payload.author} mentioned you`,
      html: `<p>Hello ${recipient.displayName}</p>`,
      text: `Hello ${recipient.displayName}: ${payload.text}`,
    }),
  },
})

let mailServer: SmtpProvider
let carillon: TestCarillon
let backend: CarillonClient
let operator: CarillonClient
let bob: CarillonClient

beforeAll(async () => {
  mailServer = await smtpProvider()
  const mail = smtp({ url: `smtp://127.0.0.1:${mailServer.port}`, from: 'Example <no-reply@example.test>' })
  carillon = await startCarillon(defineConfig({ notifiers: [commentMentioned], adapters: { email: mail } }))
  carillon.app.worker.start()
  backend = createClient({ url: carillon.graphqlUrl, token: carillon.backendKey })
  operator = createClient({ url: carillon.graphqlUrl, token: carillon.operatorKey })
  bob = createClient({ url: carillon.graphqlUrl, token: () => carillon.tokenFor('bob') })
})
afterAll(async () => {
  for (const client of [backend, operator, bob]) await client.close()
  await carillon.close()
  await mailServer.close()
})

const FIRST_RULES = ['expiry', 'notification_preference', 'category_preference', 'address']

test('a backend triggers, the right people are told, the front end sees it arrive live, and support asks why', async () => {
  await backend.upsertRecipients({ recipients: [{ id: 'bob', displayName: 'Bob', email: 'bob@example.test' }] })
  const updates = bob.watchInbox()
  const first = await updates.next()
  expect(first.value?.counts).toMatchObject({ total: 0, unread: 0 })

  const { event, deduplicated } = await backend.trigger({
    notificationKey: 'comment.mentioned',
    idempotencyKey: 'comment-1',
    correlationId: 'request-7',
    actorId: 'ada',
    payload: { author: 'Ada', text: 'Have a look', mentioned: ['bob', 'ada'] },
  })
  expect(deduplicated).toBe(false)

  const arrived = (await updates.next()).value
  expect(arrived?.counts).toMatchObject({ total: 1, unread: 1, unseen: 1 })
  const [notification] = arrived?.changed ?? []
  expect(notification?.content).toMatchObject({ title: 'Ada mentioned you', body: 'Have a look' })

  const read = await bob.markRead({ ids: [notification?.id as string] })
  expect(read).toMatchObject({ affectedCount: 1, counts: { total: 1, unread: 0, unseen: 0 } })
  const seen = (await updates.next()).value
  expect(seen?.changed[0]).toMatchObject({ id: notification?.id, readAt: expect.any(String) })
  await updates.return?.()

  const [mail] = await until('the mail has come', () => mailServer.mails.length > 0 && mailServer.mails)
  expect(mail?.to).toEqual(['bob@example.test'])
  expect(mail?.mail).toMatchObject({
    subject: 'Ada mentioned you',
    text: expect.stringContaining('Hello Bob: Have a look'),
  })

  const deliveries = await until('the mail is recorded', async () => {
    const { edges } = await operator.deliveries({ filter: { eventId: event.id } })
    return edges.every(({ node }) => node.status === 'SUCCEEDED') && edges.map(({ node }) => node)
  })
  expect(deliveries.map(({ channel }) => channel).sort()).toEqual(['email', 'in_app'])
  const explained = await Promise.all(deliveries.map(({ id }) => operator.explainDelivery({ deliveryId: id })))
  const by = (channel: string) => explained.find((one) => one?.channel === channel)

  const inApp = by('in_app')
  expect(inApp).toMatchObject({ recipientId: 'bob', correlationId: 'request-7', status: 'SUCCEEDED' })
  expect(inApp?.summary).toMatch(/^Arrived in the inbox at /)
  expect(inApp?.timeline.map((entry) => entry.event)).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'attempt_recorded',
    'notification_seen',
    'notification_read',
  ])

  const email = by('email')
  expect(email?.summary).toMatch(/^Sent at .* by smtp, on try 1\.$/)
  expect(email?.lastAttempt).toMatchObject({ adapter: 'smtp', outcome: 'SUCCEEDED', address: 'b…@example.test' })
  const events = email?.timeline.map((entry) => entry.event) ?? []
  expect(events.filter((name) => !name.startsWith('notification_r') && name !== 'notification_seen')).toEqual([
    'event_created',
    'notification_created',
    'delivery_planned',
    'claimed',
    'attempt_recorded',
  ])
  const instants = email?.timeline.map(({ at }) => at) ?? []
  expect(instants).toEqual([...instants].sort())
  expect(email?.decisions.map(({ checkpoint, rule, verdict }) => [checkpoint, rule, verdict])).toEqual([
    ...[...FIRST_RULES, 'digest', 'delivery_cap', 'quiet_hours', 'fallback'].map((rule) => ['PLANNING', rule, 'PASS']),
    ...[...FIRST_RULES, 'read_state', 'delivery_cap', 'quiet_hours'].map((rule) => ['PERFORM', rule, 'PASS']),
  ])
})
