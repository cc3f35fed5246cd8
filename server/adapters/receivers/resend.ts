import type { ProviderEvent } from '../adapter.ts'
import { type Fields, fieldsOf, headerIn, kindIn, objectIn, providerEvent } from './payload.ts'
import { DELIVERY_HEADER, DELIVERY_KEY, type Receiver } from './receiver.ts'
import { signingKey, verifyStandardSignature } from './standard-signature.ts'
import type { Now } from './verification.ts'

const bounceStatus = (data: Fields): ProviderEvent['status'] => {
  const type = fieldsOf(data.bounce)?.type ?? 'Permanent'
  return type === 'Permanent' ? 'bounced' : 'failed'
}

const statusOf = (kind: string, data: Fields): ProviderEvent['status'] | null => {
  switch (kind) {
    case 'email.delivered':
      return 'delivered'
    case 'email.bounced':
      return bounceStatus(data)
    case 'email.suppressed':
      // The address is on Resend's own list of those that bounced or complained.
      return 'bounced'
    case 'email.complained':
      return 'complained'
    case 'email.failed':
      return 'failed'
    default:
      // Delivery_delayed is among these: Resend goes on trying and says how it ends. A second copy sent meanwhile would
      // arrive as well.
      return null
  }
}

/** An object in today's webhooks, pairs in the documentation of yesterday's. */
const tagIn = (tags: unknown): unknown => fieldsOf(tags)?.[DELIVERY_KEY] ?? headerIn(tags, DELIVERY_KEY)

const deliveryIdIn = (data: Fields): unknown => headerIn(data.headers, DELIVERY_HEADER) ?? tagIn(data.tags)

export interface ResendOptions {
  /** The webhook's signing secret: `whsec_…`. */
  secret: string
  /** In place of the system's clock. */
  now?: Now
}

/**
 * Resend's webhooks, signed by Svix. The delivery is found by the mail's header or tag where Resend quotes it, else by
 * the mail's Message-ID. Signatures are good for 5 minutes; Resend signs anew on every try.
 */
export const resend = ({ secret, now = Date.now }: ResendOptions): Receiver => {
  const key = signingKey('resend', secret)
  return {
    headers: (deliveryId) => ({ [DELIVERY_HEADER]: deliveryId }),
    receive(request) {
      const providerEventId = verifyStandardSignature(request, { key, prefix: 'svix', now })
      const body = objectIn(request.rawBody)
      const kind = kindIn(body, 'type')
      const data = fieldsOf(body.data)
      if (!data) throw new Error('the body has no `data`')
      const status = statusOf(kind, data)
      if (!status) return []
      // The mail's Message-ID comes first: over SMTP it is the one thing of Resend's that the sender knows too.
      const providerMessageId = data.message_id ?? data.email_id
      return [providerEvent(status, { providerEventId, deliveryId: deliveryIdIn(data), providerMessageId })]
    },
  }
}
