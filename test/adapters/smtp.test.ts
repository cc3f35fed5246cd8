import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterEach, expect, test } from 'vitest'
import type { Adapter, DeliverResult, OutgoingMessage } from '../../server/adapters/adapter.ts'
import { postmark } from '../../server/adapters/receivers/postmark.ts'
import { type SmtpOptions, smtp } from '../../server/adapters/smtp.ts'
import { parseSmtpUrl } from '../../server/adapters/smtp-url.ts'
import type { EmailContent } from '../../server/core/render-contracts.ts'
import { SetupError } from '../../server/errors.ts'
import { sampleMessage } from '../../server/testing/sample-message.ts'
import { describeAdapter } from './contract.ts'
import { type ReceivedMail, type SmtpProvider, smtpProvider } from './smtp-provider.ts'

const FROM = 'Example <no-reply@example.test>'
const content = { subject: 'Ada mentioned you – 5 €', html: '<p>Grüße</p>', text: 'Grüße' }
const message = (changes: Partial<OutgoingMessage<EmailContent>> = {}) => sampleMessage<EmailContent>(content, changes)

describeAdapter('smtp', {
  provider: smtpProvider,
  makeAdapter: ({ timeoutMs, provider }) =>
    smtp({ url: `smtp://robot:open-sesame@127.0.0.1:${provider.port}`, from: FROM, timeoutMs }),
  message,
  unspeakable: ['ada@example.test', 'open-sesame', 'Grüße', 'Lovelace'],
})

const opened: (() => unknown)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})
const open = async (
  options: Partial<SmtpOptions> = {},
  login = '',
): Promise<{ adapter: Adapter<EmailContent>; provider: SmtpProvider }> => {
  const provider = await smtpProvider()
  const adapter = smtp({ url: `smtp://${login}127.0.0.1:${provider.port}`, from: FROM, timeoutMs: 5_000, ...options })
  opened.push(
    () => provider.close(),
    () => adapter.close?.(),
  )
  return { adapter, provider }
}
const never = new AbortController().signal
const one = <T>(list: readonly T[]): T => {
  expect(list).toHaveLength(1)
  return list[0] as T
}

test('a mail arrives whole: sender, recipient, subject, both bodies, and the delivery it belongs to', async () => {
  const { adapter, provider } = await open()
  const result = await adapter.deliver(message(), never)
  const { from, to, mail } = one(provider.mails)
  expect(from).toBe('no-reply@example.test')
  expect(to).toEqual(['ada@example.test'])
  expect(mail.from).toMatchObject({ name: 'Example', address: 'no-reply@example.test' })
  expect(mail.to).toMatchObject([{ address: 'ada@example.test' }])
  expect(mail.subject).toBe(content.subject)
  expect(mail.html?.trim()).toBe(content.html)
  expect(mail.text?.trim()).toBe(content.text)
  expect(mail.headers.find(({ key }) => key === 'x-carillon-delivery')?.value).toBe('RGVsaXZlcnk6MQ')
  expect(result).toEqual({ outcome: 'accepted', providerMessageId: mail.messageId })
})

test('the Message-ID is made of the idempotency key, in the domain of the sender, whatever the key holds', async () => {
  const { adapter, provider } = await open()
  for (const idempotencyKey of ['k', 'k', 'ü >\r\nBcc: eve@example.test']) {
    await adapter.deliver(message({ idempotencyKey }), never)
  }
  const [first, second, third] = provider.keys ?? []
  expect(first).toMatch(/^<[0-9a-f]{40}@example\.test>$/)
  expect(second).toBe(first)
  expect(third).toMatch(/^<[0-9a-f]{40}@example\.test>$/)
  expect(third).not.toBe(first)
})

const valuesOf = ({ mail }: ReceivedMail, name: string): string[] =>
  mail.headers.filter(({ key }) => key === name).map(({ value }) => value)

test('what can be switched off carries the link to do so, and that one click is enough', async () => {
  const { adapter, provider } = await open()
  const unsubscribeUrl = `https://notify.example.test/unsubscribe/${'Ab-_9'.repeat(40)}`
  await adapter.deliver(message({ unsubscribeUrl }), never)
  const received = one(provider.mails)
  expect(valuesOf(received, 'list-unsubscribe')).toEqual([`<${unsubscribeUrl}>`])
  expect(valuesOf(received, 'list-unsubscribe-post')).toEqual(['List-Unsubscribe=One-Click'])
  // On one line: not every mailbox provider puts a folded link together again.
  expect(received.raw.split('\r\n')).toContain(`List-Unsubscribe: <${unsubscribeUrl}>`)
})

