import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineNotifier, memory } from '../../server/index.ts'
import { type GraphQLAnswer, startCarillon, type TestCarillon } from '../support/carillon.ts'
import { contentOfTables, watchTransactions } from '../support/nothing-written.ts'
import { mention } from '../support/notifiers.ts'
import { refusalOf, trigger } from '../support/trigger.ts'

const SECRET = 'hunter2'

/** Says what it is given; fails where it is told to. */
const letter = defineNotifier({
  key: 'letter',
  version: 4,
  payload: z.object({ fail: z.boolean().default(false), greeting: z.string().default('Hello') }),
  channels: (): readonly ('email' | 'in_app' | 'sms')[] => ['email', 'in_app'],
  renderKeys: { email: { key: 'letters/long', version: 9 } },
  render: {
    email: ({ payload, recipient }) => {
      if (payload.fail) throw new Error(`cannot do it with ${SECRET}`)
      const text = JSON.stringify(recipient)
      return { subject: `${payload.greeting} ${recipient.displayName}`, html: '', text }
    },
    in_app: ({ payload }) => (payload.fail ? ({ body: 'without a title' } as never) : { title: payload.greeting }),
    // Rendered, and not chosen.
    sms: () => ({ text: 'Hello' }),
  },
})

const mail = memory({ name: 'mail' })
let carillon: TestCarillon
let logged: Error[]
beforeAll(async () => {
  carillon = await startCarillon({
    notifiers: [letter, mention],
    adapters: { email: mail, sms: memory({ name: 'sms' }) },
  })
  carillon.app.telemetry.on('notifier.failed', ({ error }) => void logged.push(error))
})
afterAll(() => carillon.close())
beforeEach(() => {
  logged = []
})

const PREVIEW = `query ($input: PreviewRenderingInput!) {
  previewRendering(input: $input) { channel renderKey renderVersion content }
}`
const previewInput = (input: object) => ({
  input: { notificationKey: 'letter', recipient: { id: 'ada' }, channel: 'email', ...input },
})
const preview = async (input: object = {}): Promise<GraphQLAnswer['data']> =>
  (await carillon.ok(carillon.operatorKey, PREVIEW, previewInput(input))).previewRendering
const tryPreview = (input: object) => carillon.ask(carillon.operatorKey, PREVIEW, previewInput(input))

test('a preview is what is sent: the same content, under the same name of its template', async () => {
  const recipient = {
    id: 'sent',
    displayName: 'Sam',
    email: 'sam@example.test',
    timeZone: 'Asia/Tokyo',
    data: { a: 1 },
  }
  const payload = { greeting: 'Dear' }
  const previewed = await preview({ payload, recipient })
  await trigger(carillon, { notificationKey: 'letter', payload, recipients: [recipient] })
  await carillon.drainJobs()
  const [message] = mail.messages
  expect(message).toMatchObject({ content: previewed.content })
  expect(previewed).toMatchObject({ channel: 'email', renderKey: 'letters/long', renderVersion: 9 })
  expect(previewed.content.subject).toBe('Dear Sam')
  const { deliveries } = await carillon.ok(
    carillon.operatorKey,
    '{ deliveries(filter: { recipientId: "sent", channel: "email" }) { edges { node { renderKey renderVersion } } } }',
  )
  expect(deliveries.edges).toEqual([{ node: { renderKey: 'letters/long', renderVersion: 9 } }])
})

test('a channel that the notifier renders is previewed though it would not be chosen now, under the name that templates have by default', async () => {
  expect(await preview({ channel: 'sms' })).toEqual({
    channel: 'sms',
    renderKey: 'letter.sms',
    renderVersion: 4,
    content: { text: 'Hello' },
  })
})

