import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { standardWebhooks } from '../../../server/adapters/receivers/standard-webhooks.ts'
import { everyTestCounts } from '../../security/tally.ts'
import { DELIVERY_ID, expectUnreadable, NOW, now, received } from './requests.ts'
import { ID, SECRET, signatureOf, signedWith, testStandardSignature } from './standard-signature.ts'

const receiver = standardWebhooks({ secret: SECRET, now })
const signed = signedWith('webhook')
const bodyOf = (type: unknown, data: unknown = { deliveryId: DELIVERY_ID }) => JSON.stringify({ type, data })
const BODY = bodyOf('delivery.delivered')

describe('its signature', () => {
  everyTestCounts('S14')
  testStandardSignature('webhook', receiver, BODY)
})

describe('what it takes', () => {
  test.each([
    ['delivery.delivered', 'delivered'],
    ['delivery.bounced', 'bounced'],
    ['delivery.failed', 'failed'],
    ['delivery.complained', 'complained'],
  ])('%s means %s', async (type, status) => {
    expect(await received(receiver, signed(bodyOf(type)))).toEqual([
      { status, deliveryId: DELIVERY_ID, providerEventId: ID },
    ])
  })

  test('what the library of that name signs is taken', async () => {
    expect(new Webhook(SECRET).sign(ID, new Date(NOW), BODY)).toBe(signatureOf(BODY))
    expect(await received(receiver, signed(BODY))).toHaveLength(1)
  })

  test("the specification's own example is taken for signed", async () => {
    const example = standardWebhooks({ secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', now: () => 1_614_265_330_000 })
    await expectUnreadable(example, {
      body: '{"test": 2432232314}',
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
    })
  })

  test.each(['delivery.opened', 'constructor', '__proto__', ''])(
    'a kind it does not know is skipped: %j',
    async (type) => {
      expect(await received(receiver, signed(bodyOf(type)))).toEqual([])
    },
  )

  test.each<[string, string | Uint8Array]>([
    ['an empty body', ''],
    ['no JSON', 'delivered'],
    ['half of a JSON', BODY.slice(0, -1)],
    ['an array', '[]'],
    ['null', 'null'],
    ['no type', '{"data":{}}'],
    ['a type that is no text', bodyOf(['delivery.delivered'])],
    ['no data', '{"type":"delivery.delivered"}'],
    ['no delivery', bodyOf('delivery.delivered', {})],
    ['a delivery that is no text', bodyOf('delivery.delivered', { deliveryId: 7 })],
    ['a delivery with a NUL', bodyOf('delivery.delivered', { deliveryId: 'a\u0000b' })],
    ['a delivery of 256 characters', bodyOf('delivery.delivered', { deliveryId: 'x'.repeat(256) })],
    ['bytes that are not UTF-8', Buffer.from(BODY.replace('}', ',"x":"\u00ff"}'), 'latin1')],
    ['UTF-16', Buffer.from(BODY, 'utf16le')],
  ])('rightly signed, but not readable: %s', async (_name, body) => {
    await expectUnreadable(receiver, signed(body))
  })

  test('names of the prototype in a body pollute nothing', async () => {
    const body = `{"type":"delivery.failed","data":{"deliveryId":"${DELIVERY_ID}","__proto__":{"polluted":1}},"__proto__":{"polluted":1}}`
    expect(await received(receiver, signed(body))).toHaveLength(1)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

test.each([
  '',
  'whsec_',
  'whsec_not base64',
  Buffer.alloc(32).toString('base64'),
  `whsec_${Buffer.alloc(23).toString('base64')}`,
  `whsec_${Buffer.alloc(65).toString('base64')}`,
  `whpk_${Buffer.alloc(32).toString('base64')}`,
])('a secret that is none is told at once, and not quoted: %j', (secret) => {
  expect(() => standardWebhooks({ secret })).toThrow(/^standardWebhooks: `secret` must be `whsec_`/)
})