test('what cannot be switched off carries neither, and neither does a link that no header has room for', async () => {
  const { adapter, provider } = await open()
  const long = `https://notify.example.test/${'x'.repeat(1_000)}`
  for (const unsubscribeUrl of [undefined, null, long]) {
    await adapter.deliver(message(unsubscribeUrl === undefined ? {} : { unsubscribeUrl }), never)
  }
  expect(provider.mails).toHaveLength(3)
  for (const received of provider.mails) {
    expect(received.mail.headers.filter(({ key }) => key.startsWith('list-'))).toEqual([])
    for (const line of received.raw.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998)
  }
})

test('its connections are used again', async () => {
  const { adapter, provider } = await open()
  for (let call = 0; call < 3; call++) await adapter.deliver(message(), never)
  expect(provider.mails).toHaveLength(3)
  expect(provider.connections).toBe(1)
})

test.each([
  ['a mailbox that does not exist', { rcpt: '550 5.1.1 no such user' }, 'bounced'],
  ['a mailbox, without an enhanced status', { rcpt: '550 no such user' }, 'bounced'],
  ['a mailbox that moved', { rcpt: '551 user not local' }, 'bounced'],
  ['a mailbox name', { rcpt: '553 mailbox name not allowed' }, 'bounced'],
  ['a mailbox by 5.1.x alone', { rcpt: '554 5.1.6 moved' }, 'bounced'],
  ['a mailbox that is disabled', { rcpt: '550 5.2.1 disabled' }, 'bounced'],
  ['a mailbox only after the message', { data: '550 5.1.1 no such user' }, 'bounced'],
  ['a full mailbox', { rcpt: '552 5.2.2 full' }, 'permanent'],
  ['the recipient by policy', { rcpt: '550 5.7.1 relaying denied' }, 'permanent'],
  ['the recipient for its sender', { rcpt: '550 5.1.8 bad sender' }, 'permanent'],
  ['the sender', { mail: '550 5.1.0 who are you' }, 'permanent'],
  ['the message', { data: '554 5.6.0 spam' }, 'permanent'],
  ['the message with 550', { data: '550 spam' }, 'permanent'],
  ['the recipient for now', { rcpt: '451 4.7.1 greylisted' }, 'temporary'],
  ['the recipient as one too many', { rcpt: '452 4.5.3 too many' }, 'temporary'],
  ['the sender for now', { mail: '450 4.7.1 slow down' }, 'temporary'],
  ['the message for now', { data: '452 4.3.1 disk full' }, 'temporary'],
  ['whatever comes, for it is closing', { mail: '421 4.3.2 closing' }, 'temporary'],
  ['a command out of step', { rcpt: '503 5.5.1 bad sequence' }, 'temporary'],
  ['whoever has not logged in', { mail: '530 5.7.0 authentication required' }, 'temporary'],
] as const)('a server that refuses %s (%j) is %s', async (_what, script, outcome) => {
  const { adapter, provider } = await open()
  provider.behave(script)
  const result = await adapter.deliver(message(), never)
  const status = Object.values(script).join().slice(0, 3)
  expect(result).toMatchObject({ outcome, reason: expect.stringContaining(status) })
})

test('a reason holds the words of the server without the address', async () => {
  const { adapter, provider } = await open()
  provider.behave({ rcpt: '550 5.1.1 <ada@example.test> Ada Lovelace does not live here' })
  expect(await adapter.deliver(message(), never)).toEqual({
    outcome: 'bounced',
    reason: '550 5.1.1 <[removed]> [removed] does not live here',
  })
})

test('a connection that drops in place of the final answer is temporary, and the mail is not sent twice by one call', async () => {
  const { adapter, provider } = await open()
  provider.behave({ dropAfterData: true })
  const result = await adapter.deliver(message(), never)
  expect(result).toMatchObject({ outcome: 'temporary', reason: expect.stringContaining('no answer') })
  expect(provider.mails).toHaveLength(1)
})

test('a server that never answers the message is given up at the time limit', async () => {
  const { adapter, provider } = await open({ timeoutMs: 300 })
  provider.behave({ stallAfterData: true })
  expect(await adapter.deliver(message(), never)).toMatchObject({ outcome: 'temporary' })
  expect(provider.mails).toHaveLength(1)
})

test('a pooled connection that the server has closed meanwhile costs no try', async () => {
  const { adapter, provider } = await open()
  expect((await adapter.deliver(message(), never)).outcome).toBe('accepted')
  await provider.hangUp()
  expect((await adapter.deliver(message(), never)).outcome).toBe('accepted')
  expect(provider.mails).toHaveLength(2)
})

