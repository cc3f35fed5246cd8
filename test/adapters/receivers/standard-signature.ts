import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WebhookSignatureError } from '../../../server/adapters/adapter.ts'
import type { Receiver } from '../../../server/adapters/receivers/receiver.ts'
import { failure, NOW, received, SECONDS, type Sent, testRefused, withOneBitChanged } from './requests.ts'

export const SECRET = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 'o').toString('base64')}`
export const ID = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'

type Prefix = 'webhook' | 'svix'
interface Signing {
  readonly id?: string
  readonly timestamp?: string
  readonly secret?: string
}

export const signatureOf = (body: string | Uint8Array, signing: Signing = {}): string => {
  const { id = ID, timestamp = String(SECONDS), secret = SECRET } = signing
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`
}

/** A body signed as Standard Webhooks say, with headers of that prefix. */
export const signedWith =
  (prefix: Prefix) =>
  (body: string | Uint8Array, signing: Signing = {}): Sent => ({
    body,
    headers: {
      [`${prefix}-id`]: signing.id ?? ID,
      [`${prefix}-timestamp`]: signing.timestamp ?? String(SECONDS),
      [`${prefix}-signature`]: signatureOf(body, signing),
    },
  })

/** Tests the signature of a receiver that has SECRET, and of which one event can be read in `BODY`. */
export const testStandardSignature = (prefix: Prefix, receiver: Receiver, BODY: string): void => {
  const signed = signedWith(prefix)
  const GOOD = signed(BODY)
  const RIGHT = signatureOf(BODY)
  const digits = RIGHT.slice('v1,'.length)
  const withHeaders = (headers: Record<string, string | undefined>): Sent => ({
    ...GOOD,
    headers: {
      ...GOOD.headers,
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [`${prefix}-${name}`, value])),
    },
  })

  test('while a secret is being changed, one right signature among several is enough', async () => {
    const wrong = 'Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc='
    expect(await received(receiver, withHeaders({ signature: `v1,${wrong} v2,${wrong} ${RIGHT}` }))).toHaveLength(1)
  })

  test.each([-300, -1, 0, 300])('a time %i seconds away is near enough', async (seconds) => {
    expect(await received(receiver, signed(BODY, { timestamp: String(SECONDS + seconds) }))).toHaveLength(1)
  })

  describe('what it refuses', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const asymmetric = `v1a,${sign(null, Buffer.from(`${ID}.${SECONDS}.${BODY}`), privateKey).toString('base64')}`
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
    const hmac = (content: string, { hash = 'sha256', over = key as string | Buffer } = {}) =>
      createHmac(hash, over).update(content).digest('base64')

    testRefused(receiver, {
      'nothing signed': { body: BODY },
      'another secret': signed(BODY, { secret: OTHER_SECRET }),
      'the secret as text for a key': withHeaders({
        signature: `v1,${hmac(`${ID}.${SECONDS}.${BODY}`, { over: SECRET })}`,
      }),
      'another body': { ...GOOD, body: BODY.replace('delivered', 'bounced') },
      'a body written anew from its JSON': { ...GOOD, body: JSON.stringify(JSON.parse(BODY), null, 1) },
      'a body with a line break at its end': { ...GOOD, body: `${BODY}\n` },
      'a body cut short': { ...GOOD, body: BODY.slice(0, -1) },
      'a body in another encoding': { ...GOOD, body: Buffer.from(BODY, 'utf16le') },
      'no body': { ...GOOD, body: '' },
      'another time': withHeaders({ timestamp: String(SECONDS + 1) }),
      'a time 301 seconds ago': signed(BODY, { timestamp: String(SECONDS - 301) }),
      'a time in 301 seconds': signed(BODY, { timestamp: String(SECONDS + 301) }),
      'a time in milliseconds': signed(BODY, { timestamp: String(NOW) }),
      'a time with letters after it': signed(BODY, { timestamp: `${SECONDS}abc` }),
      'a time with a space before it': signed(BODY, { timestamp: ` ${SECONDS}` }),
      'a time with a fraction': signed(BODY, { timestamp: `${SECONDS}.9` }),
      'a negative time': signed(BODY, { timestamp: `-${SECONDS}` }),
      'a time in hexadecimal': signed(BODY, { timestamp: `0x${SECONDS.toString(16)}` }),
      'a date': signed(BODY, { timestamp: new Date(NOW).toISOString() }),
      'no time': withHeaders({ timestamp: undefined }),
      'an empty time': withHeaders({ timestamp: '' }),
      'two times': withHeaders({ timestamp: `${SECONDS}, ${SECONDS}` }),
      'another id': withHeaders({ id: 'msg_other' }),
      'no id': withHeaders({ id: undefined }),
      'an empty id': signed(BODY, { id: '' }),
      'two ids': withHeaders({ id: `${ID}, ${ID}` }),
      'an id with a space': signed(BODY, { id: 'msg 1' }),
      'an id of 256 characters': signed(BODY, { id: 'x'.repeat(256) }),
      'no signature': withHeaders({ signature: undefined }),
      'an empty signature': withHeaders({ signature: '' }),
      'a version without a signature': withHeaders({ signature: 'v1,' }),
      'a signature without a version': withHeaders({ signature: digits }),
      'a signature cut short': withHeaders({ signature: RIGHT.slice(0, 12) }),
      'a signature with more after it': withHeaders({ signature: `${RIGHT}A` }),
      'a signature without its padding': withHeaders({ signature: RIGHT.replace(/=+$/, '') }),
      'a signature in base64url': withHeaders({
        signature: `v1,${Buffer.from(digits, 'base64').toString('base64url')}`,
      }),
      'a signature in hexadecimal': withHeaders({
        signature: `v1,${Buffer.from(digits, 'base64').toString('hex')}`,
      }),
      'a signature header that came twice': withHeaders({ signature: `${RIGHT}, ${RIGHT}` }),
      'signatures with two spaces between': withHeaders({ signature: `${RIGHT}  ${RIGHT}` }),
      'a right signature after nonsense': withHeaders({ signature: `nonsense ${RIGHT}` }),
      'version v2': withHeaders({ signature: `v2,${digits}` }),
      'version V1': withHeaders({ signature: `V1,${digits}` }),
      'an asymmetric signature': withHeaders({ signature: asymmetric }),
      'a signature by SHA-1': withHeaders({
        signature: `v1,${hmac(`${ID}.${SECONDS}.${BODY}`, { hash: 'sha1' })}`,
      }),
      'a signature over the body alone': withHeaders({ signature: `v1,${hmac(BODY)}` }),
      'a signature over time and body': withHeaders({ signature: `v1,${hmac(`${SECONDS}.${BODY}`)}` }),
      'a signature with an empty key': withHeaders({
        signature: `v1,${hmac(`${ID}.${SECONDS}.${BODY}`, { over: '' })}`,
      }),
      'ten thousand signatures': withHeaders({
        signature: Array.from({ length: 10_000 }, () => RIGHT).join(' '),
      }),
      'headers of the same scheme by other names': signedWith(prefix === 'svix' ? 'webhook' : 'svix')(BODY),
    })

    test('a body changed in any bit is refused', async () => {
      for (const body of withOneBitChanged(BODY)) {
        expect(await failure(receiver, { ...GOOD, body })).toBeInstanceOf(WebhookSignatureError)
      }
    })

    test('a signature changed in any bit is refused', async () => {
      for (const bytes of withOneBitChanged(Buffer.from(digits, 'base64'))) {
        const header = `v1,${Buffer.from(bytes).toString('base64')}`
        expect(await failure(receiver, withHeaders({ signature: header }))).toBeInstanceOf(WebhookSignatureError)
      }
    })

    test('bodies with different invalid UTF-8 are signed differently', async () => {
      const [one, other] = [Buffer.from([0x22, 0xff, 0x22]), Buffer.from([0x22, 0xfe, 0x22])]
      expect(await failure(receiver, { ...signed(one), body: other })).toBeInstanceOf(WebhookSignatureError)
    })
  })
}
