import { createSign, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { WebhookSignatureError } from '../../../server/adapters/adapter.ts'
import { type SesOptions, ses } from '../../../server/adapters/receivers/ses.ts'
import { countTests, tallyOf } from '../../security/tally.ts'
import { selfSigned } from './certificate.ts'
import {
  DELIVERY_ID,
  expectUnavailable,
  expectUnreadable,
  failure,
  NOW,
  now,
  received,
  type Sent,
  testRefused,
  withOneBitChanged,
} from './requests.ts'

const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const other = generateKeyPairSync('rsa', { modulusLength: 2048 })
const CERTIFICATE = selfSigned(pair)

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:mail-feedback'
const CERTIFICATE_URL =
  'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem'
const MESSAGE_ID = 'da41e39f-ea4d-435a-b922-c6aae3915ebe'
const CONFIRMATION_TOKEN = '2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92'
const SUBSCRIBE_URL = `https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=${CONFIRMATION_TOKEN}`

/** A receiver that notes which addresses it would have called. */
const recording = (options: Partial<SesOptions> = {}) => {
  const fetched: string[] = []
  const confirmed: string[] = []
  const receiver = ses({
    topicArn: TOPIC,
    now,
    fetchCertificate: async (url) => {
      fetched.push(url)
      return CERTIFICATE
    },
    confirmSubscription: async (url) => {
      confirmed.push(url)
    },
    ...options,
  })
  return { receiver, fetched, confirmed }
}

const MAIL = {
  timestamp: '2026-03-01T11:59:30.000Z',
  messageId: '00000138111222aa-33322211-cccc-cccc-cccc-ddddaaaa0680-000000',
  source: 'no-reply@example.test',
  destination: ['ada@example.test'],
  headersTruncated: false,
  headers: [{ name: 'X-Carillon-Delivery', value: DELIVERY_ID }],
  commonHeaders: { subject: 'Secret subject' },
}
const BOUNCE = {
  bounceType: 'Permanent',
  bounceSubType: 'General',
  bouncedRecipients: [{ emailAddress: 'ada@example.test' }],
}
const DELIVERY = { notificationType: 'Delivery', mail: MAIL, delivery: { recipients: ['ada@example.test'] } }

type Message = Readonly<Record<string, unknown>>
const notification = (message: unknown, changes: Message = {}): Message => ({
  Type: 'Notification',
  MessageId: MESSAGE_ID,
  TopicArn: TOPIC,
  Subject: 'Amazon SES Email Event Notification',
  Message: typeof message === 'string' ? message : JSON.stringify(message),
  Timestamp: new Date(NOW).toISOString(),
  SignatureVersion: '1',
  SigningCertURL: CERTIFICATE_URL,
  UnsubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe',
  ...changes,
})
const confirmation = (changes: Message = {}): Message => ({
  Type: 'SubscriptionConfirmation',
  MessageId: MESSAGE_ID,
  Token: CONFIRMATION_TOKEN,
  TopicArn: TOPIC,
  Message: `You have chosen to subscribe to the topic ${TOPIC}.\nTo confirm the subscription, visit the SubscribeURL.`,
  SubscribeURL: SUBSCRIBE_URL,
  Timestamp: new Date(NOW).toISOString(),
  SignatureVersion: '1',
  SigningCertURL: CERTIFICATE_URL,
  ...changes,
})

const NOTIFICATION_FIELDS = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
const CONFIRMATION_FIELDS = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']

interface Signing {
  readonly key?: KeyObject
  readonly hash?: string
  readonly fields?: readonly string[]
}
const signatureOf = (message: Message, signing: Signing = {}): Buffer => {
  const { key = pair.privateKey, hash = message.SignatureVersion === '2' ? 'RSA-SHA256' : 'RSA-SHA1' } = signing
  const fields = signing.fields ?? (message.Type === 'Notification' ? NOTIFICATION_FIELDS : CONFIRMATION_FIELDS)
  const text = fields.filter((name) => typeof message[name] === 'string').map((name) => `${name}\n${message[name]}\n`)
  return createSign(hash).update(text.join('')).sign(key)
}
const sent = (message: Message, signature?: unknown): Sent => ({
  body: JSON.stringify({ ...message, Signature: signature }),
})
const signed = (message: Message, signing: Signing = {}): Sent =>
  sent(message, signatureOf(message, signing).toString('base64'))

const { receiver } = recording()

const [forgeries, certificates] = [tallyOf('S14'), tallyOf('S15')]
afterAll(() => {
  forgeries.report()
  certificates.report()
})

describe('what it takes', () => {
  test.each<[string, string, Message]>([
    ['Delivery', 'delivered', { delivery: {} }],
    ['Bounce', 'bounced', { bounce: BOUNCE }],
    ['Bounce', 'bounced', { bounce: { ...BOUNCE, bounceSubType: 'OnAccountSuppressionList' } }],
    ['Bounce', 'failed', { bounce: { ...BOUNCE, bounceType: 'Transient', bounceSubType: 'MailboxFull' } }],
    ['Bounce', 'failed', { bounce: { ...BOUNCE, bounceType: 'Undetermined' } }],
    ['Bounce', 'failed', {}],
    ['Complaint', 'complained', { complaint: { complaintFeedbackType: 'abuse' } }],
  ])('%s means %s, as a notification and as an event', async (kind, status, detail) => {
    const expected = [
      { status, deliveryId: DELIVERY_ID, providerEventId: MESSAGE_ID, providerMessageId: MAIL.messageId },
    ]
    const asNotification = notification({ notificationType: kind, mail: MAIL, ...detail })
    expect(await received(receiver, signed(asNotification))).toEqual(expected)
    const mail = { ...MAIL, headers: undefined, tags: { 'carillon-delivery-id': [DELIVERY_ID], 'ses:caller': ['me'] } }
    expect(await received(receiver, signed(notification({ eventType: kind, mail, ...detail })))).toEqual(expected)
  })

  test.each(['1', '2'])('signature version %s, with a Subject and without', async (SignatureVersion) => {
    for (const Subject of ['A subject', undefined, null]) {
      const message = notification(DELIVERY, { SignatureVersion, Subject })
      expect(await received(receiver, signed(message))).toHaveLength(1)
    }
  })

  test.each([
    'Send',
    'Open',
    'Click',
    'Reject',
    'DeliveryDelay',
    'Rendering Failure',
    'Subscription',
    'Received',
    'constructor',
  ])('a kind that says nothing of how it ended is skipped: %s', async (kind) => {
    expect(await received(receiver, signed(notification({ eventType: kind, mail: MAIL })))).toEqual([])
  })

  test('what Amazon SES says when it is given a topic is no event', async () => {
    const greeting = 'Successfully validated SNS topic for Amazon SES event publishing.\n'
    expect(await received(receiver, signed(notification(greeting)))).toEqual([])
  })

  test('a mail without tag or header is known by the id that Amazon SES gave it', async () => {
    const bare = { ...DELIVERY, mail: { messageId: MAIL.messageId } }
    expect(await received(receiver, signed(notification(bare)))).toEqual([
      { status: 'delivered', providerEventId: MESSAGE_ID, providerMessageId: MAIL.messageId },
    ])
  })

  test('the delivery travels in a tag and in a header, in letters that a tag may hold', () => {
    expect(receiver.headers?.(DELIVERY_ID)).toEqual({
      'X-SES-MESSAGE-TAGS': `carillon-delivery-id=${DELIVERY_ID}`,
      'X-Carillon-Delivery': DELIVERY_ID,
    })
    expect(DELIVERY_ID).toMatch(/^[A-Za-z0-9_-]{1,255}$/)
  })

  test.each([-3_900, -60, 0, 300])(
    'a message published %i seconds away is taken: tries go on for an hour',
    async (seconds) => {
      const Timestamp = new Date(NOW + seconds * 1_000).toISOString()
      expect(await received(receiver, signed(notification(DELIVERY, { Timestamp })))).toHaveLength(1)
    },
  )

  test('a shorter time, where it is given, is kept to', async () => {
    const strict = recording({ maxAgeSeconds: 300 }).receiver
    const at = (seconds: number) =>
      signed(notification(DELIVERY, { Timestamp: new Date(NOW + seconds * 1_000).toISOString() }))
    expect(await received(strict, at(-300))).toHaveLength(1)
    expect(await failure(strict, at(-301))).toBeInstanceOf(WebhookSignatureError)
  })

  test('the certificate may lie in China', async () => {
    const SigningCertURL = CERTIFICATE_URL.replace('eu-west-1.amazonaws.com', 'cn-north-1.amazonaws.com.cn')
    const { receiver, fetched } = recording()
    expect(await received(receiver, signed(notification(DELIVERY, { SigningCertURL })))).toHaveLength(1)
    expect(fetched).toEqual([SigningCertURL])
  })

  test('a bare public key does for a certificate', async () => {
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    const bare = recording({ fetchCertificate: async () => pem }).receiver
    expect(await received(bare, signed(notification(DELIVERY)))).toHaveLength(1)
  })

  test('the certificate of these tests is one', () => {
    const certificate = new X509Certificate(CERTIFICATE)
    expect(certificate.verify(pair.publicKey)).toBe(true)
    expect(certificate.subject).toBe('CN=sns.amazonaws.com')
  })

  test.each<[string, unknown]>([
    ['no JSON', 'delivered'],
    ['an empty message', ''],
    ['a list', [DELIVERY]],
    ['null', 'null'],
    ['no mail', { notificationType: 'Delivery' }],
    ['a mail that is a text', { notificationType: 'Delivery', mail: 'none' }],
  ])('rightly signed, but not readable: %s', async (_name, message) => {
    await expectUnreadable(receiver, signed(notification(message)))
  })
})

describe('the subscription', () => {
  countTests(certificates)

  test('a confirmation that Amazon SNS signed for the topic is answered, and holds no event', async () => {
    const { receiver, confirmed } = recording()
    expect(await received(receiver, signed(confirmation()))).toEqual([])
    expect(confirmed).toEqual([SUBSCRIBE_URL])
  })

  test('a confirmation of signature version 2 too', async () => {
    const { receiver, confirmed } = recording()
    await received(receiver, signed(confirmation({ SignatureVersion: '2' })))
    expect(confirmed).toEqual([SUBSCRIBE_URL])
  })

  test('word that the subscription has ended is taken, and nothing is called', async () => {
    const { receiver, confirmed } = recording()
    expect(await received(receiver, signed(confirmation({ Type: 'UnsubscribeConfirmation' })))).toEqual([])
    expect(confirmed).toEqual([])
  })

  test('a confirmation that fails is no success', async () => {
    const failing = recording({
      confirmSubscription: async () => {
        throw new Error('Amazon SNS answered with HTTP 500')
      },
    }).receiver
    await expectUnavailable(failing, signed(confirmation()))
  })

  const sns = 'https://sns.eu-west-1.amazonaws.com/'
  const query = `?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=${CONFIRMATION_TOKEN}`
  test.each([
    ['another host', `https://evil.example.test/${query}`],
    ['a host that only begins like it', `https://sns.eu-west-1.amazonaws.com.evil.example.test/${query}`],
    ['another service', `https://s3.eu-west-1.amazonaws.com/${query}`],
    ['http', `http://sns.eu-west-1.amazonaws.com/${query}`],
    ['a login', `https://user@sns.eu-west-1.amazonaws.com/${query}`],
    ['a port', `https://sns.eu-west-1.amazonaws.com:8443/${query}`],
    ['a path', `${sns}evil${query}`],
    ['a fragment', `${sns}${query}#`],
    ['another action', `${sns}${query.replace('ConfirmSubscription', 'DeleteTopic')}`],
    ['two actions', `${sns}?Action=DeleteTopic&${query.slice(1)}`],
    ['another topic', `${sns}${query.replace('mail-feedback', 'other')}`],
    ['another token', `${sns}${query}0`],
    ['nothing', ''],
  ])('an address that confirms something else is not called, though it be signed: %s', async (_name, SubscribeURL) => {
    const { receiver, confirmed, fetched } = recording()
    expect(await failure(receiver, signed(confirmation({ SubscribeURL })))).toBeInstanceOf(WebhookSignatureError)
    expect([...confirmed, ...fetched]).toEqual([])
  })

  test.each<[string, Sent]>([
    ['forged', signed(confirmation(), { key: other.privateKey })],
    ['of another topic', signed(confirmation({ TopicArn: `${TOPIC}-2` }))],
    ['not signed', sent(confirmation())],
    ['signed as a notification', signed(confirmation(), { fields: NOTIFICATION_FIELDS })],
    ['without a token', signed(confirmation({ Token: undefined }))],
    ['stale', signed(confirmation({ Timestamp: new Date(NOW - 3_901_000).toISOString() }))],
  ])('nothing is confirmed that is %s', async (_name, request) => {
    const { receiver, confirmed } = recording()
    expect(await failure(receiver, request)).toBeInstanceOf(WebhookSignatureError)
    expect(confirmed).toEqual([])
  })
})

describe('what it refuses', () => {
  countTests(forgeries)
  const good = notification(DELIVERY)
  const RIGHT = signatureOf(good)
  const BASE64 = RIGHT.toString('base64')
  const BODY = JSON.stringify({ ...good, Signature: BASE64 })
  const changed = (changes: Message): Sent => sent({ ...good, ...changes }, BASE64)
  const at = (milliseconds: number) =>
    signed(notification(DELIVERY, { Timestamp: new Date(NOW + milliseconds).toISOString() }))

  testRefused(receiver, {
    'an empty body': { body: '' },
    'no JSON': { body: 'Type=Notification' },
    'half of a body': { body: BODY.slice(0, -1) },
    'a body in another encoding': { body: Buffer.from(BODY, 'utf16le') },
    'a body that is not UTF-8': { body: Buffer.concat([Buffer.from(BODY), Buffer.from([0xff])]) },
    'a list': { body: `[${BODY}]` },
    'the mail event alone, as raw delivery sends it': { body: JSON.stringify(DELIVERY) },
    "another key's signature": signed(good, { key: other.privateKey }),
    'another message': changed({ Message: JSON.stringify({ ...DELIVERY, notificationType: 'Complaint' }) }),
    'another id': changed({ MessageId: 'da41e39f-ea4d-435a-b922-c6aae3915ebf' }),
    'another subject': changed({ Subject: 'Another subject' }),
    'no subject': changed({ Subject: undefined }),
    'another time': changed({ Timestamp: new Date(NOW + 1).toISOString() }),
    'a topic that was changed': changed({ TopicArn: `${TOPIC}-2` }),
    'another topic, rightly signed': signed(notification(DELIVERY, { TopicArn: `${TOPIC}-2` })),
    'a topic in other letters': signed(notification(DELIVERY, { TopicArn: TOPIC.toUpperCase() })),
    'no topic': signed(notification(DELIVERY, { TopicArn: undefined })),
    'a list of topics': signed(notification(DELIVERY, { TopicArn: [TOPIC] })),
    'another kind of message': changed({ Type: 'UnsubscribeConfirmation' }),
    'a kind that there is not': signed(notification(DELIVERY, { Type: 'Other' })),
    'a kind of the prototype': signed(notification(DELIVERY, { Type: 'constructor' })),
    'no kind': signed(notification(DELIVERY, { Type: undefined })),
    'a message older than any try': at(-3_901_000),
    'a message from in 301 seconds': at(301_000),
    'a time without a zone': signed(notification(DELIVERY, { Timestamp: '2026-03-01T12:00:00.000' })),
    'a time in words': signed(notification(DELIVERY, { Timestamp: 'Sun, 01 Mar 2026 12:00:00 GMT' })),
    'a time in seconds': signed(notification(DELIVERY, { Timestamp: String(NOW / 1_000) })),
    'a time that there is not': signed(notification(DELIVERY, { Timestamp: '2026-02-31T99:00:00.000Z' })),
    'no time': signed(notification(DELIVERY, { Timestamp: undefined })),
    'no id': signed(notification(DELIVERY, { MessageId: undefined })),
    'an id that holds the field after it': signed(
      notification(DELIVERY, { MessageId: `${MESSAGE_ID}\nSubject\nA subject`, Subject: undefined }),
    ),
    'no message': signed(notification(DELIVERY, { Message: undefined })),
    'a message that is no text': signed(notification(DELIVERY, { Message: DELIVERY })),
    'a subject that is no text': signed(notification(DELIVERY, { Subject: ['A subject'] })),
    'no signature': sent(good),
    'an empty signature': sent(good, ''),
    'a signature that is null': sent(good, null),
    'a list of signatures': sent(good, [BASE64]),
    'a signature cut short': sent(good, RIGHT.subarray(0, -1).toString('base64')),
    'two signatures in one': sent(good, Buffer.concat([RIGHT, RIGHT]).toString('base64')),
    'a signature twice': sent(good, `${BASE64},${BASE64}`),
    'a signature in hexadecimal': sent(good, RIGHT.toString('hex')),
    'a signature in base64url': sent(good, `${RIGHT.toString('base64url')}_`),
    'a signature with line breaks': sent(good, `${BASE64.slice(0, 76)}\n${BASE64.slice(76)}`),
    'a signature of zeros': sent(good, Buffer.alloc(256).toString('base64')),
    'version 1 that says it is 2': sent({ ...good, SignatureVersion: '2' }, BASE64),
    'version 2 that says it is 1': sent(good, signatureOf({ ...good, SignatureVersion: '2' }).toString('base64')),
    'version 3': signed(notification(DELIVERY, { SignatureVersion: '3' })),
    'a version that is a number': signed(notification(DELIVERY, { SignatureVersion: 1 })),
    'no version': signed(notification(DELIVERY, { SignatureVersion: undefined })),
    'a signature over another hash': signed(good, { hash: 'RSA-SHA512' }),
    'a signature over fewer fields': signed(good, { fields: NOTIFICATION_FIELDS.slice(1) }),
    'a signature over the fields of a confirmation': signed(good, { fields: CONFIRMATION_FIELDS }),
    'a signature over the whole body': sent(
      good,
      createSign('RSA-SHA1').update(BODY).sign(pair.privateKey).toString('base64'),
    ),
  })

  test('whoever does not know the topic, or comes late, makes nothing be fetched', async () => {
    const { receiver, fetched } = recording()
    for (const request of [
      signed(notification(DELIVERY, { TopicArn: `${TOPIC}-2` })),
      at(-3_901_000),
      sent(good),
      sent(good, 'no base64!'),
    ]) {
      expect(await failure(receiver, request)).toBeInstanceOf(WebhookSignatureError)
    }
    expect(fetched).toEqual([])
  })

  test('a body changed in any bit is refused', async () => {
    // But for the addresses in it: of one nobody reads anything, and the other serves the same certificate here.
    const [from, to] = [BODY.indexOf('"SigningCertURL"'), BODY.indexOf('"Signature":')]
    for (const [index, body] of withOneBitChanged(BODY).entries()) {
      if (index >= from && index < to) continue
      expect(await failure(receiver, { body }), `byte ${index}`).toBeInstanceOf(WebhookSignatureError)
    }
  })
})

describe('where a certificate lies', () => {
  countTests(certificates)

  const file = 'SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem'
  test.each<[string, unknown]>([
    ['another host', `https://evil.example.test/${file}`],
    ['a host that only begins like it', `https://sns.eu-west-1.amazonaws.com.evil.example.test/${file}`],
    ['a host that only ends like it', `https://evil-sns.eu-west-1.amazonaws.com/${file}`],
    ['a host within it', `https://evil.sns.eu-west-1.amazonaws.com/${file}`],
    ['a host with something in place of dots', `https://sns-eu-west-1-amazonaws-com.example.test/${file}`],
    ['a bucket of anyone', `https://sns.s3.amazonaws.com.example.test/${file}`],
    ["a bucket at Amazon's", `https://s3.eu-west-1.amazonaws.com/sns/${file}`],
    ['a bucket by its own name', `https://sns.eu-west-1.s3.amazonaws.com/${file}`],
    ['a host without a region', `https://sns.amazonaws.com/${file}`],
    ['another country', `https://sns.eu-west-1.amazonaws.com.ru/${file}`],
    ['a host that ends with a dot', `https://sns.eu-west-1.amazonaws.com./${file}`],
    ['a host in capitals', `https://SNS.EU-WEST-1.AMAZONAWS.COM/${file}`],
    ['http', `http://sns.eu-west-1.amazonaws.com/${file}`],
    ['a file here', `file:///etc/${file}`],
    ['data', `data:text/plain,${file}`],
    ['no scheme', `//sns.eu-west-1.amazonaws.com/${file}`],
    ['a login that looks like the host', `https://sns.eu-west-1.amazonaws.com@evil.example.test/${file}`],
    ['a login', `https://user:pass@sns.eu-west-1.amazonaws.com/${file}`],
    ['a port', `https://sns.eu-west-1.amazonaws.com:8443/${file}`],
    ['the usual port', `https://sns.eu-west-1.amazonaws.com:443/${file}`],
    ['a backslash', `https://evil.example.test\\@sns.eu-west-1.amazonaws.com/${file}`],
    ['a tab', `https://sns.eu-west-1.amazonaws.com/\t${file}`],
    ['a space before it', ` https://sns.eu-west-1.amazonaws.com/${file}`],
    ['a line break after it', `https://sns.eu-west-1.amazonaws.com/${file}\n`],
    ['a folder', `https://sns.eu-west-1.amazonaws.com/evil/${file}`],
    ['a way up', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-/../evil.pem`],
    ['a way up in other letters', `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%2e%2e%2fevil.pem`],
    ['another file', 'https://sns.eu-west-1.amazonaws.com/evil.pem'],
    ['a file that is no certificate', `https://sns.eu-west-1.amazonaws.com/${file.replace('.pem', '.txt')}`],
    ['a query', `https://sns.eu-west-1.amazonaws.com/${file}?a=.pem`],
    ['a query that looks like it', 'https://sns.eu-west-1.amazonaws.com/?SimpleNotificationService-1.pem'],
    ['a fragment', `https://sns.eu-west-1.amazonaws.com/${file}#`],
    ['an address in numbers', `https://169.254.169.254/${file}`],
    ['a list', [CERTIFICATE_URL]],
    ['nothing', undefined],
  ])('a certificate is not fetched from elsewhere: %s', async (_name, SigningCertURL) => {
    const { receiver, fetched } = recording()
    const error = await failure(receiver, signed(notification(DELIVERY, { SigningCertURL })))
    expect(error).toBeInstanceOf(WebhookSignatureError)
    expect(fetched).toEqual([])
  })
})

describe('certificates', () => {
  countTests(certificates)

  test('one is fetched once, however many messages come, even at once', async () => {
    const { receiver, fetched } = recording()
    await Promise.all(Array.from({ length: 20 }, () => received(receiver, signed(notification(DELIVERY)))))
    await received(receiver, signed(notification(DELIVERY)))
    expect(fetched).toEqual([CERTIFICATE_URL])
  })

  test('one that could not be fetched is asked for again', async () => {
    const answers = [Promise.reject(new Error('Amazon SNS did not answer')), Promise.resolve(CERTIFICATE)]
    const flaky = recording({ fetchCertificate: () => answers.shift() ?? Promise.reject(new Error('once too often')) })
    await expectUnavailable(flaky.receiver, signed(notification(DELIVERY)))
    expect(await received(flaky.receiver, signed(notification(DELIVERY)))).toHaveLength(1)
  })

  test.each([
    ['nothing', ''],
    ['a page', '<html>not found</html>'],
    ['a certificate cut short', CERTIFICATE.slice(0, 200)],
    [
      'a key of another kind',
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
        .publicKey.export({ format: 'pem', type: 'spki' })
        .toString(),
    ],
  ])('something else in its place is no key: %s', async (_name, answer) => {
    await expectUnavailable(
      recording({ fetchCertificate: async () => answer }).receiver,
      signed(notification(DELIVERY)),
    )
  })

  test('more than 8 are not fetched at once, and none of them takes the place of one that is known', async () => {
    const fetched: string[] = []
    let refuse = (_error: Error): void => {}
    const slow = new Promise<string>((_resolve, reject) => {
      refuse = reject
    })
    const { receiver } = recording({
      fetchCertificate: (url) => {
        fetched.push(url)
        return url === CERTIFICATE_URL ? Promise.resolve(CERTIFICATE) : slow
      },
    })
    await received(receiver, signed(notification(DELIVERY)))
    const invented = Array.from({ length: 20 }, (_, index) =>
      signed(notification(DELIVERY, { SigningCertURL: CERTIFICATE_URL.replace('9c6465', `invented${index}`) })),
    )
    const failures = Promise.all(invented.map((request) => failure(receiver, request)))
    expect(await received(receiver, signed(notification(DELIVERY)))).toHaveLength(1)
    refuse(new Error('Amazon SNS answered with HTTP 403'))
    expect(await failures).toHaveLength(20)
    expect(fetched).toHaveLength(9)
  })

  test('the oldest of more than 8 makes room', async () => {
    const { receiver, fetched } = recording()
    const of = (index: number) =>
      signed(notification(DELIVERY, { SigningCertURL: CERTIFICATE_URL.replace('9c6465', `known${index}`) }))
    for (let index = 0; index < 9; index += 1) await received(receiver, of(index))
    await received(receiver, of(8))
    expect(fetched).toHaveLength(9)
    await received(receiver, of(0))
    expect(fetched).toHaveLength(10)
  })
})

test.each(['', 'mail-feedback', 'arn:aws:sqs:eu-west-1:123456789012:queue', 'arn:aws:sns:eu-west-1:123456789012:'])(
  'a topic that is none is told at once: %j',
  (topicArn) => {
    expect(() => ses({ topicArn })).toThrow(/^ses: `topicArn` must be/)
  },
)
