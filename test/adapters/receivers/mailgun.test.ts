import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WebhookSignatureError } from '../../../server/adapters/adapter.ts'
import { mailgun } from '../../../server/adapters/receivers/mailgun.ts'
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

const SIGNING_KEY = 'key-of-the-account-that-signs-webhooks'
const OTHER_KEY = 'key-of-another-account-that-signs-webhooks'
const receiver = mailgun({ signingKey: SIGNING_KEY, now })

const TOKEN = 'e0b5477167110d68991efc6b9f89f0a11066af27834600e123'
const TIME = String(SECONDS)

const hmac = (content: string, { key = SIGNING_KEY, hash = 'sha256' } = {}) => createHmac(hash, key).update(content)
const RIGHT = hmac(TIME + TOKEN).digest('hex')

const eventOf = (changes: Record<string, unknown> = {}) => ({
  id: 'G9Bn5sl1TC6nu79C8C0bwg',
  timestamp: SECONDS - 2.6,
  event: 'delivered',
  message: { headers: { to: 'ada@example.test', 'message-id': 'abcdef@mail.example.test', subject: 'Secret subject' } },
  recipient: 'ada@example.test',
  'user-variables': { 'carillon-delivery-id': DELIVERY_ID },
  ...changes,
})
const signed = (event: unknown, timestamp = TIME, key = SIGNING_KEY): Sent => ({
  body: JSON.stringify({
    signature: { timestamp, token: TOKEN, signature: hmac(timestamp + TOKEN, { key }).digest('hex') },
    'event-data': event,
  }),
})
const withSignature = (changes: Record<string, unknown>): Sent => ({
  body: JSON.stringify({
    signature: { timestamp: TIME, token: TOKEN, signature: RIGHT, ...changes },
    'event-data': eventOf(),
  }),
})

