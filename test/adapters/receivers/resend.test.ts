import { describe, expect, test } from 'vitest'
import { resend } from '../../../server/adapters/receivers/resend.ts'
import { everyTestCounts } from '../../security/tally.ts'
import { DELIVERY_ID, expectUnreadable, now, received } from './requests.ts'
import { ID, SECRET, signedWith, testStandardSignature } from './standard-signature.ts'

const receiver = resend({ secret: SECRET, now })
const signed = signedWith('svix')

/** As Resend sends it, with what the mail's headers were. */
const dataOf = (changes: Record<string, unknown> = {}) => ({
  created_at: '2026-03-01T11:59:58.894Z',
  email_id: '56761188-7520-42d8-8898-ff6fc54ce618',
  message_id: '<111-222-333@email.example.test>',
  from: 'Example <no-reply@example.test>',
  to: ['ada@example.test'],
  subject: 'Secret subject',
  headers: [
    { name: 'Reply-To', value: 'reply@example.test' },
    { name: 'X-Carillon-Delivery', value: DELIVERY_ID },
  ],
  ...changes,
})
const bodyOf = (type: unknown, changes: Record<string, unknown> = {}) =>
  JSON.stringify({ type, created_at: '2026-03-01T12:00:00.000Z', data: dataOf(changes) })

describe('its signature', () => {
  everyTestCounts('S14')
  testStandardSignature('svix', receiver, bodyOf('email.delivered'))
})

describe('what it takes', () => {
  test.each<[string, string, Record<string, unknown>?]>([
    ['email.delivered', 'delivered'],
    ['email.bounced', 'bounced'],
    ['email.bounced', 'bounced', { bounce: { type: 'Permanent', subType: 'Suppressed', message: 'no such mailbox' } }],
    ['email.bounced', 'failed', { bounce: { type: 'Transient', subType: 'MailboxFull', message: 'full' } }],
    ['email.bounced', 'failed', { bounce: { type: 'Undetermined', subType: 'Undetermined', message: '?' } }],
    ['email.suppressed', 'bounced', { suppressed: { type: 'OnAccountSuppressionList', message: 'bounced before' } }],
    ['email.complained', 'complained'],
    ['email.failed', 'failed', { failed: { reason: 'reached_daily_quota' } }],
  ])('%s means %s %j', async (type, status, changes) => {
    expect(await received(receiver, signed(bodyOf(type, changes)))).toEqual([
      {
        status,
        deliveryId: DELIVERY_ID,
        providerEventId: ID,
        providerMessageId: '<111-222-333@email.example.test>',
      },
    ])
  })

  test.each<[string, Record<string, unknown>]>([
    ['a header in other letters', { headers: [{ name: 'x-carillon-delivery', value: DELIVERY_ID }] }],
    ['a tag', { headers: undefined, tags: { 'carillon-delivery-id': DELIVERY_ID } }],
    ['a tag among pairs', { headers: null, tags: [{ name: 'carillon-delivery-id', value: DELIVERY_ID }] }],
  ])('the delivery is found by %s', async (_name, changes) => {
    expect(await received(receiver, signed(bodyOf('email.delivered', changes)))).toMatchObject([
      { deliveryId: DELIVERY_ID },
    ])
  })

  test('without a header or a tag, the Message-ID says which delivery it was, and else the id of the mail', async () => {
    const without = { headers: undefined }
    const message = '<111-222-333@email.example.test>'
    const [event] = await received(receiver, signed(bodyOf('email.delivered', without)))
    expect(event).toEqual({ status: 'delivered', providerEventId: ID, providerMessageId: message })
    const [older] = await received(receiver, signed(bodyOf('email.delivered', { ...without, message_id: undefined })))
    expect(older?.providerMessageId).toBe('56761188-7520-42d8-8898-ff6fc54ce618')
  })

  test('the mail is given the header that is looked for', async () => {
    const headers = Object.entries(receiver.headers?.(DELIVERY_ID) ?? {}).map(([name, value]) => ({ name, value }))
    expect(await received(receiver, signed(bodyOf('email.delivered', { headers })))).toMatchObject([
      { deliveryId: DELIVERY_ID },
    ])
  })

  test('that it is delayed says nothing yet, for Resend goes on trying', async () => {
    expect(await received(receiver, signed(bodyOf('email.delivery_delayed')))).toEqual([])
  })

  test.each(['email.sent', 'email.opened', 'email.clicked', 'email.scheduled', 'contact.created', 'constructor'])(
    'a kind that says nothing of a delivery is skipped: %s',
    async (type) => {
      expect(await received(receiver, signed(bodyOf(type)))).toEqual([])
    },
  )

  test.each([
    ['an empty body', ''],
    ['no JSON', 'email.delivered'],
    ['an array', '[]'],
    ['no type', '{"data":{}}'],
    ['no data', '{"type":"email.delivered"}'],
    ['data that is no object', '{"type":"email.delivered","data":"none"}'],
  ])('rightly signed, but not readable: %s', async (_name, body) => {
    await expectUnreadable(receiver, signed(body))
  })
})

describe("Svix's own example", () => {
  const example = resend({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', now: () => 1_614_265_330_000 })
  test('is taken for signed', async () => {
    await expectUnreadable(example, {
      body: '{"test": 2432232314}',
      headers: {
        'svix-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'svix-timestamp': '1614265330',
        'svix-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    })
  })
})

test('a secret that is none is told at once', () => {
  expect(() => resend({ secret: 'whsec_short' })).toThrow(/^resend: `secret` must be/)
})
