import { createHmac } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { type Adapter, type OutgoingMessage, WebhookSignatureError } from '../../server/adapters/adapter.ts'
import { type TwilioOptions, twilio } from '../../server/adapters/twilio.ts'
import type { SmsContent } from '../../server/core/render-contracts.ts'
import { SetupError } from '../../server/errors.ts'
import { type HttpAnswer, type HttpCall, type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { drip } from '../../server/testing/pouring.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'

const SID = `AC${'0a1b'.repeat(8)}`
const TOKEN = 'f00dcafe5ecre7f00dcafe5ecre7abcd'
const LOGIN = Buffer.from(`${SID}:${TOKEN}`).toString('base64')
const credentials = { accountSid: SID, authToken: TOKEN, from: '+15005550006' }
const content: SmsContent = { text: 'Your code for INV-4711 is “90 210” & so on, Grüße 💌' }
const message = (changes: Partial<OutgoingMessage<SmsContent>> = {}): OutgoingMessage<SmsContent> =>
  sampleMessage(content, { channel: 'sms', address: '+491701234567', ...changes })
const keyOf = ({ headers }: HttpCall): string | undefined => String(headers['i-twilio-idempotency-token'])
const never = new AbortController().signal
const baseUrlOf = ({ port }: HttpProvider): string => `http://127.0.0.1:${port}`

describeAdapter('twilio', {
  provider: () => httpProvider({ keyOf }),
  makeAdapter: ({ timeoutMs, provider }) => twilio({ ...credentials, baseUrl: provider.url, timeoutMs }),
  message,
  unspeakable: [SID, TOKEN, LOGIN, '1234567', 'INV-4711', 'ada@example.test', 'Lovelace'],
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const open = async (
  options: Partial<TwilioOptions> = {},
): Promise<{ adapter: Adapter<SmsContent>; provider: HttpProvider }> => {
  const provider = await httpProvider({ keyOf })
  const adapter = twilio({ ...credentials, baseUrl: baseUrlOf(provider), timeoutMs: 5_000, ...options })
  opened.push(
    () => provider.close(),
    () => adapter.close?.(),
  )
  return { adapter, provider }
}
/** As Twilio writes a refusal. */
const refuses =
  (status: number, code: number, said = 'no'): HttpAnswer =>
  (_call, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(JSON.stringify({ code, message: said, more_info: `https://www.twilio.com/docs/errors/${code}`, status }))

test('it POSTs a form to the account, logs in with its token, and keeps the id that Twilio gives', async () => {
  const { adapter, provider } = await open()
  const sid = `SM${'9f'.repeat(16)}`
  provider.behave((_call, response) =>
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ sid, status: 'queued' })),
  )
  expect(await adapter.deliver(message({ idempotencyKey: 'key-1' }), never)).toEqual({
    outcome: 'accepted',
    providerMessageId: sid,
  })
  const [call, ...others] = provider.calls as [HttpCall, ...HttpCall[]]
  expect(others).toEqual([])
  expect(call).toMatchObject({ method: 'POST', url: `/2010-04-01/Accounts/${SID}/Messages.json` })
  expect(call.headers).toMatchObject({
    authorization: `Basic ${LOGIN}`,
    'content-type': 'application/x-www-form-urlencoded',
    'i-twilio-idempotency-token': 'key-1',
  })
  expect(Object.fromEntries(new URLSearchParams(call.body))).toEqual({
    To: '+491701234567',
    From: '+15005550006',
    Body: content.text,
  })
})

test('an address cannot add fields to the form', async () => {
  const { adapter, provider } = await open()
  await adapter.deliver(message({ address: '+491701234567&From=+1900&MediaUrl=http://x' }), never)
  const sent = new URLSearchParams(provider.calls[0]?.body)
  expect([...sent.keys()]).toEqual(['To', 'From', 'Body'])
  expect(sent.get('From')).toBe('+15005550006')
})

test('a messaging service is a sender too', async () => {
  const from = `MG${'12ab'.repeat(8)}`
  const { adapter, provider } = await open({ from })
  await adapter.deliver(message(), never)
  const sent = new URLSearchParams(provider.calls[0]?.body)
  expect([sent.get('MessagingServiceSid'), sent.get('From')]).toEqual([from, null])
})

test('a base url may have a path, with or without a slash behind it', async () => {
  for (const path of ['/proxy', '/proxy/']) {
    const provider = await httpProvider()
    const adapter = twilio({ ...credentials, baseUrl: baseUrlOf(provider) + path })
    opened.push(
      () => provider.close(),
      () => adapter.close?.(),
    )
    await adapter.deliver(message(), never)
    expect(provider.calls.map(({ url }) => url)).toEqual([`/proxy/2010-04-01/Accounts/${SID}/Messages.json`])
  }
})

test.each(['', 'created', '{"sid":12}', '{"sid":"a b"}', '[]', '{"sid":"'])(
  'an acceptance that says %j is one, without an id',
  async (said) => {
    const { adapter, provider } = await open()
    provider.behave((_call, response) => response.writeHead(201).end(said))
    expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'accepted' })
  },
)

