import { afterEach, expect, test } from 'vitest'
import type { Adapter, OutgoingMessage } from '../../server/adapters/adapter.ts'
import { type SlackOptions, slack } from '../../server/adapters/slack.ts'
import type { ChatContent } from '../../server/core/render-contracts.ts'
import { SetupError } from '../../server/errors.ts'
import { type HttpCall, type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'

const PATH = '/services/T0AB12CD3/B0EF45GH6/hXyZsecretSecretSecret99'
const content: ChatContent = {
  text: 'Invoice INV-4711 <https://example.test|is due> — Grüße 💌',
  blocks: [{ type: 'section', text: { type: 'mrkdwn', text: '*INV-4711* is due' } }],
}
const message = (changes: Partial<OutgoingMessage<ChatContent>> = {}): OutgoingMessage<ChatContent> =>
  sampleMessage(content, { channel: 'chat', address: null, ...changes })
const never = new AbortController().signal

describeAdapter('slack', {
  provider: () => httpProvider(),
  makeAdapter: ({ timeoutMs, provider }) => slack({ webhookUrl: `${provider.url}${PATH}`, timeoutMs }),
  message,
  unspeakable: ['T0AB12CD3', 'B0EF45GH6', 'hXyZsecretSecretSecret99', 'INV-4711', 'ada@example.test', 'Lovelace'],
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const open = async (
  options: Partial<SlackOptions> = {},
): Promise<{ adapter: Adapter<ChatContent>; provider: HttpProvider }> => {
  const provider = await httpProvider()
  const adapter = slack({ webhookUrl: `http://127.0.0.1:${provider.port}${PATH}`, timeoutMs: 5_000, ...options })
  opened.push(
    () => provider.close(),
    () => adapter.close?.(),
  )
  return { adapter, provider }
}

test('it POSTs text and blocks to the webhook, and nothing about the recipient', async () => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(200).end('ok'))
  expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'accepted' })
  const [call, ...others] = provider.calls as [HttpCall, ...HttpCall[]]
  expect(others).toEqual([])
  expect(call).toMatchObject({ method: 'POST', url: PATH })
  expect(call.headers['content-type']).toMatch(/^application\/json\b/)
  expect(JSON.parse(call.body)).toEqual(content)
})

test('a message without blocks is its text alone', async () => {
  const { adapter, provider } = await open()
  for (const blocks of [undefined, [] as unknown[]]) {
    await adapter.deliver(message({ content: { text: 'hello', blocks } }), never)
  }
  expect(provider.calls.map(({ body }) => JSON.parse(body))).toEqual([{ text: 'hello' }, { text: 'hello', blocks: [] }])
})

test.each([
  [200, 'ok', 'accepted'],
  [204, '', 'accepted'],
  [302, '', 'permanent'],
  [400, 'invalid_payload', 'permanent'],
  [400, 'user_not_found', 'permanent'],
  [403, 'invalid_token', 'permanent'],
  [403, 'action_prohibited', 'permanent'],
  [404, 'no_service', 'permanent'],
  [404, 'channel_not_found', 'permanent'],
  [410, 'channel_is_archived', 'permanent'],
  [408, '', 'temporary'],
  [429, 'rate_limited', 'temporary'],
  [500, 'rollup_error', 'temporary'],
  [503, '', 'temporary'],
] as const)('%i %s is %s', async (status, said, outcome) => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(status).end(said))
  const reason = `HTTP ${status} ${said}`.trim()
  const expected = outcome === 'accepted' ? { outcome } : { outcome, reason }
  expect(await adapter.deliver(message(), never)).toEqual(expected)
})

test('the wait that Slack asks for is heeded', async () => {
  const { adapter, provider } = await open()
  provider.behave((_call, response) => response.writeHead(429, { 'retry-after': '30' }).end('rate_limited'))
  expect(await adapter.deliver(message(), never)).toEqual({
    outcome: 'temporary',
    reason: 'HTTP 429 rate_limited',
    retryAfterMs: 30_000,
  })
})

test('a redirect is not followed', async () => {
  const elsewhere = await httpProvider()
  opened.push(() => elsewhere.close())
  const { adapter, provider } = await open()
  const location = `http://127.0.0.1:${elsewhere.port}/`
  provider.behave((_call, response) => response.writeHead(307, { location }).end())
  expect(await adapter.deliver(message(), never)).toMatchObject({ outcome: 'permanent' })
  expect(elsewhere.connections).toBe(0)
})

test('the webhook is a secret, and a reason shows no part of it', async () => {
  const { adapter, provider } = await open()
  provider.behave(({ url }, response) => response.writeHead(404).end(`no ${url}, nor ${url.slice(1)}`))
  expect(await adapter.deliver(message(), never)).toEqual({
    outcome: 'permanent',
    reason: 'HTTP 404 no [removed], nor [removed]/[removed]/[removed]/[removed]',
  })
})

test('it needs no address, does not claim to be idempotent, and is called slack unless told otherwise', () => {
  const adapter = slack({ webhookUrl: 'https://hooks.slack.com/services/T/B/x' })
  expect(adapter).toMatchObject({ name: 'slack', timeoutMs: 10_000 })
  expect(adapter.needsAddress ?? false).toBe(false)
  expect(adapter.idempotent ?? false).toBe(false)
  expect(slack({ name: 'ops', webhookUrl: 'https://hooks.slack.com/services/T/B/x' }).name).toBe('ops')
})

test.each([
  ['', 'address'],
  ['hooks.slack.com/services/T/B/sesame', 'address'],
  ['ftp://hooks.slack.com/services/T/B/sesame', 'address'],
  ['https://user:sesame@hooks.slack.com/services/T/B/x', 'credentials'],
  [undefined as unknown as string, 'address'],
])('the webhookUrl %j is refused at once, without being quoted', (webhookUrl, word) => {
  const make = (): unknown => slack({ webhookUrl })
  expect(make).toThrow(SetupError)
  expect(make).toThrow('slack: `webhookUrl`')
  expect(make).toThrow(word)
  expect(make).not.toThrow('sesame')
})

test('a time limit that is no time is refused at once', () => {
  expect(() => slack({ webhookUrl: 'https://example.test/', timeoutMs: 0 })).toThrow(SetupError)
})