test('details that are given lie over those that are stored: left out stays, null removes, an address is added', async () => {
  const stored = {
    id: 'ada',
    displayName: 'Ada',
    email: 'ada@example.test',
    locale: 'de',
    addresses: [{ channel: 'push', address: 'one' }],
  }
  const upsert = 'mutation ($input: UpsertRecipientsInput!) { upsertRecipients(input: $input) { __typename } }'
  await carillon.ok(carillon.backendKey, upsert, { input: { recipients: [stored] } })
  const given = { id: ' ada ', displayName: 'Countess', locale: null, addresses: [{ channel: 'push', address: 'two' }] }
  const { content } = await preview({ recipient: given })
  expect(content.subject).toBe('Hello Countess')
  expect(JSON.parse(content.text)).toEqual({
    ...stored,
    type: 'user',
    displayName: 'Countess',
    locale: null,
    phone: null,
    timeZone: null,
    data: {},
    addresses: [
      { channel: 'push', address: 'one' },
      { channel: 'push', address: 'two' },
    ],
  })
  expect((await preview()).content.subject).toBe('Hello Ada')
})

test('a preview writes nothing', async () => {
  const before = await contentOfTables(carillon)
  const watch = watchTransactions(carillon)
  await preview({ recipient: { id: 'nobody', displayName: 'N', email: 'n@example.test' } })
  await tryPreview({ payload: { fail: true } })
  expect(await contentOfTables(carillon)).toEqual(before)
  expect(watch.transactionIds).toEqual([null, null])
  expect(mail.messages).toHaveLength(1)
})

test.each<readonly [string, object, object]>([
  [
    'a notifier that is unknown',
    { notificationKey: 'unknown', payload: { fail: 7 } },
    { code: 'NOTIFIER_NOT_FOUND', path: 'input.notificationKey' },
  ],
  [
    'a payload that does not fit',
    { payload: { fail: 7 }, recipient: { id: '' } },
    { code: 'INVALID_PAYLOAD', path: 'input.payload' },
  ],
  ['a payload that is null', { payload: null }, { code: 'BAD_USER_INPUT', path: 'input.payload' }],
  [
    'a recipient without an id',
    { recipient: { id: ' ' }, channel: 'fax' },
    { code: 'BAD_USER_INPUT', path: 'input.recipient.id' },
  ],
  [
    'a recipient in a zone that is none',
    { recipient: { id: 'ada', timeZone: 'Mars/Olympus' } },
    { code: 'BAD_USER_INPUT', path: 'input.recipient.timeZone' },
  ],
  ['a channel that is not rendered', { channel: 'fax' }, { code: 'BAD_USER_INPUT', path: 'input.channel' }],
  [
    'a channel named like something of every object',
    { channel: 'constructor' },
    { code: 'BAD_USER_INPUT', path: 'input.channel' },
  ],
])('%s is refused, and named', async (_, input, refusal) => {
  expect(refusalOf(await tryPreview(input))).toEqual(refusal)
})

test('a refusal says what is wrong and what could be asked instead', async () => {
  const { errors } = await tryPreview({ channel: 'fax' })
  expect(errors[0]?.message).toBe(
    'Cannot preview "letter": channel is none that it renders; those are email, in_app, sms',
  )
  const misfit = await tryPreview({ payload: { fail: 7 } })
  expect(misfit.errors[0]?.message).toBe('Cannot preview "letter": the payload does not fit its schema')
  expect(misfit.errors[0]?.extensions['issues']).toMatchObject([{ path: ['fail'] }])
})

test('a render that throws is named to the caller, and explained to the log alone', async () => {
  const answer = await tryPreview({ payload: { fail: true } })
  expect(refusalOf(answer).code).toBe('INTERNAL')
  expect(answer.errors[0]?.message).toBe(`Notifier "letter": render.email failed; the server's log says how`)
  expect(JSON.stringify(answer)).not.toContain(SECRET)
  expect(logged.map(({ cause }) => (cause as Error).message)).toEqual([`cannot do it with ${SECRET}`])
})

test('content that its channel could not take is refused, and says where', async () => {
  const answer = await tryPreview({ payload: { fail: true }, channel: 'in_app' })
  expect(refusalOf(answer).code).toBe('INTERNAL')
  expect(answer.errors[0]?.message).toMatch(
    /^Notifier "letter": render\.in_app returned content that does not fit: title/,
  )
})

test("another tenant's details are not shown", async () => {
  const { operatorKey } = await carillon.addTenant('other')
  const { previewRendering } = await carillon.ok(operatorKey, PREVIEW, previewInput({}))
  expect(previewRendering.content.subject).toBe('Hello null')
})