describe('what it takes', () => {
  test.each<[string, string, Record<string, unknown>?]>([
    ['delivered', 'delivered'],
    ['failed', 'bounced', { severity: 'permanent', reason: 'bounce' }],
    ['failed', 'bounced', { severity: 'permanent', reason: 'suppress-bounce' }],
    ['complained', 'complained'],
  ])('%s means %s %j', async (event, status, changes) => {
    expect(await received(receiver, signed(eventOf({ event, ...changes })))).toEqual([
      {
        status,
        deliveryId: DELIVERY_ID,
        providerEventId: TOKEN,
        providerMessageId: '<abcdef@mail.example.test>',
      },
    ])
  })

  test.each(['accepted', 'rejected', 'opened', 'clicked', 'unsubscribed', 'stored', 'constructor'])(
    'a kind that says nothing of a delivery is skipped: %s',
    async (event) => {
      expect(await received(receiver, signed(eventOf({ event })))).toEqual([])
    },
  )

  test.each([{ severity: 'temporary', reason: 'generic' }, {}])(
    'that it failed for now says nothing yet, for Mailgun goes on trying: %j',
    async (changes) => {
      expect(await received(receiver, signed(eventOf({ event: 'failed', ...changes })))).toEqual([])
    },
  )

  test('a token that was overheard is worth the event that it was, whatever is said with it', async () => {
    const [first] = await received(receiver, signed(eventOf()))
    const [forged] = await received(receiver, signed(eventOf({ event: 'complained', id: 'another' })))
    expect(forged?.providerEventId).toBe(first?.providerEventId)
  })

  test('the parent account recognises what happened in a subaccount', async () => {
    const own = hmac(TIME + TOKEN, { key: OTHER_KEY }).digest('hex')
    expect(await received(receiver, withSignature({ signature: own, 'parent-signature': RIGHT }))).toHaveLength(1)
    expect(await failure(receiver, withSignature({ signature: own, 'parent-signature': own }))).toBeInstanceOf(
      WebhookSignatureError,
    )
  })

  test('the time may be written as a number', async () => {
    expect(await received(receiver, withSignature({ timestamp: SECONDS }))).toHaveLength(1)
  })

  test.each([-300, 0, 300])('a time %i seconds away is near enough', async (seconds) => {
    expect(await received(receiver, signed(eventOf(), String(SECONDS + seconds)))).toHaveLength(1)
  })

  test('a longer time, where it is given, lets in the tries of 8 hours, and nothing from the future', async () => {
    const patient = mailgun({ signingKey: SIGNING_KEY, maxAgeSeconds: 28_800, now })
    expect(await received(patient, signed(eventOf(), String(SECONDS - 28_800)))).toHaveLength(1)
    for (const seconds of [-28_801, 301]) {
      const error = await failure(patient, signed(eventOf(), String(SECONDS + seconds)))
      expect(error).toBeInstanceOf(WebhookSignatureError)
    }
  })

  test('however patient, it takes no digit of the time for one of the token, which would make it another token', async () => {
    const patient = mailgun({ signingKey: SIGNING_KEY, maxAgeSeconds: Number.MAX_SAFE_INTEGER, now })
    for (const digits of [1, 5, 9]) {
      const moved = withSignature({ timestamp: TIME.slice(0, -digits), token: TIME.slice(-digits) + TOKEN })
      expect(await failure(patient, moved)).toBeInstanceOf(WebhookSignatureError)
    }
  })

  test('a mail without variables is known by its Message-ID', async () => {
    const bare = eventOf({ 'user-variables': {}, message: { headers: { 'message-id': '<a@b>' } } })
    expect(await received(receiver, signed(bare))).toEqual([
      { status: 'delivered', providerEventId: TOKEN, providerMessageId: '<a@b>' },
    ])
    expect(await received(receiver, signed(eventOf({ 'user-variables': [], message: null })))).toEqual([
      { status: 'delivered', providerEventId: TOKEN },
    ])
  })

  test('the delivery travels in the variables of the mail', () => {
    const { 'X-Mailgun-Variables': header } = receiver.headers?.(DELIVERY_ID) ?? {}
    expect(JSON.parse(header ?? '')).toEqual({ 'carillon-delivery-id': DELIVERY_ID })
  })

  test('a signature known from elsewhere is taken', async () => {
    const then = mailgun({ signingKey: 'key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26', now: () => 1_661_590_666_000 })
    const body = JSON.stringify({
      signature: {
        token: 'fff0ebc59c0516f4ce0823212a2f45e5c67814420b99fe558b',
        timestamp: '1661590666',
        signature: 'a0cd251821d8fd56a2130b541becc8e441023574e602fe9829a9ab9fbfdea33f',
      },
      'event-data': { event: 'failed', severity: 'permanent' },
    })
    expect(await received(then, { body })).toMatchObject([{ status: 'bounced' }])
  })

  test.each<[string, unknown]>([
    ['no event', undefined],
    ['an event that is null', null],
    ['an event that is a list', [eventOf()]],
    ['an event without a kind', eventOf({ event: undefined })],
    ['an event whose kind is no text', eventOf({ event: 7 })],
  ])('rightly signed, but not readable: %s', async (_name, event) => {
    await expectUnreadable(receiver, signed(event))
  })
})

