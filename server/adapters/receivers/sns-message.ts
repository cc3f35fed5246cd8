import { createVerify, type KeyObject } from 'node:crypto'
import { WebhookSignatureError } from '../adapter.ts'
import { type Fields, objectIn } from './payload.ts'
import { base64Bytes, checkFresh, FOREIGN_TOPIC, MISSING, type Now, WRONG } from './verification.ts'

/** What Amazon SNS signs of each kind of message, in this order. A Subject is signed if there is one. */
const SIGNED: ReadonlyMap<string, readonly string[]> = new Map([
  ['Notification', ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']],
  ['SubscriptionConfirmation', ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']],
  ['UnsubscribeConfirmation', ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']],
])

const HASHES: ReadonlyMap<string, string> = new Map([
  ['1', 'RSA-SHA1'],
  ['2', 'RSA-SHA256'],
])

const SNS = String.raw`https://sns\.[a-z0-9-]{3,32}\.amazonaws\.com(?:\.cn)?`
// The text itself has to fit, not what a URL parser makes of it: so nothing is left for a parser to see differently.
const CERTIFICATE_URL = new RegExp(String.raw`^${SNS}/SimpleNotificationService-[A-Za-z0-9_-]{1,128}\.pem$`)
const SUBSCRIBE_URL = new RegExp(String.raw`^${SNS}/\?[A-Za-z0-9&=%:._~+-]{1,2048}$`)

/** A message that Amazon SNS sent for the topic. */
export interface SnsMessage {
  readonly type: string
  readonly id: string
  readonly message: string
  /** Of a confirmation: the address that says yes to it. */
  readonly subscribeUrl: string | null
}

export interface SnsVerification {
  readonly topicArn: string
  readonly maxAgeSeconds: number
  readonly now: Now
  readonly keyAt: (url: string) => Promise<KeyObject>
}

const unverified = (rawBody: Uint8Array): Fields => {
  try {
    return objectIn(rawBody)
  } catch {
    // The signature lies in the body: one that cannot be read is not signed.
    throw new WebhookSignatureError(MISSING)
  }
}

const matching = (value: unknown, pattern: RegExp): string => {
  if (typeof value === 'string' && pattern.test(value)) return value
  throw new WebhookSignatureError(MISSING)
}

const signedText = (body: Fields, names: readonly string[]): string =>
  names
    .filter((name) => name !== 'Subject' || (body.Subject !== undefined && body.Subject !== null))
    .map((name) => {
      const value = body[name]
      if (typeof value !== 'string') throw new WebhookSignatureError(MISSING)
      return `${name}\n${value}\n`
    })
    .join('')

/** Whether it confirms this subscription and does nothing else. */
const confirms = (url: string, body: Fields): boolean => {
  const { searchParams } = new URL(url)
  return (
    searchParams.get('Action') === 'ConfirmSubscription' &&
    searchParams.get('TopicArn') === body.TopicArn &&
    searchParams.get('Token') === body.Token
  )
}

const subscribeUrlIn = (body: Fields): string | null => {
  if (body.Type !== 'SubscriptionConfirmation') return null
  const url = matching(body.SubscribeURL, SUBSCRIBE_URL)
  if (!confirms(url, body)) throw new WebhookSignatureError(MISSING)
  return url
}

/**
 * Verifies that Amazon SNS sent a body, for the topic and lately (signature versions 1 and 2). All that can be told
 * without a certificate is looked at first, so that a forger does not choose what this server fetches.
 */
export const verifySnsMessage = async (rawBody: Uint8Array, options: SnsVerification): Promise<SnsMessage> => {
  const { topicArn, maxAgeSeconds, now, keyAt } = options
  const body = unverified(rawBody)
  const signed = SIGNED.get(String(body.Type))
  const hash = typeof body.SignatureVersion === 'string' ? HASHES.get(body.SignatureVersion) : undefined
  const signature = typeof body.Signature === 'string' ? base64Bytes(body.Signature) : null
  if (!signed || !hash || !signature) throw new WebhookSignatureError(MISSING)
  const certificateUrl = matching(body.SigningCertURL, CERTIFICATE_URL)
  if (body.TopicArn !== topicArn) throw new WebhookSignatureError(FOREIGN_TOPIC)
  const timestamp = matching(body.Timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/)
  checkFresh(Date.parse(timestamp) / 1_000, now, maxAgeSeconds)
  // Neither holds a line break, so that no value can pass for the name and value of the next one.
  const id = matching(body.MessageId, /^[A-Za-z0-9-]{1,128}$/)
  const subscribeUrl = subscribeUrlIn(body)
  const text = signedText(body, signed)

  const key = await keyAt(certificateUrl)
  if (!createVerify(hash).update(text).verify(key, signature)) throw new WebhookSignatureError(WRONG)
  return { type: String(body.Type), id, message: String(body.Message), subscribeUrl }
}
