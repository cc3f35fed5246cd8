import { SetupError } from '../../errors.ts'
import { type ProviderEvent, WebhookSignatureError } from '../adapter.ts'
import { type Fields, fieldsOf, kindIn, objectIn, providerEvent } from './payload.ts'
import { DELIVERY_KEY, type Receiver } from './receiver.ts'
import { MISSING, sameText, WRONG } from './verification.ts'

/** The mail cannot be delivered to this address, now or later. */
const BAD_ADDRESS = new Set(['HardBounce', 'BadEmailAddress', 'ManuallyDeactivated'])

/** Postmark calls these bounces too, but the mail arrived: a machine answered it. */
const ANSWERS = new Set([
  'AutoResponder',
  'AddressChange',
  'ChallengeVerification',
  'OpenRelayTest',
  'Subscribe',
  'Unsubscribe',
])

const bounceStatus = (body: Fields): ProviderEvent['status'] | null => {
  const type = kindIn(body, 'Type')
  if (ANSWERS.has(type)) return null
  if (type === 'SpamComplaint') return 'complained'
  // Inactive: whatever the bounce was, Postmark sends nothing more to this address.
  return BAD_ADDRESS.has(type) || body.Inactive === true ? 'bounced' : 'failed'
}

const statusOf = (body: Fields): ProviderEvent['status'] | null => {
  switch (kindIn(body, 'RecordType')) {
    case 'Delivery':
      return 'delivered'
    case 'Bounce':
      return bounceStatus(body)
    case 'SpamComplaint':
      return 'complained'
    default:
      return null
  }
}

/** Made of what is the same on every try: Postmark numbers bounces and complaints, but not deliveries. */
const eventIdOf = ({ RecordType, ID, MessageID, DeliveredAt }: Fields): string | undefined => {
  if (Number.isSafeInteger(ID)) return `${RecordType}:${ID}`
  return MessageID && DeliveredAt ? `${RecordType}:${MessageID}:${DeliveredAt}` : undefined
}

export interface PostmarkOptions {
  /** The user name in the webhook's address, as in `https://username:password@…`. */
  username: string
  /** Postmark signs nothing, so this is all that keeps forgers out: make it 32 random characters or more. */
  password: string
}

/**
 * Postmark's webhooks, known by HTTP basic authentication: Delivery, Bounce and SpamComplaint. A bounce after which
 * Postmark has deactivated the address is bounced, any other failed. The delivery's id travels in the mail's metadata.
 */
export const postmark = ({ username, password }: PostmarkOptions): Receiver => {
  if (!username || String(username).includes(':')) {
    throw new SetupError('postmark: `username` must not be empty, nor contain a colon')
  }
  if (!password) throw new SetupError('postmark: `password` must not be empty')
  const expected = Buffer.from(`${username}:${password}`).toString('base64')
  return {
    headers: (deliveryId) => ({ [`X-PM-Metadata-${DELIVERY_KEY}`]: deliveryId }),
    receive({ headers, rawBody }) {
      const given = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(headers.authorization ?? '')?.[1]
      if (!given) throw new WebhookSignatureError(MISSING)
      if (!sameText(given, expected)) throw new WebhookSignatureError(WRONG)
      const body = objectIn(rawBody)
      const status = statusOf(body)
      if (!status) return []
      return [
        providerEvent(status, {
          providerEventId: eventIdOf(body),
          deliveryId: fieldsOf(body.Metadata)?.[DELIVERY_KEY],
          providerMessageId: body.MessageID,
        }),
      ]
    },
  }
}
