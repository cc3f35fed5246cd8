import type { ProviderEvent } from '../adapter.ts'
import { fieldsOf, idIn, kindIn, objectIn, providerEvent } from './payload.ts'
import type { Receiver } from './receiver.ts'
import { signingKey, verifyStandardSignature } from './standard-signature.ts'
import type { Now } from './verification.ts'

const STATUSES: ReadonlyMap<string, ProviderEvent['status']> = new Map([
  ['delivery.delivered', 'delivered'],
  ['delivery.bounced', 'bounced'],
  ['delivery.failed', 'failed'],
  ['delivery.complained', 'complained'],
])

export interface StandardWebhooksOptions {
  /** `whsec_` and the base64 of 24 to 64 bytes. */
  secret: string
  /** In place of the system's clock. */
  now?: Now
}

/**
 * Feedback signed as Standard Webhooks say: `{ type: 'delivery.delivered', data: { deliveryId } }`, or `.bounced`,
 * `.failed`, `.complained`. The `webhook-id` is the event's id. Signatures are good for 5 minutes.
 */
export const standardWebhooks = ({ secret, now = Date.now }: StandardWebhooksOptions): Receiver => {
  const key = signingKey('standardWebhooks', secret)
  return {
    receive(request) {
      const providerEventId = verifyStandardSignature(request, { key, prefix: 'webhook', now })
      const body = objectIn(request.rawBody)
      const status = STATUSES.get(kindIn(body, 'type'))
      if (!status) return []
      const deliveryId = idIn(fieldsOf(body.data)?.deliveryId)
      if (!deliveryId) throw new Error('the body has no `data.deliveryId`')
      return [providerEvent(status, { providerEventId, deliveryId })]
    },
  }
}
