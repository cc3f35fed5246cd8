import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WebhookSignatureError } from '../../../server/adapters/adapter.ts'
import { sendgrid } from '../../../server/adapters/receivers/sendgrid.ts'
import { everyTestCounts } from '../../security/tally.ts'
import {
  DELIVERY_ID,
  expectUnreadable,
  failure,
  NOW,
  now,
  received,
  SECONDS,
  type Sent,
  testRefused,
  withOneBitChanged,
} from './requests.ts'

const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const spki = (key: KeyObject): string => key.export({ format: 'der', type: 'spki' }).toString('base64')
const receiver = sendgrid({ publicKey: spki(pair.publicKey), now })

const EVENT = {
  email: 'ada@example.test',
  timestamp: SECONDS - 4,
  'smtp-id': '<14c5d75ce93.dfd.64b469@ismtpd-555>',
  event: 'delivered',
  sg_event_id: 'ZGVsaXZlcmVkLTAtMTk5NDIxMTItcU53',
  sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0',
  response: '250 OK secret-response',
  'carillon-delivery-id': DELIVERY_ID,
}
// As SendGrid sends it, with line breaks between events and at the end, which are signed too.
const bodyOf = (...events: unknown[]): string => `[${events.map((event) => JSON.stringify(event)).join(',\r\n')}]\r\n`
const BODY = bodyOf(EVENT)

interface Signing {
  readonly timestamp?: string
  readonly key?: KeyObject
  readonly hash?: string
}
const signatureOf = (body: string | Uint8Array, signing: Signing = {}): Buffer => {
  const { timestamp = String(SECONDS), key = pair.privateKey, hash = 'sha256' } = signing
  return createSign(hash).update(timestamp).update(body).sign(key)
}
const sent = (body: string | Uint8Array, timestamp: string | undefined, signature: string | undefined): Sent => ({
  body,
  headers: {
    'x-twilio-email-event-webhook-timestamp': timestamp,
    'x-twilio-email-event-webhook-signature': signature,
  },
})
const signed = (body: string | Uint8Array, signing: Signing = {}): Sent =>
  sent(body, signing.timestamp ?? String(SECONDS), signatureOf(body, signing).toString('base64'))

const SIGNATURE = signatureOf(BODY)
const RIGHT = SIGNATURE.toString('base64')
const TIME = String(SECONDS)

describe('what it takes', () => {
  test.each<[string, string, Record<string, unknown>?]>([
    ['delivered', 'delivered'],
    ['bounce', 'bounced', { type: 'bounce', status: '5.1.1' }],
    ['bounce', 'bounced'],
    ['bounce', 'failed', { type: 'blocked', status: '4.7.1' }],
    ['bounce', 'failed', { type: 'expired' }],
    ['dropped', 'bounced', { reason: 'Bounced Address' }],
    ['dropped', 'bounced', { reason: 'Invalid' }],
    ['dropped', 'failed', { reason: 'Spam Content (if Spam Checker app enabled)' }],
    ['dropped', 'failed', { reason: 'Unsubscribed Address' }],
    ['dropped', 'failed'],
    ['spamreport', 'complained'],
  ])('%s means %s %j', async (event, status, changes) => {
    expect(await received(receiver, signed(bodyOf({ ...EVENT, event, ...changes })))).toEqual([
      {
        status,
        deliveryId: DELIVERY_ID,
        providerEventId: EVENT.sg_event_id,
        providerMessageId: EVENT.sg_message_id,
      },
    ])
  })

  test.each(['processed', 'deferred', 'open', 'click', 'unsubscribe', 'group_resubscribe', 'constructor', '__proto__'])(
    'a kind that says nothing of how it ended is skipped: %s',
    async (event) => {
      expect(await received(receiver, signed(bodyOf({ ...EVENT, event })))).toEqual([])
    },
  )

  test('a batch keeps its order, without what is skipped', async () => {
    const kinds = ['processed', 'delivered', 'open', 'spamreport', 'bounce', 'deferred']
    const batch = kinds.map((event, index) => ({ ...EVENT, event, sg_event_id: `event-${index}` }))
    const events = await received(receiver, signed(bodyOf(...batch)))
    expect(events.map(({ status, providerEventId }) => [providerEventId, status])).toEqual([
      ['event-1', 'delivered'],
      ['event-3', 'complained'],
      ['event-4', 'bounced'],
    ])
  })

  test('an empty batch holds nothing', async () => {
    expect(await received(receiver, signed('[]\r\n'))).toEqual([])
  })

  test('1,000 events are a batch, 1,001 are none', async () => {
    const of = (count: number) => bodyOf(...Array.from({ length: count }, () => EVENT))
    expect(await received(receiver, signed(of(1_000)))).toHaveLength(1_000)
    await expectUnreadable(receiver, signed(of(1_001)))
  })

  test('an id that could not be stored is left out', async () => {
    const odd = { ...EVENT, sg_event_id: 'a\u0000b', sg_message_id: 7, 'carillon-delivery-id': { $ne: null } }
    expect(await received(receiver, signed(bodyOf(odd)))).toEqual([{ status: 'delivered' }])
  })

  test.each([-300, 0, 300])('a time %i seconds away is near enough', async (seconds) => {
    expect(await received(receiver, signed(BODY, { timestamp: String(SECONDS + seconds) }))).toHaveLength(1)
  })

  test('the delivery travels in the unique arguments of the mail', () => {
    const { 'X-SMTPAPI': header } = receiver.headers?.(DELIVERY_ID) ?? {}
    expect(JSON.parse(header ?? '')).toEqual({ unique_args: { 'carillon-delivery-id': DELIVERY_ID } })
  })

  test('the key may be given as PEM', async () => {
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(await received(sendgrid({ publicKey: pem, now }), signed(BODY))).toHaveLength(1)
  })

  test.each<[string, string | Uint8Array]>([
    ['an empty body', ''],
    ['no JSON', 'delivered'],
    ['half of a batch', BODY.slice(0, -4)],
    ['null', 'null'],
    ['a batch of texts', '["delivered"]'],
    ['a batch with a null', bodyOf(EVENT, null)],
    ['a batch in a batch', bodyOf([EVENT])],
    ['an event without a kind', bodyOf({ ...EVENT, event: undefined })],
    ['an event whose kind is no text', bodyOf({ ...EVENT, event: 1 })],
    ['bytes that are not UTF-8', Buffer.from(bodyOf({ ...EVENT, response: '\u00ff' }), 'latin1')],
  ])('rightly signed, but not readable: %s', async (_name, body) => {
    await expectUnreadable(receiver, signed(body))
  })
})

