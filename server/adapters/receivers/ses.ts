import { SetupError } from '../../errors.ts'
import { type ProviderEvent, WebhookUnavailableError } from '../adapter.ts'
import { type Fields, fieldsOf, headerIn, jsonIn, providerEvent } from './payload.ts'
import { DELIVERY_HEADER, DELIVERY_KEY, type Receiver } from './receiver.ts'
import { download } from './sns-download.ts'
import { snsKeys } from './sns-keys.ts'
import { type SnsMessage, verifySnsMessage } from './sns-message.ts'
import { type Now, TOLERANCE_SECONDS } from './verification.ts'

/** A message holds the time of its publication, not of the try, and Amazon SNS may try for an hour. */
const MAX_AGE_SECONDS = 3_600 + TOLERANCE_SECONDS

/** What Amazon SES says, in plain text, when it is given a topic. */
const GREETING = 'Successfully validated SNS topic for Amazon SES event publishing.'

const statusOf = (event: Fields): ProviderEvent['status'] | null => {
  // Event publishing and feedback notifications call it differently, and say the same.
  switch (event.eventType ?? event.notificationType) {
    case 'Delivery':
      return 'delivered'
    case 'Complaint':
      return 'complained'
    case 'Bounce':
      return fieldsOf(event.bounce)?.bounceType === 'Permanent' ? 'bounced' : 'failed'
    default:
      return null
  }
}

const deliveryIdIn = (mail: Fields): unknown => {
  const tag = fieldsOf(mail.tags)?.[DELIVERY_KEY]
  return (Array.isArray(tag) ? tag[0] : tag) ?? headerIn(mail.headers, DELIVERY_HEADER)
}

const eventsIn = ({ id, message }: SnsMessage): ProviderEvent[] => {
  if (message.trim() === GREETING) return []
  const event = fieldsOf(jsonIn(message))
  if (!event) throw new Error('the `Message` is not a JSON object')
  const status = statusOf(event)
  if (!status) return []
  const mail = fieldsOf(event.mail)
  if (!mail) throw new Error('the `Message` has no `mail`')
  const ids = { providerEventId: id, deliveryId: deliveryIdIn(mail), providerMessageId: mail.messageId }
  return [providerEvent(status, ids)]
}

export interface SesOptions {
  /** The topic that Amazon SES publishes to; messages of any other are refused. */
  topicArn: string
  /** How old a message may be, in seconds; 3,900 by default: Amazon SNS may try for an hour. */
  maxAgeSeconds?: number
  /** Fetches a certificate from Amazon SNS as PEM, in place of a GET that follows no redirect. */
  fetchCertificate?: (url: string) => Promise<string>
  /** Calls an address of Amazon SNS that confirms the subscription, in place of a GET. */
  confirmSubscription?: (url: string) => Promise<unknown>
  /** In place of the system's clock. */
  now?: Now
}

/**
 * Amazon SES through an SNS topic with an HTTPS subscription, without raw message delivery: Delivery, Bounce (Permanent:
 * bounced, else failed) and Complaint. Confirms the topic's subscription by itself. The delivery's id travels in a
 * message tag, which event publishing gives back, and in a header, which notifications do if they include headers.
 */
export const ses = (options: SesOptions): Receiver => {
  const { topicArn, maxAgeSeconds = MAX_AGE_SECONDS, now = Date.now, confirmSubscription = download } = options
  if (!/^arn:aws[\w-]*:sns:[\w-]+:\d+:[\w.-]+$/.test(String(topicArn))) {
    throw new SetupError("ses: `topicArn` must be the topic's, such as arn:aws:sns:eu-west-1:123456789012:mail")
  }
  const keyAt = snsKeys(options.fetchCertificate ?? download)
  return {
    headers: (deliveryId) => ({
      'X-SES-MESSAGE-TAGS': `${DELIVERY_KEY}=${deliveryId}`,
      [DELIVERY_HEADER]: deliveryId,
    }),
    async receive({ rawBody }) {
      const message = await verifySnsMessage(rawBody, { topicArn, maxAgeSeconds, now, keyAt })
      if (message.subscribeUrl) {
        await confirmSubscription(message.subscribeUrl).catch(() => {
          throw new WebhookUnavailableError('Amazon SNS did not take the confirmation')
        })
      }
      return message.type === 'Notification' ? eventsIn(message) : []
    },
  }
}