test('a login that is refused is temporary, and the reason shows nothing of it', async () => {
  const { adapter, provider } = await open({}, 'robot:p%40ss-word@')
  provider.behave({ login: '535 5.7.8 bad credentials' })
  expect(await adapter.deliver(message(), never)).toEqual({ outcome: 'temporary', reason: 'login refused: 535' })
  provider.behave('accepts')
  expect((await adapter.deliver(message(), never)).outcome).toBe('accepted')
})

test('one that stalls does not hold up the others', async () => {
  const { adapter, provider } = await open()
  provider.behave('says nothing')
  const abort = new AbortController()
  const stalled = adapter.deliver(message(), abort.signal)
  await provider.called()
  provider.behave('accepts')
  expect((await adapter.deliver(message(), never)).outcome).toBe('accepted')
  abort.abort()
  expect(await stalled).toEqual({ outcome: 'temporary', reason: 'aborted' })
})

test.each([
  'ada@example.test, eve@example.test',
  'ada@example.test,eve@example.test',
  'Ada <ada@example.test>',
  'ada@example.test>\r\nRCPT TO:<eve@example.test',
  'ada@example.test> SIZE=1',
  'ada@example.test\nBcc: eve@example.test',
  'friends: ada@example.test, eve@example.test;',
  '"ada, eve"@example.test',
  'ada@eve@example.test',
  'ada',
  '@example.test',
  '',
])('%j is no address of one mailbox: a bounce, and nobody is written to', async (address) => {
  const { adapter, provider } = await open()
  expect(await adapter.deliver(message({ address }), never)).toEqual({ outcome: 'bounced', reason: 'invalid_address' })
  expect(provider.connections).toBe(0)
})

test('a message without an address is permanent, and nobody is written to', async () => {
  const { adapter, provider } = await open()
  const result: DeliverResult = await adapter.deliver(message({ address: null }), never)
  expect(result).toEqual({ outcome: 'permanent', reason: 'missing_address' })
  expect(provider.connections).toBe(0)
})

test.each(["o'hara+news@example.test", 'ädä@example.test', 'ada@exämple.test', 'a.b-c_d@sub.example.test'])(
  '%s is written to',
  async (address) => {
    const { adapter, provider } = await open()
    expect((await adapter.deliver(message({ address }), never)).outcome).toBe('accepted')
    expect(one(provider.mails).to).toHaveLength(1)
  },
)

test('content cannot add a header or a recipient, nor bring in a file or a page', async () => {
  const { adapter, provider } = await open()
  const subject = 'Hi\r\nBcc: eve@example.test\r\nX-Evil: 1'
  await adapter.deliver(message({ content: { ...content, subject } }), never)
  const { to, mail } = one(provider.mails)
  expect(to).toEqual(['ada@example.test'])
  expect(mail.headers.map(({ key }) => key)).not.toContain('x-evil')
  expect(mail.bcc ?? []).toEqual([])

  for (const source of [{ path: '/etc/hostname' }, { href: `http://127.0.0.1:${provider.port}/` }]) {
    const html = source as unknown as string
    expect((await adapter.deliver(message({ content: { ...content, html } }), never)).outcome).toBe('permanent')
  }
  expect(provider.mails).toHaveLength(1)
})

test('a line that is a single dot, and a very long one, arrive as they were written', async () => {
  const { adapter, provider } = await open()
  const text = `a\n.\n..b\n${'long '.repeat(2_000)}\nend`
  await adapter.deliver(message({ content: { ...content, text } }), never)
  expect(one(provider.mails).mail.text?.trim()).toBe(text)
})

const secureServer = async (secure: boolean): Promise<{ port: number; sessions: boolean[] }> => {
  const sessions: boolean[] = []
  const server = new SMTPServer({
    secure,
    logger: false,
    authOptional: true,
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      sessions.push(session.secure)
      stream.resume().on('end', () => done())
    },
  })
  // A client that does not like its certificate says so and goes.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  opened.push(() => new Promise<void>((resolve) => server.close(resolve)))
  return { port: (server.server.address() as AddressInfo).port, sessions }
}

test.each(['smtp', 'smtps'])('%s is encrypted where the server can do it', async (scheme) => {
  const { port, sessions } = await secureServer(scheme === 'smtps')
  const adapter = smtp({ url: `${scheme}://127.0.0.1:${port}`, from: FROM, timeoutMs: 5_000 })
  opened.push(() => adapter.close?.())
  expect((await adapter.deliver(message(), never)).outcome).toBe('accepted')
  expect(sessions).toEqual([true])
})

