import { describe, expect, test } from 'vitest'
import { postmark } from '../../../server/adapters/receivers/postmark.ts'
import { everyTestCounts } from '../../security/tally.ts'
import { DELIVERY_ID, expectUnreadable, received, type Sent, testRefused } from './requests.ts'

const USERNAME = 'carillon'
const PASSWORD = 'correct-horse-battery-staple-and-more'
const receiver = postmark({ username: USERNAME, password: PASSWORD })

const login = (text: string): string => Buffer.from(text).toString('base64')
const RIGHT = login(`${USERNAME}:${PASSWORD}`)
const MESSAGE_ID = '883953f4-6105-42a2-a16a-77a8eac79483'

const DELIVERY = {
  RecordType: 'Delivery',
  ServerID: 23,
  MessageStream: 'outbound',
  MessageID: MESSAGE_ID,
  Recipient: 'ada@example.test',
  Tag: 'welcome',
  DeliveredAt: '2026-03-01T11:59:57.1234567Z',
  Details: 'Secret details',
  Metadata: { 'carillon-delivery-id': DELIVERY_ID },
}
const BOUNCE = {
  RecordType: 'Bounce',
  ID: 692560173,
  Type: 'HardBounce',
  TypeCode: 1,
  Name: 'Hard bounce',
  MessageID: MESSAGE_ID,
  Email: 'ada@example.test',
  BouncedAt: '2026-03-01T11:59:57Z',
  Inactive: false,
  CanActivate: true,
  Subject: 'Secret subject',
  Metadata: { 'carillon-delivery-id': DELIVERY_ID },
}

const sent = (body: unknown, authorization: string | undefined = `Basic ${RIGHT}`): Sent => ({
  body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  headers: { authorization },
})

describe('what it takes', () => {
  test('Delivery means delivered', async () => {
    expect(await received(receiver, sent(DELIVERY))).toEqual([
      {
        status: 'delivered',
        deliveryId: DELIVERY_ID,
        providerMessageId: MESSAGE_ID,
        providerEventId: `Delivery:${MESSAGE_ID}:2026-03-01T11:59:57.1234567Z`,
      },
    ])
  })

  test('SpamComplaint means complained', async () => {
    const complaint = { ...BOUNCE, RecordType: 'SpamComplaint', Type: 'SpamComplaint', TypeCode: 100001 }
    expect(await received(receiver, sent(complaint))).toEqual([
      {
        status: 'complained',
        deliveryId: DELIVERY_ID,
        providerMessageId: MESSAGE_ID,
        providerEventId: 'SpamComplaint:692560173',
      },
    ])
  })

  test.each([
    ['HardBounce', 'bounced'],
    ['BadEmailAddress', 'bounced'],
    ['ManuallyDeactivated', 'bounced'],
    ['Transient', 'failed'],
    ['SoftBounce', 'failed'],
    ['DnsError', 'failed'],
    ['Blocked', 'failed'],
    ['DMARCPolicy', 'failed'],
    ['SpamNotification', 'failed'],
    ['VirusNotification', 'failed'],
    ['Unconfirmed', 'failed'],
    ['SMTPApiError', 'failed'],
    ['TemplateRenderingFailed', 'failed'],
    ['Unknown', 'failed'],
    ['SomethingNew', 'failed'],
    ['SpamComplaint', 'complained'],
  ])('a bounce of type %s means %s', async (Type, status) => {
    expect(await received(receiver, sent({ ...BOUNCE, Type }))).toEqual([
      { status, deliveryId: DELIVERY_ID, providerMessageId: MESSAGE_ID, providerEventId: 'Bounce:692560173' },
    ])
  })

  test('any bounce after which Postmark has deactivated the address means bounced', async () => {
    const softly = { ...BOUNCE, Type: 'SoftBounce', Inactive: true }
    expect(await received(receiver, sent(softly))).toMatchObject([{ status: 'bounced' }])
  })

  test.each(['AutoResponder', 'AddressChange', 'ChallengeVerification', 'OpenRelayTest', 'Subscribe', 'Unsubscribe'])(
    'a bounce that is an answer to a mail that arrived is skipped: %s',
    async (Type) => {
      expect(await received(receiver, sent({ ...BOUNCE, Type }))).toEqual([])
    },
  )

  test.each(['Open', 'Click', 'SubscriptionChange', 'Inbound', 'constructor'])(
    'a kind that says nothing of a delivery is skipped: %s',
    async (RecordType) => {
      expect(await received(receiver, sent({ ...DELIVERY, RecordType }))).toEqual([])
    },
  )

  test('a mail without metadata is known by its MessageID', async () => {
    const [event] = await received(receiver, sent({ ...DELIVERY, Metadata: undefined, DeliveredAt: undefined }))
    expect(event).toEqual({ status: 'delivered', providerMessageId: MESSAGE_ID })
  })

  test('the delivery travels in a header of 20 characters after the prefix, which is all that Postmark takes', () => {
    expect(receiver.headers?.(DELIVERY_ID)).toEqual({ 'X-PM-Metadata-carillon-delivery-id': DELIVERY_ID })
    expect('carillon-delivery-id').toHaveLength(20)
    expect(DELIVERY_ID.length).toBeLessThanOrEqual(80)
  })

  test('the scheme may be written in any letters', async () => {
    expect(await received(receiver, sent(DELIVERY, `basic ${RIGHT}`))).toHaveLength(1)
  })

  test.each<[string, unknown]>([
    ['an empty body', ''],
    ['no JSON', 'Delivery'],
    ['half of a JSON', JSON.stringify(DELIVERY).slice(0, -1)],
    ['an array', [DELIVERY]],
    ['null', 'null'],
    ['no RecordType', { ...DELIVERY, RecordType: undefined }],
    ['a RecordType that is no text', { ...DELIVERY, RecordType: ['Delivery'] }],
    ['a bounce without a type', { ...BOUNCE, Type: undefined }],
    ['bytes that are not UTF-8', Buffer.from(JSON.stringify({ ...DELIVERY, Details: '\u00ff' }), 'latin1')],
  ])('rightly authenticated, but not readable: %s', async (_name, body) => {
    await expectUnreadable(receiver, sent(body))
  })
})