test('an acceptance whose body never ends is one all the same', async () => {
  const { adapter, provider } = await open({ timeoutMs: 60_000 })
  provider.behave((_call, response, socket) => {
    response.writeHead(201).write('{"sid":"')
    drip(socket, '1\r\nx\r\n')
  })
  const started = performance.now()
  expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'accepted' })
  expect(performance.now() - started).toBeLessThan(2_500)
})

test.each([
  [400, 21211, 'bounced'], // not a valid number
  [400, 21217, 'bounced'],
  [400, 21265, 'bounced'], // a short code
  [400, 21268, 'bounced'], // a premium number
  [400, 21614, 'bounced'], // not a mobile number
  [400, 21635, 'bounced'], // a landline
  [400, 21401, 'permanent'], // the sender's number
  [400, 21408, 'permanent'], // no permission for the region
  [403, 21408, 'permanent'],
  [400, 21606, 'permanent'], // the sender cannot
  [400, 21608, 'permanent'], // a trial account
  [400, 21610, 'permanent'], // unsubscribed
  [400, 21612, 'permanent'], // not from this sender
  [400, 21617, 'permanent'], // too long
  [404, 20404, 'permanent'],
  [429, 20429, 'temporary'],
  [400, 20429, 'temporary'],
  [400, 21611, 'temporary'], // the sender's queue is full
  [429, 63038, 'temporary'], // the account's daily limit
  [401, 20003, 'temporary'], // wrong credentials
  [403, 20403, 'temporary'], // suspended
  [400, 90010, 'temporary'], // not active
  [500, 20500, 'temporary'],
  [503, 21211, 'temporary'],
] as const)('HTTP %i with code %i is %s', async (status, code, outcome) => {
  const { adapter, provider } = await open()
  provider.behave(refuses(status, code))
  expect(await adapter.deliver(message(), never)).toEqual({ outcome, reason: `HTTP ${status} code ${code}: no` })
})

test.each([
  [301, 'permanent'],
  [400, 'permanent'],
  [401, 'temporary'],
  [403, 'temporary'],
  [404, 'permanent'],
  [408, 'temporary'],
  [409, 'permanent'],
  [429, 'temporary'],
  [502, 'temporary'],
] as const)('HTTP %i without a code is %s', async (status, outcome) => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(status).end('<html>'))
  expect(await adapter.deliver(message(), never)).toEqual({ outcome, reason: `HTTP ${status} <html>` })
})

test('the wait that Twilio asks for is heeded', async () => {
  const { adapter, provider } = await open()
  provider.behave((call, response, socket) => {
    response.setHeader('retry-after', '7')
    refuses(429, 20429, 'Too Many Requests')(call, response, socket)
  })
  expect(await adapter.deliver(message(), never)).toEqual({
    outcome: 'temporary',
    reason: 'HTTP 429 code 20429: Too Many Requests',
    retryAfterMs: 7_000,
  })
})