test.each(['smtp', 'smtps'])('%s to a server whose certificate nobody vouches for is temporary', async (scheme) => {
  const { port, sessions } = await secureServer(scheme === 'smtps')
  const url = `${scheme}://127.0.0.1:${port}?tls.rejectUnauthorized=true`
  const adapter = smtp({ url, from: FROM, timeoutMs: 5_000 })
  opened.push(() => adapter.close?.())
  expect((await adapter.deliver(message(), never)).outcome).toBe('temporary')
  expect(sessions).toEqual([])
})

test('certificates are checked, unless the server is this machine', () => {
  expect(parseSmtpUrl('smtps://mail.example.test').tls.rejectUnauthorized).toBe(true)
  expect(parseSmtpUrl('smtp://127.0.0.1.example.test').tls.rejectUnauthorized).toBe(true)
  expect(parseSmtpUrl('smtp://localhost').tls.rejectUnauthorized).toBe(false)
  expect(parseSmtpUrl('smtp://[::1]:25')).toMatchObject({ host: '::1', port: 25, tls: { rejectUnauthorized: false } })
})

test.each([
  ['http://mail.example.test', 'url'],
  ['mail.example.test:25', 'url'],
  ['smtp://', 'url'],
  ['smtp://mail.example.test/path', 'url'],
  ['smtp://mail.example.test?logger=true', 'logger'],
  ['smtp://mail.example.test?requireTLS=yes', 'requireTLS'],
  ['smtp://mail.example.test?requireTLS=true&ignoreTLS=true', 'requireTLS'],
  ['smtp://user:100%@mail.example.test', '%'],
  ['', 'url'],
])('the url %j is refused at once, naming what is wrong with it', (url, word) => {
  expect(() => smtp({ url, from: FROM })).toThrow(SetupError)
  expect(() => smtp({ url, from: FROM })).toThrow(word)
})

test('a url that is refused is not quoted, for it may hold a password', () => {
  expect(() => smtp({ url: 'smtp://robot:open-sesame@mail.example.test/x', from: FROM })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('open-sesame') }),
  )
})

test.each(['', 'Example', 'a@example.test, b@example.test', 'Example <>', 'a@example.test\r\nBcc: b@example.test'])(
  'the sender %j is refused at once',
  (from) => {
    expect(() => smtp({ url: 'smtp://127.0.0.1', from })).toThrow(SetupError)
    expect(() => smtp({ url: 'smtp://127.0.0.1', from })).toThrow('`from`')
  },
)

test('it carries channels that need an address, and takes a name', () => {
  const adapter = smtp({ url: 'smtp://127.0.0.1', from: FROM })
  expect(adapter).toMatchObject({ name: 'smtp', needsAddress: true, timeoutMs: 10_000 })
  expect(smtp({ url: 'smtps://127.0.0.1', from: FROM, name: 'backup' }).name).toBe('backup')
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])(
  'a time limit of %d is refused at once',
  (timeoutMs) => {
    expect(() => smtp({ url: 'smtp://127.0.0.1', from: FROM, timeoutMs })).toThrow(SetupError)
  },
)

test("a mail carries what its provider's webhooks find the delivery by, and they are read by the receiver", async () => {
  const feedback = postmark({ username: 'postmark', password: 'p'.repeat(32) })
  const { adapter, provider } = await open({ feedback })
  await adapter.deliver(message(), never)
  expect(valuesOf(one(provider.mails), 'x-pm-metadata-carillon-delivery-id')).toEqual(['RGVsaXZlcnk6MQ'])
  expect(valuesOf(one(provider.mails), 'x-carillon-delivery')).toEqual(['RGVsaXZlcnk6MQ'])

  const body = { RecordType: 'Delivery', Metadata: { 'carillon-delivery-id': 'RGVsaXZlcnk6MQ' } }
  const login = Buffer.from(`postmark:${'p'.repeat(32)}`).toString('base64')
  const request = { rawBody: Buffer.from(JSON.stringify(body)), url: 'https://notify.example.test/webhooks/acme/smtp' }
  expect(await adapter.receive?.({ ...request, headers: { authorization: `Basic ${login}` } })).toEqual([
    { status: 'delivered', deliveryId: 'RGVsaXZlcnk6MQ' },
  ])
})

test('a mail without a receiver has the one header, and takes no webhooks', async () => {
  const { adapter, provider } = await open()
  await adapter.deliver(message(), never)
  expect(one(provider.mails).mail.headers.filter(({ value }) => value.includes('RGVsaXZlcnk6MQ'))).toHaveLength(1)
  expect(adapter.receive).toBeUndefined()
})

test('feedback that is no receiver is told at once', () => {
  expect(() => smtp({ url: 'smtp://mail.example.test', from: FROM, feedback: {} as never })).toThrow(
    /^smtp: `feedback` must be a receiver/,
  )
})
