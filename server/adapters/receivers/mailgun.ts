import { createHmac } from 'node:crypto'
import { SetupError } from '../../errors.ts'
import { type ProviderEvent, WebhookSignatureError } from '../adapter.ts'
import { type Fields, fieldsOf, idIn, kindIn, objectIn, providerEvent } from './payload.ts'
import { DELIVERY_KEY, type Receiver } from './receiver.ts'
import { checkFresh, MISSING, type Now, sameText, TOLERANCE_SECONDS, WRONG } from './verification.ts'

const statusOf = (event: Fields): ProviderEvent['status'] | null => {
  switch (kindIn(event, 'event')) {
    case 'delivered':
      return 'delivered'
    case 'failed':
      // Temporary: Mailgun goes on trying and says how it ends. A second copy sent meanwhile would arrive as well.
      return event.severity === 'permanent' ? 'bounced' : null
    case 'complained':
      return 'complained'
    default:
      return null
  }
}

/** The body, if it is JSON: as the signature lies inside it, one that cannot be read is not signed. */
const unverified = (rawBody: Uint8Array): Fields => {
  try {
    return objectIn(rawBody)
  } catch {
    throw new WebhookSignatureError(MISSING)
  }
}

/** Mailgun leaves out the brackets that a Message-ID has everywhere else. */
const messageIdIn = (event: Fields): string | undefined => {
  const id = idIn(fieldsOf(fieldsOf(event.message)?.headers)?.['message-id'])
  return id && (id.startsWith('<') ? id : `<${id}>`)
}

export interface MailgunOptions {
  /** The account's HTTP webhook signing key; of an account with subaccounts, the account's own. */
  signingKey: string
  /**
   * How old a signature may be, in seconds; 300 by default. Mailgun may try for 8 hours with one and the same: a longer
   * time lets those tries in after an outage, and gives a signature that was overheard that much longer to be used.
   */
  maxAgeSeconds?: number
  /** In place of the system's clock. */
  now?: Now
}

/**
 * Mailgun's webhooks: delivered, failed for good (bounced) and complained; that a mail failed for now says nothing yet. The
 * delivery's id travels in the mail's variables. Mailgun signs a token, not what it says happened; so the token is the event's id, and a
 * token that comes again, with whatever content, is the event that it was.
 */
export const mailgun = (options: MailgunOptions): Receiver => {
  const { signingKey, maxAgeSeconds = TOLERANCE_SECONDS, now = Date.now } = options
  if (typeof signingKey !== 'string' || signingKey === '') {
    throw new SetupError('mailgun: `signingKey` must be the HTTP webhook signing key of the account')
  }

  /** The token of a signature that is right. */
  const verify = (signature: Fields | null): string => {
    const timestamp = String(signature?.timestamp)
    const token = idIn(signature?.token)
    const given = [signature?.signature, signature?.['parent-signature']].filter((one) => one !== undefined)
    // Ten digits, no more and no fewer: nothing stands between time and token, and a digit that changed sides would
    // make another token of the same signature.
    if (!/^\d{10}$/.test(timestamp) || !token || given.length === 0) throw new WebhookSignatureError(MISSING)
    checkFresh(Number(timestamp), now, maxAgeSeconds)
    const expected = createHmac('sha256', signingKey).update(timestamp).update(token).digest('hex')
    if (!given.some((one) => typeof one === 'string' && sameText(one, expected))) throw new WebhookSignatureError(WRONG)
    return token
  }

  return {
    headers: (deliveryId) => ({ 'X-Mailgun-Variables': JSON.stringify({ [DELIVERY_KEY]: deliveryId }) }),
    receive({ rawBody }) {
      const body = unverified(rawBody)
      const providerEventId = verify(fieldsOf(body.signature))
      const event = fieldsOf(body['event-data'])
      if (!event) throw new Error('the body has no `event-data`')
      const status = statusOf(event)
      if (!status) return []
      const deliveryId = fieldsOf(event['user-variables'])?.[DELIVERY_KEY]
      return [providerEvent(status, { providerEventId, deliveryId, providerMessageId: messageIdIn(event) })]
    },
  }
}
