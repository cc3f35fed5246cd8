import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WebhookSignatureError } from '../../../server/adapters/adapter.ts'
import { twilioReceiver } from '../../../server/adapters/receivers/twilio.ts'
import { everyTestCounts } from '../../security/tally.ts'
import {
  DELIVERY_ID,
  expectUnreadable,
  failure,
  received,
  type Sent,
  testRefused,
  withOneBitChanged,
} from './requests.ts'

const TOKEN = '0123456789abcdef0123456789abcdef'
const receiver = twilioReceiver({ authToken: TOKEN })
const URL_OF = 'https://notify.example.test/webhooks/acme/sms'
const SID = 'SM0123456789abcdef0123456789abcdef'

type Form = readonly (readonly [string, string])[]
const FORM: Form = [
  ['SmsSid', SID],
  ['SmsStatus', 'delivered'],
  ['MessageStatus', 'delivered'],
  ['To', '+15551234567'],
  ['MessageSid', SID],
  ['AccountSid', 'AC0123456789abcdef0123456789abcdef'],
  ['From', '+15005550006'],
  ['ApiVersion', '2010-04-01'],
]
const formWith = (changes: Readonly<Record<string, string>>): Form => [
  ...FORM.filter(([name]) => !(name in changes)),
  ...Object.entries(changes),
]
const bodyOf = (form: Form): string => new URLSearchParams(form.map(([name, value]) => [name, value])).toString()
const contentOf = (url: string, form: Form): string =>
  url +
  form
    .map(([name, value]) => name + value)
    .sort()
    .join('')
const signatureOf = (url: string, form: Form, { token = TOKEN, hash = 'sha1' } = {}) =>
  createHmac(hash, token).update(contentOf(url, form)).digest('base64')
const sent = (form: Form, signature: string | undefined, url = URL_OF): Sent => ({
  body: bodyOf(form),
  headers: { 'x-twilio-signature': signature, 'content-type': 'application/x-www-form-urlencoded' },
  url,
})
const signed = (form: Form, url = URL_OF): Sent => sent(form, signatureOf(url, form), url)
const RIGHT = signatureOf(URL_OF, FORM)

describe('what it takes', () => {
  test.each([
    ['delivered', undefined, 'delivered'],
    ['undelivered', '30005', 'bounced'],
    ['undelivered', '30006', 'bounced'],
    ['failed', '21211', 'bounced'],
    ['failed', '21614', 'bounced'],
    ['failed', '21635', 'bounced'],
    ['undelivered', '30003', 'failed'],
    ['undelivered', '30007', 'failed'],
    ['undelivered', '30008', 'failed'],
    ['failed', '30001', 'failed'],
    ['failed', undefined, 'failed'],
    ['undelivered', 'constructor', 'failed'],
  ])('%s with the code %s means %s', async (MessageStatus, code, status) => {
    const form = formWith({ MessageStatus, ...(code && { ErrorCode: code }) })
    expect(await received(receiver, signed(form))).toEqual([
      { status, providerMessageId: SID, providerEventId: `${SID}:${MessageStatus}` },
    ])
  })

  test.each(['accepted', 'scheduled', 'queued', 'sending', 'sent', 'read', 'canceled', 'constructor', ''])(
    'a status that says nothing of how it ended is skipped: %j',
    async (MessageStatus) => {
      expect(await received(receiver, signed(formWith({ MessageStatus })))).toEqual([])
    },
  )

  test('a message that came in, which has no such status, is skipped', async () => {
    const form = FORM.filter(([name]) => name !== 'MessageStatus')
    expect(await received(receiver, signed([...form, ['Body', 'Hello & good-bye = ä']]))).toEqual([])
  })

  test("the delivery may be named in the callback's address, which is signed", async () => {
    const url = `${URL_OF}?carillon-delivery-id=${DELIVERY_ID}`
    expect(await received(receiver, signed(FORM, url))).toMatchObject([{ deliveryId: DELIVERY_ID }])
  })

  test('a repeated callback is the same event', async () => {
    const [first] = await received(receiver, signed(FORM))
    const [second] = await received(receiver, signed([...FORM].reverse()))
    expect(second).toEqual(first)
  })

  test('behind a proxy, the address that Twilio knows is put before the path', async () => {
    const publicUrl = 'https://public.example.test/carillon/'
    const behind = twilioReceiver({ authToken: TOKEN, publicUrl })
    const known = 'https://public.example.test/carillon/webhooks/acme/sms?a=1'
    const signature = signatureOf(known, FORM)
    for (const url of ['http://10.0.0.7:8080/webhooks/acme/sms?a=1', '/webhooks/acme/sms?a=1']) {
      expect(await received(behind, sent(FORM, signature, url))).toHaveLength(1)
      expect(await failure(receiver, sent(FORM, signature, url))).toBeInstanceOf(WebhookSignatureError)
    }
  })

  test.each<[string, Form]>([
    ['no MessageSid', FORM.filter(([name]) => name !== 'MessageSid')],
    ['an empty MessageSid', formWith({ MessageSid: '' })],
    ['a MessageSid that swallowed what follows it', formWith({ MessageSid: `${SID}&MessageStatus=delivered` })],
    ['a MessageSid of 256 characters', formWith({ MessageSid: 'S'.repeat(256) })],
    ['no fields', []],
  ])('rightly signed, but not readable: %s', async (_name, form) => {
    await expectUnreadable(receiver, signed(form))
  })
})