test('a reason names the code, and neither the number nor the text', async () => {
  const { adapter, provider } = await open()
  provider.behave((call, response, socket) => {
    const { To, Body } = Object.fromEntries(new URLSearchParams(call.body))
    refuses(400, 21211, `'To' ${To} invalid, for ${Body}, of ${call.body}`)(call, response, socket)
  })
  expect(await adapter.deliver(message(), never)).toEqual({
    outcome: 'bounced',
    reason: "HTTP 400 code 21211: 'To' [removed] invalid, for [removed], of To=[removed]&From=[removed]&Body=[removed]",
  })
})

test('a message without an address is refused, and Twilio is not asked', async () => {
  const { adapter, provider } = await open()
  expect(await adapter.deliver(message({ address: null }), never)).toEqual({
    outcome: 'permanent',
    reason: 'missing_address',
  })
  expect(provider.connections).toBe(0)
})

test('it needs an address, does not claim to be idempotent, and is called twilio unless told otherwise', () => {
  const adapter = twilio(credentials)
  expect(adapter).toMatchObject({ name: 'twilio', needsAddress: true, timeoutMs: 10_000 })
  expect(adapter.idempotent ?? false).toBe(false)
  expect(twilio({ ...credentials, name: 'sms-eu' }).name).toBe('sms-eu')
})

test.each([
  [{ accountSid: '' }, '`accountSid`'],
  [{ accountSid: undefined as unknown as string }, '`accountSid`'],
  [{ accountSid: 'SK0123456789' }, '`accountSid`'],
  [{ accountSid: 'AC1/../AC2' }, '`accountSid`'],
  [{ authToken: '' }, '`authToken`'],
  [{ authToken: ' sesame' }, '`authToken`'],
  [{ authToken: undefined as unknown as string }, '`authToken`'],
  [{ from: '' }, '`from`'],
  [{ from: ' +15005550006' }, '`from`'],
  [{ from: undefined as unknown as string }, '`from`'],
  [{ baseUrl: 'api.twilio.com' }, '`baseUrl`'],
  [{ baseUrl: 'ftp://api.twilio.com' }, '`baseUrl`'],
  [{ baseUrl: 'https://me:sesame@api.twilio.com' }, '`baseUrl`'],
  [{ baseUrl: 'https://api.twilio.com/?token=sesame' }, '`baseUrl`'],
  [{ timeoutMs: 0 }, '`timeoutMs`'],
])('the options %j are refused at once, without being quoted', (options, word) => {
  const make = (): unknown => twilio({ ...credentials, ...options })
  expect(make).toThrow(SetupError)
  expect(make).toThrow(word)
  expect(make).not.toThrow('sesame')
})

test('each message says where its status is to be reported, and the report is taken', async () => {
  const { adapter, provider } = await open()
  const webhookUrl = 'https://notify.example.test/webhooks/acme/twilio'
  await adapter.deliver(message({ deliveryId: 'RGVsaXZlcnk6MQ', webhookUrl }), never)
  const callback = new URLSearchParams(provider.calls[0]?.body).get('StatusCallback') ?? ''
  expect(callback).toBe(`${webhookUrl}?carillon-delivery-id=RGVsaXZlcnk6MQ`)

  const form = { MessageSid: `SM${'9f'.repeat(16)}`, MessageStatus: 'delivered' }
  const signed = callback + Object.entries(form).flat().join('')
  const request = { rawBody: Buffer.from(new URLSearchParams(form).toString()), url: callback }
  const signature = createHmac('sha1', TOKEN).update(signed).digest('base64')
  expect(adapter.receive?.({ ...request, headers: { 'x-twilio-signature': signature } })).toMatchObject([
    { status: 'delivered', deliveryId: 'RGVsaXZlcnk6MQ', providerMessageId: form.MessageSid },
  ])
  const foreign = createHmac('sha1', 'another').update(signed).digest('base64')
  expect(() => adapter.receive?.({ ...request, headers: { 'x-twilio-signature': foreign } })).toThrow(
    WebhookSignatureError,
  )
})