describe("SendGrid's own examples", () => {
  const MESSAGE = 'LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0'
  const dropped = {
    publicKey:
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
    timestamp: '1600112502',
    signature: 'MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=',
    body: bodyOf({
      email: 'hello@world.com',
      event: 'dropped',
      reason: 'Bounced Address',
      sg_event_id: 'ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA',
      sg_message_id: MESSAGE,
      'smtp-id': '<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>',
      timestamp: 1600112492,
    }),
  }
  const MESSAGE_OF_TWO = 'qNwBLgPQQjW6DJvKQwSAbw.filterdrecv-canary-547b64655b-cw6zx-1-6089EA4A-56.0'
  const several = {
    publicKey:
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ4LIFtWztlsF7skFqOncjD1lun4H5w8XOhyOArHW9RcIx/FfEzx6cikC/yPfUvwaX/JScE7Fc9CJD2afQ9Ok3Q==',
    timestamp: '1619651159',
    signature: 'MEYCIQC/I4o6vCgqRYrTljjoVWB/GRWNtxeePlLMHr3x9ETeRQIhAIpV+03nREPTTHWSW0wIOA0EoMPdcNgXa70yCaqDJlu5',
    body: bodyOf(
      {
        email: 'invalid@gmail.com',
        event: 'processed',
        send_at: 0,
        sg_event_id: 'cHJvY2Vzc2VkLTE5OTQyMTEyLXFOd0JMZ1BRUWpXNkRKdktRd1NBYnctMA',
        sg_message_id: MESSAGE_OF_TWO,
        'smtp-id': '<qNwBLgPQQjW6DJvKQwSAbw@ismtpd0178p1mdw1.sendgrid.net>',
        timestamp: 1619651146,
      },
      {
        email: 'invalid@gmail.com',
        event: 'bounce',
        ip: '167.89.101.76',
        reason:
          '552 5.2.2 The email account that you tried to reach is over quota and inactive. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaPerm c17si1130468pgv.34 - gsmtp',
        sg_event_id: 'Ym91bmNlLTAtMTk5NDIxMTItcU53QkxnUFFRalc2REp2S1F3U0Fidy0w',
        sg_message_id: MESSAGE_OF_TWO,
        'smtp-id': '<qNwBLgPQQjW6DJvKQwSAbw@ismtpd0178p1mdw1.sendgrid.net>',
        status: '5.2.2',
        timestamp: 1619651147,
        tls: 1,
        type: 'blocked',
      },
    ),
  }
  const first = {
    publicKey:
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==',
    timestamp: '1588788367',
    signature: 'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=',
    body: JSON.stringify({ category: 'example_payload', event: 'test_event', message_id: 'message_id' }),
  }

  test.each([
    [
      'a mail dropped for its address',
      dropped,
      [
        {
          status: 'bounced',
          providerEventId: 'ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA',
          providerMessageId: MESSAGE,
        },
      ],
    ],
    [
      'two events',
      several,
      [
        {
          status: 'failed',
          providerEventId: 'Ym91bmNlLTAtMTk5NDIxMTItcU53QkxnUFFRalc2REp2S1F3U0Fidy0w',
          providerMessageId: MESSAGE_OF_TWO,
        },
      ],
    ],
    ['one that is no batch', first, []],
  ])('%s', async (_name, { publicKey, timestamp, signature, body }, events) => {
    const then = sendgrid({ publicKey, now: () => Number(timestamp) * 1_000 })
    expect(await received(then, sent(body, timestamp, signature))).toEqual(events)
    expect(await failure(then, sent(body.slice(0, -2), timestamp, signature))).toBeInstanceOf(WebhookSignatureError)
  })
})