describe("Twilio's own examples", () => {
  const CALL: Form = [
    ['CallSid', 'CA1234567890ABCDE'],
    ['Caller', '+14158675309'],
    ['Digits', '1234'],
    ['From', '+14158675309'],
    ['To', '+18005551212'],
  ]
  const site = 'mycompany.com/myapp.php?foo=1&bar=2'
  const example = twilioReceiver({ authToken: '12345' })

  // They are calls: signed rightly, they hold no message.
  test.each<[string, string, string, Form]>([
    ['the documented one', `https://${site}`, 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', CALL],
    [
      'a port that was not signed',
      `https://mycompany.com:1234/myapp.php?foo=1&bar=2`,
      'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
      CALL,
    ],
    ['a port that was signed', 'http://mycompany.com:1234/myapp.php?foo=1&bar=2', 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU=', CALL],
    ['the usual port of https', `https://${site}`, 'kvajT1Ptam85bY51eRf/AJRuM3w=', CALL],
    ['the usual port of http', `http://${site}`, '0ZXoZLH/DfblKGATFgpif+LLRf4=', CALL],
    ['a login', `https://user:pass@${site}`, 'CukzLTc1tT5dXEDIHm/tKBanW10=', CALL],
    ['a login without a password', `https://user@${site}`, '2YRLlVAflCqxaNicjMpJcSTgzSs=', CALL],
    ['a login and the usual port', `https://user:pass@${site}`, 'ZQFR1PTIZXF2MXB8ZnKCvnnA+rI=', CALL],
    ['an apostrophe in the address', `https://${site}&Body=It's+amazing`, 'dsq4Ehbj6cs+KdTkpF5sSSplOWw=', CALL],
    [
      'a name with two values',
      `https://${site}`,
      '83O6e2vORAoJHUNzJjDWN1jz+BA=',
      [
        ['MessagingBinding.Address', '+1415xxxxxxx'],
        ['MessagingBinding.Address', '+1325xxxxxxx'],
      ],
    ],
    [
      'a value that comes twice',
      `https://${site}`,
      'IK+Dwps556ElfBT0I3Rgjkr1wJU=',
      [
        ['Sid', 'CA123'],
        ['SidAccount', 'AC123'],
        ['Digits', '5678'],
        ['Digits', '1234'],
        ['Digits', '1234'],
      ],
    ],
  ])('%s', async (_name, url, signature, form) => {
    await expectUnreadable(example, sent(form, signature, url))
    expect(await failure(example, sent(form, signature, url.replace('bar=2', 'bar=3')))).toBeInstanceOf(
      WebhookSignatureError,
    )
  })
})

describe('what it refuses', () => {
  everyTestCounts('S14')
  const bytes = Buffer.from(RIGHT, 'base64')
  testRefused(receiver, {
    'nothing signed': { body: bodyOf(FORM), url: URL_OF },
    'no signature': sent(FORM, undefined),
    'an empty signature': sent(FORM, ''),
    'another token': sent(FORM, signatureOf(URL_OF, FORM, { token: 'another' })),
    'an empty token': sent(FORM, signatureOf(URL_OF, FORM, { token: '' })),
    'another status': sent(formWith({ MessageStatus: 'failed' }), RIGHT),
    'one field more': sent([...FORM, ['ErrorCode', '30005']], RIGHT),
    'one field fewer': sent(FORM.slice(1), RIGHT),
    'a field twice, with another value': sent([...FORM, ['MessageStatus', 'failed']], RIGHT),
    'an empty body': { ...signed(FORM), body: '' },
    'a body cut short': { ...signed(FORM), body: bodyOf(FORM).slice(0, -1) },
    'a body as JSON': { ...signed(FORM), body: JSON.stringify(Object.fromEntries(FORM)) },
    'a body in another encoding': { ...signed(FORM), body: Buffer.from(bodyOf(FORM), 'utf16le') },
    'a body that is not UTF-8': {
      ...signed(FORM),
      body: Buffer.concat([Buffer.from(bodyOf(FORM)), Buffer.from([0xff])]),
    },
    'another path': sent(FORM, RIGHT, `${URL_OF}x`),
    "another tenant's address": sent(FORM, RIGHT, URL_OF.replace('acme', 'evil')),
    'another host': sent(FORM, RIGHT, URL_OF.replace('notify', 'notify2')),
    'http instead of https': sent(FORM, RIGHT, URL_OF.replace('https:', 'http:')),
    'a query that was not signed': sent(FORM, RIGHT, `${URL_OF}?carillon-delivery-id=${DELIVERY_ID}`),
    'a login that was not signed': sent(FORM, RIGHT, URL_OF.replace('notify', 'user:pass@notify')),
    'a port of the other scheme': sent(
      FORM,
      signatureOf('https://notify.example.test:80/webhooks/acme/sms', FORM),
      URL_OF,
    ),
    'an address that is not absolute': sent(FORM, RIGHT, '/webhooks/acme/sms'),
    'fields that moved into the address': sent(
      FORM.filter(([name]) => name !== 'AccountSid'),
      RIGHT,
      `${URL_OF}?${new URLSearchParams([['AccountSid', 'AC0123456789abcdef0123456789abcdef']])}`,
    ),
    'a signature cut short': sent(FORM, bytes.subarray(0, -1).toString('base64')),
    'a signature with more after it': sent(FORM, `${RIGHT}A`),
    'a signature without its padding': sent(FORM, RIGHT.replace(/=+$/, '')),
    'a signature that came twice': sent(FORM, `${RIGHT}, ${RIGHT}`),
    'a signature with a space before it': sent(FORM, ` ${RIGHT}`),
    'a signature in hexadecimal': sent(FORM, bytes.toString('hex')),
    'a signature in base64url': sent(FORM, `${bytes.toString('base64url')}_`),
    'a signature by SHA-256': sent(FORM, signatureOf(URL_OF, FORM, { hash: 'sha256' })),
    'a signature by MD5': sent(FORM, signatureOf(URL_OF, FORM, { hash: 'md5' })),
    'a signature of the address alone': sent(FORM, signatureOf(URL_OF, [])),
    'a signature of the body as it is': sent(
      FORM,
      createHmac('sha1', TOKEN)
        .update(URL_OF + bodyOf(FORM))
        .digest('base64'),
    ),
    'a signature of fields that are not in order': sent(
      FORM,
      createHmac('sha1', TOKEN)
        .update(URL_OF + FORM.flat().join(''))
        .digest('base64'),
    ),
    'a signature for JSON': {
      ...sent(FORM, createHmac('sha1', TOKEN).update(`${URL_OF}?bodySHA256=00`).digest('base64')),
      url: `${URL_OF}?bodySHA256=00`,
    },
    "SendGrid's header": {
      body: bodyOf(FORM),
      headers: { 'x-twilio-email-event-webhook-signature': RIGHT, 'webhook-signature': `v1,${RIGHT}` },
      url: URL_OF,
    },
  })

  test('a body changed in any bit is refused, unless it says the same in other letters', async () => {
    const { headers = {} } = signed(FORM)
    const fields = (body: Uint8Array) => [...new URLSearchParams(Buffer.from(body).toString())].flat().sort().join()
    for (const body of withOneBitChanged(bodyOf(FORM))) {
      if (fields(body) === fields(Buffer.from(bodyOf(FORM)))) continue
      expect(await failure(receiver, { body, headers, url: URL_OF })).toBeInstanceOf(WebhookSignatureError)
    }
  })

  test('a signature changed in any bit is refused', async () => {
    for (const changed of withOneBitChanged(bytes)) {
      const error = await failure(receiver, sent(FORM, Buffer.from(changed).toString('base64')))
      expect(error).toBeInstanceOf(WebhookSignatureError)
    }
  })
})

test('what cannot be configured is told at once', () => {
  expect(() => twilioReceiver({ authToken: '' })).toThrow(/^twilio: `authToken` must be/)
  for (const publicUrl of ['', 'notify.example.test', 'ftp://example.test', 'https://example.test/?a=1']) {
    expect(() => twilioReceiver({ authToken: TOKEN, publicUrl })).toThrow(/^twilio: `publicUrl` must be/)
  }
})