describe('what it refuses', () => {
  everyTestCounts('S14')
  testRefused(receiver, {
    'no credentials': { body: JSON.stringify(DELIVERY) },
    'an empty header': sent(DELIVERY, ''),
    'the scheme alone': sent(DELIVERY, 'Basic'),
    'the scheme and a space': sent(DELIVERY, 'Basic '),
    'empty credentials': sent(DELIVERY, `Basic ${login(':')}`),
    'another password': sent(DELIVERY, `Basic ${login(`${USERNAME}:another`)}`),
    'another user name': sent(DELIVERY, `Basic ${login(`other:${PASSWORD}`)}`),
    'user name and password exchanged': sent(DELIVERY, `Basic ${login(`${PASSWORD}:${USERNAME}`)}`),
    'the user name alone': sent(DELIVERY, `Basic ${login(USERNAME)}`),
    'no password': sent(DELIVERY, `Basic ${login(`${USERNAME}:`)}`),
    'a password cut short': sent(DELIVERY, `Basic ${login(`${USERNAME}:${PASSWORD.slice(0, -1)}`)}`),
    'a password with more after it': sent(DELIVERY, `Basic ${login(`${USERNAME}:${PASSWORD}x`)}`),
    'a password with a NUL after it': sent(DELIVERY, `Basic ${login(`${USERNAME}:${PASSWORD}\u0000`)}`),
    'a password in other letters': sent(DELIVERY, `Basic ${login(`${USERNAME}:${PASSWORD.toUpperCase()}`)}`),
    'a user name in other letters': sent(DELIVERY, `Basic ${login(`${USERNAME.toUpperCase()}:${PASSWORD}`)}`),
    'credentials that are not encoded': sent(DELIVERY, `Basic ${USERNAME}:${PASSWORD}`),
    'credentials in hexadecimal': sent(DELIVERY, `Basic ${Buffer.from(`${USERNAME}:${PASSWORD}`).toString('hex')}`),
    'credentials encoded twice': sent(DELIVERY, `Basic ${login(RIGHT)}`),
    'credentials without their padding': sent(DELIVERY, `Basic ${RIGHT.replace(/=+$/, '')}A`),
    'credentials with a line break inside': sent(DELIVERY, `Basic ${RIGHT.slice(0, 8)}\n${RIGHT.slice(8)}`),
    'credentials without a scheme': sent(DELIVERY, RIGHT),
    'another scheme': sent(DELIVERY, `Bearer ${RIGHT}`),
    'a header that came twice': sent(DELIVERY, `Basic ${RIGHT}, Basic ${RIGHT}`),
    'right credentials after wrong ones': sent(DELIVERY, `Basic ${login('a:b')} ${RIGHT}`),
    'credentials in another header': {
      body: JSON.stringify(DELIVERY),
      headers: { 'proxy-authorization': `Basic ${RIGHT}`, 'x-authorization': `Basic ${RIGHT}` },
    },
    'credentials in the address': {
      body: JSON.stringify(DELIVERY),
      url: `https://${USERNAME}:${PASSWORD}@notify.example.test/webhooks/acme/mail`,
    },
    'a body that cannot be read, from anyone': sent('{', `Basic ${login('a:b')}`),
  })

  test('the password in base64 differs from the right one in every single letter that is changed', async () => {
    for (let index = 0; index < PASSWORD.length; index += 1) {
      const changed = `${PASSWORD.slice(0, index)}\u007f${PASSWORD.slice(index + 1)}`
      const attempt = received(receiver, sent(DELIVERY, `Basic ${login(`${USERNAME}:${changed}`)}`))
      await expect(attempt).rejects.toThrow('the signature is wrong')
    }
  })
})

test.each([
  ['', 'p'],
  ['u', ''],
  ['u:v', 'p'],
])('credentials that cannot be are told at once: %j, %j', (username, password) => {
  expect(() => postmark({ username, password })).toThrow(/^postmark: /)
})
