import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'

const mail = memory()
const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'comment.mentioned',
      version: 1,
      category: 'comments',
      payload: z.object({ author: z.string(), text: z.string() }),
      channels: ['in_app', 'email'],
      render: {
        in_app: ({ payload }) => ({ title: `${payload.author} mentioned you`, body: payload.text }),
        email: ({ payload }) => ({ subject: 'Mention', html: `<p>${payload.text}</p>`, text: payload.text }),
      },
    }),
  ],
  adapters: { email: mail },
})
let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon(config)
})
afterAll(() => carillon.close())

test('a mention reaches the inbox at once and the mailbox by a job, and both can be explained', async () => {
  const { trigger } = await carillon.ok(
    carillon.backendKey,
    `mutation ($input: TriggerInput!) { trigger(input: $input) { deduplicated event { id status recipientCount } } }`,
    {
      input: {
        notificationKey: 'comment.mentioned',
        idempotencyKey: 'one',
        payload: { author: 'Ada', text: 'hello' },
        recipients: [{ id: 'bob', email: 'bob@example.test' }],
      },
    },
  )
  expect(trigger).toMatchObject({ deduplicated: false, event: { status: 'PLANNED', recipientCount: 1 } })
  const token = await carillon.tokenFor('bob')
  const { inbox } = await carillon.ok(
    token,
    `{ inbox { counts { total unread unseen } notifications { edges { node { id content { title body } deliveries { id } event { id } } } } } }`,
  )
  expect(inbox.counts).toEqual({ total: 1, unread: 1, unseen: 1 })
  expect(inbox.notifications.edges[0].node).toMatchObject({
    content: { title: 'Ada mentioned you', body: 'hello' },
    deliveries: [],
    event: null,
  })
  expect(await carillon.drainJobs()).toBe(1)
  expect(mail.messages).toHaveLength(1)
  const { deliveries } = await carillon.ok(
    carillon.operatorKey,
    `{ deliveries { edges { node { channel status attempts { outcome } explanation { summary timeline { at event detail } decisions { checkpoint rule verdict facts } } } } } }`,
  )
  expect(
    deliveries.edges.map((e: { node: { channel: string; status: string } }) => [e.node.channel, e.node.status]),
  ).toEqual([
    ['in_app', 'SUCCEEDED'],
    ['email', 'SUCCEEDED'],
  ])
})