describe('what it refuses', () => {
  everyTestCounts('S14')
  const unsigned = (signature: string | undefined) => sent(BODY, TIME, signature)
  testRefused(receiver, {
    'nothing signed': { body: BODY },
    "another key's signature": signed(BODY, { key: other.privateKey }),
    'another body': { ...signed(BODY), body: bodyOf({ ...EVENT, event: 'bounce' }) },
    'a body without its line break': { ...signed(BODY), body: BODY.trimEnd() },
    'a body written anew from its JSON': { ...signed(BODY), body: JSON.stringify(JSON.parse(BODY), null, 2) },
    'a body in another encoding': { ...signed(BODY), body: Buffer.from(BODY, 'utf16le') },
    'no body': { ...signed(BODY), body: '' },
    'no time': sent(BODY, undefined, RIGHT),
    'an empty time': sent(BODY, '', RIGHT),
    'another time': sent(BODY, String(SECONDS + 1), RIGHT),
    'a time 301 seconds ago': signed(BODY, { timestamp: String(SECONDS - 301) }),
    'a time in 301 seconds': signed(BODY, { timestamp: String(SECONDS + 301) }),
    'a time in milliseconds': signed(BODY, { timestamp: String(NOW) }),
    'a time with letters after it': signed(BODY, { timestamp: `${TIME}abc` }),
    'a time with a space before it': signed(BODY, { timestamp: ` ${TIME}` }),
    'a time with a fraction': signed(BODY, { timestamp: `${TIME}.5` }),
    'a time that came twice': sent(BODY, `${TIME}, ${TIME}`, RIGHT),
    "a time that took the body's first bytes": sent(BODY.slice(1), `${TIME}[`, RIGHT),
    'no signature': unsigned(undefined),
    'an empty signature': unsigned(''),
    'a signature that is none': unsigned('c2lnbmF0dXJl'),
    'a signature cut short': unsigned(SIGNATURE.subarray(0, -1).toString('base64')),
    'a signature that came twice': unsigned(`${RIGHT}, ${RIGHT}`),
    'two signatures in one': unsigned(Buffer.concat([SIGNATURE, SIGNATURE]).toString('base64')),
    'a signature in hexadecimal': unsigned(SIGNATURE.toString('hex')),
    'a signature without its padding': unsigned(`${RIGHT.replace(/=+$/, '')}.`),
    'a signature of the version that has a prefix': unsigned(`v1,${RIGHT}`),
    'a signature as two numbers, without DER': unsigned(
      createSign('sha256')
        .update(TIME)
        .update(BODY)
        .sign({ key: pair.privateKey, dsaEncoding: 'ieee-p1363' })
        .toString('base64'),
    ),
    'a signature of zeros': unsigned(Buffer.from('3006020100020100', 'hex').toString('base64')),
    'a signature over another hash': signed(BODY, { hash: 'sha512' }),
    'a signature over the body alone': unsigned(
      createSign('sha256').update(BODY).sign(pair.privateKey).toString('base64'),
    ),
    'a signature over body and time': unsigned(
      createSign('sha256').update(BODY).update(TIME).sign(pair.privateKey).toString('base64'),
    ),
    'a signature over time, dot and body': unsigned(
      createSign('sha256').update(`${TIME}.${BODY}`).sign(pair.privateKey).toString('base64'),
    ),
    'headers by other names': {
      body: BODY,
      headers: { 'x-twilio-signature': RIGHT, 'x-twilio-timestamp': TIME, 'webhook-signature': `v1,${RIGHT}` },
    },
  })

  test('a body changed in any bit is refused', async () => {
    const { headers = {} } = signed(BODY)
    for (const body of withOneBitChanged(BODY)) {
      expect(await failure(receiver, { body, headers })).toBeInstanceOf(WebhookSignatureError)
    }
  })

  test('a signature changed in any bit is refused', async () => {
    for (const bytes of withOneBitChanged(SIGNATURE)) {
      const error = await failure(receiver, unsigned(Buffer.from(bytes).toString('base64')))
      expect(error).toBeInstanceOf(WebhookSignatureError)
    }
  })
})

test.each([
  ['nothing', ''],
  ['no key', 'bm90IGEga2V5'],
  ['a key of another curve', spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)],
  ['a key of another kind', spki(generateKeyPairSync('ed25519').publicKey)],
])('a public key that is none is told at once: %s', (_name, publicKey) => {
  expect(() => sendgrid({ publicKey })).toThrow(/^sendgrid: `publicKey` must be/)
})
