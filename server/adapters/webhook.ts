import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { SetupError } from '../errors.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { httpCaller, parseHttpUrl } from './http-call.ts'
import { standardWebhooks } from './receivers/standard-webhooks.ts'

export interface WebhookOptions {
  /** `webhook` by default. */
  name?: string
  /** http or https, without credentials. */
  url: string
  /** `whsec_` and the base64 of 24 to 64 bytes. */
  secret: string
  /** Whether it may call addresses that are not public, such as 127.0.0.1; false by default. */
  allowPrivateAddresses?: boolean
  /** How long one call may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number
  /** Resolves host names, in place of the system's resolver. */
  lookup?: LookupFunction
}

const signerFor = (secret: string): Webhook => {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(String(secret))?.[1]
  const bytes = Buffer.from(encoded ?? '', 'base64')
  if (bytes.toString('base64') !== encoded || bytes.length < 24 || bytes.length > 64) {
    throw new SetupError('webhook: `secret` must be `whsec_` followed by the base64 of 24 to 64 random bytes')
  }
  return new Webhook(secret)
}

const bodyOf = (message: OutgoingMessage, now: Date): string => {
  const { deliveryId, attemptNumber, channel, recipient, address, content, unsubscribeUrl } = message
  return JSON.stringify({
    type: message.notificationKey,
    timestamp: now.toISOString(),
    data: {
      deliveryId,
      attemptNumber,
      channel,
      recipient,
      address,
      content,
      ...(unsubscribeUrl && { unsubscribeUrl }),
    },
  })
}

/**
 * POSTs each message as JSON, signed as Standard Webhooks say, with the delivery's idempotency key as `webhook-id`.
 * 2xx is accepted; 408, 429, 5xx and no answer are temporary, `Retry-After` honoured up to 24 hours; everything else
 * is permanent. Redirects are not followed, and addresses that are not public are refused (`blocked_address`) unless
 * `allowPrivateAddresses` says otherwise. Takes reports that are signed with the same secret: `{ type:
 * 'delivery.delivered', data: { deliveryId } }`, or `.bounced`, `.failed`, `.complained`.
 */
export const webhook = (options: WebhookOptions): Adapter => {
  const { name = 'webhook', timeoutMs = DEFAULT_TIMEOUT_MS, allowPrivateAddresses = false, lookup } = options
  checkTimeout('webhook', timeoutMs)
  const url = parseHttpUrl(options.url, {
    subject: 'webhook: `url`',
    example: 'https://example.test/hooks',
    instead: 'what is sent is signed with `secret`',
  })
  const signer = signerFor(options.secret)
  const feedback = standardWebhooks({ secret: options.secret })
  const secrets = [options.secret, options.secret.replace(/^whsec_/, '')]
  const caller = httpCaller({ timeoutMs, allowPrivateAddresses, lookup })

  const send = async (message: OutgoingMessage, signal: AbortSignal): Promise<DeliverResult> => {
    const now = new Date()
    const body = bodyOf(message, now)
    const { address, content, recipient } = message
    return caller.post(
      {
        url,
        headers: {
          'content-type': 'application/json',
          'webhook-id': message.idempotencyKey,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          ...(message.traceparent !== undefined && { traceparent: message.traceparent }),
          'webhook-signature': signer.sign(message.idempotencyKey, now, body),
        },
        body,
        hidden: [secrets, address, content, recipient.email, recipient.phone, recipient.displayName],
      },
      signal,
    )
  }

  return {
    name,
    timeoutMs,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => send(message, limited)),
    receive: (request) => feedback.receive(request),
    check: () => caller.reach(url),
    close: () => caller.close(),
  }
}