describe('what it refuses', () => {
  everyTestCounts('S14')
  const { body: good } = signed(eventOf())
  testRefused(receiver, {
    'an empty body': { body: '' },
    'no JSON': { body: 'event=delivered' },
    'half of a body': { body: good.slice(0, -1) },
    'a body in another encoding': { body: Buffer.from(good as string, 'utf16le') },
    'a body that is not UTF-8': { body: Buffer.concat([Buffer.from(good as string), Buffer.from([0xff])]) },
    'a list': { body: `[${good}]` },
    'no signature at all': { body: JSON.stringify({ 'event-data': eventOf() }) },
    'a signature that is a text': { body: JSON.stringify({ signature: RIGHT, 'event-data': eventOf() }) },
    'a signature that is a list': {
      body: JSON.stringify({ signature: [TIME, TOKEN, RIGHT], 'event-data': eventOf() }),
    },
    'the fields of a signature beside it': {
      body: JSON.stringify({ timestamp: TIME, token: TOKEN, signature: RIGHT, 'event-data': eventOf() }),
    },
    "another account's key": signed(eventOf(), TIME, OTHER_KEY),
    'another time': withSignature({ timestamp: String(SECONDS + 1) }),
    'no time': withSignature({ timestamp: undefined }),
    'an empty time': withSignature({ timestamp: '' }),
    'a time 301 seconds ago': signed(eventOf(), String(SECONDS - 301)),
    'a time in 301 seconds': signed(eventOf(), String(SECONDS + 301)),
    'a time in milliseconds': signed(eventOf(), String(NOW)),
    'a time with a fraction': signed(eventOf(), `${TIME}.5`),
    'a time with letters after it': signed(eventOf(), `${TIME}abc`),
    'a time with a space before it': signed(eventOf(), ` ${TIME}`),
    'a digit that went from the token to the time': {
      body: JSON.stringify({
        signature: { timestamp: `${TIME}1`, token: '23', signature: hmac(`${TIME}123`).digest('hex') },
        'event-data': eventOf(),
      }),
    },
    'a digit that went from the time to the token': withSignature({
      timestamp: TIME.slice(0, -1),
      token: TIME.slice(-1) + TOKEN,
    }),
    'another token': withSignature({ token: TOKEN.replace('e', 'f') }),
    'no token': withSignature({ token: undefined }),
    'an empty token': withSignature({ token: '', signature: hmac(TIME).digest('hex') }),
    'a token that is a number': withSignature({ token: 7, signature: hmac(`${TIME}7`).digest('hex') }),
    'no signature in the signature': withSignature({ signature: undefined }),
    'an empty signature': withSignature({ signature: '' }),
    'a signature cut short': withSignature({ signature: RIGHT.slice(0, -1) }),
    'a signature with more after it': withSignature({ signature: `${RIGHT}0` }),
    'a signature twice': withSignature({ signature: `${RIGHT},${RIGHT}` }),
    'a list of signatures': withSignature({ signature: [RIGHT] }),
    'a signature that is true': withSignature({ signature: true }),
    'a signature in base64': withSignature({ signature: hmac(TIME + TOKEN).digest('base64') }),
    'a signature in capitals': withSignature({ signature: RIGHT.toUpperCase() }),
    'a signature by SHA-1': withSignature({ signature: hmac(TIME + TOKEN, { hash: 'sha1' }).digest('hex') }),
    'a signature by SHA-512': withSignature({ signature: hmac(TIME + TOKEN, { hash: 'sha512' }).digest('hex') }),
    'a signature of time, dot and token': withSignature({ signature: hmac(`${TIME}.${TOKEN}`).digest('hex') }),
    'a signature of token and time': withSignature({ signature: hmac(TOKEN + TIME).digest('hex') }),
    'a signature with an empty key': withSignature({ signature: hmac(TIME + TOKEN, { key: '' }).digest('hex') }),
    'a signature in a header': {
      body: JSON.stringify({ 'event-data': eventOf() }),
      headers: { 'x-mailgun-signature': RIGHT, 'x-mailgun-timestamp': TIME, 'x-mailgun-token': TOKEN },
    },
  })

  test('a signature changed in any bit is refused', async () => {
    for (const bytes of withOneBitChanged(Buffer.from(RIGHT, 'hex'))) {
      const error = await failure(receiver, withSignature({ signature: Buffer.from(bytes).toString('hex') }))
      expect(error).toBeInstanceOf(WebhookSignatureError)
    }
  })
})

test('a signing key that is none is told at once', () => {
  expect(() => mailgun({ signingKey: '' })).toThrow(/^mailgun: `signingKey` must be/)
})
