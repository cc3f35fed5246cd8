import type { LookupFunction } from 'node:net'
import protocol from 'web-push'
import { type PushSubscription, parsePushSubscription } from '../core/push-subscription.ts'
import type { PushContent } from '../core/render-contracts.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { httpCaller, type Refusal } from './http-call.ts'
import { checkVapid, type Vapid } from './vapid.ts'

/** Of JSON, in UTF-8: encrypted it is 103 bytes more, and a push service has to take 4,096 and no more. */
const PAYLOAD_BYTES = 3_993
/** Over a weekend; what is older is found in the inbox. */
const DEFAULT_TTL_SECONDS = 3 * 24 * 60 * 60

export interface WebPushOptions {
  /** `web_push` by default. */
  name?: string
  /** The VAPID key that browsers subscribe with (`applicationServerKey`), as base64url; a subscription works with no other. */
  publicKey: string
  /** Its other half, as base64url. */
  privateKey: string
  /** Whom push services can turn to: `mailto:ops@example.test` or `https://example.test`. */
  subject: string
  /** How long a push service keeps a message for a device that is away, in seconds; 259,200 (three days) by default. */
  ttlSeconds?: number
  /** Whether it may call addresses that are not public, and over http; false by default, for browsers say where to call. */
  allowPrivateAddresses?: boolean
  /** How long one call may take, in milliseconds; 10,000 by default. */
  timeoutMs?: number
  /** Resolves host names, in place of the system's resolver. */
  lookup?: LookupFunction
}

/** What a service says of a subscription that was made with another key. It is for good, but a wrong key in the
 * configuration says it of every device, so it must not condemn them. */
const OTHER_KEY = /not correspond|mismatch/i

const refused = (status: number, body: string): Refusal | null => {
  if (status === 404 || status === 410) return { outcome: 'bounced' }
  // Microsoft's way of saying 429.
  if (status === 406) return { outcome: 'temporary' }
  // A login that is refused can be mended while the message waits: a wrong clock, a subject that Apple does not like.
  if (status === 401 || status === 403) return { outcome: OTHER_KEY.test(body) ? 'permanent' : 'temporary' }
  return null
}

const requestTo = ({ endpoint, keys }: PushSubscription, payload: string, vapid: Vapid, TTL: number) => {
  try {
    // No topic: one for each message would make a message that was sent twice replace itself, but Google keeps no more
    // than four of them for a device that is away, and loses the rest.
    return protocol.generateRequestDetails({ endpoint: endpoint.href, keys: { ...keys } }, payload, {
      vapidDetails: vapid,
      contentEncoding: 'aes128gcm',
      TTL,
    })
  } catch {
    // All else was checked: it is a key that is too short, or no point of the curve.
    return null
  }
}

/**
 * Sends push messages to browsers: the address is the `PushSubscription` as JSON, and what the service worker gets is
 * `{ title, body, data }` as JSON, 3,993 bytes at most. An address that is no subscription is a bounce, and so are 404
 * and 410; 406, 408, 429 (`Retry-After` honoured up to 24 hours), 5xx, refused credentials and no answer are temporary;
 * everything else is permanent, a subscription made with another key and an endpoint that is not public among it.
 */
export const webPush = (options: WebPushOptions): Adapter<PushContent> => {
  const { name = 'web_push', timeoutMs = DEFAULT_TIMEOUT_MS, allowPrivateAddresses = false, lookup } = options
  const { ttlSeconds = DEFAULT_TTL_SECONDS } = options
  checkTimeout('webPush', timeoutMs)
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 0 || ttlSeconds >= 2 ** 31) {
    throw new SetupError('webPush: `ttlSeconds` must be a whole number of seconds, 0 or more')
  }
  const vapid = checkVapid(options)
  const caller = httpCaller({ timeoutMs, allowPrivateAddresses, lookup })

  const send = async (message: OutgoingMessage<PushContent>, signal: AbortSignal): Promise<DeliverResult> => {
    const { address, content, recipient } = message
    if (address === null) return { outcome: 'permanent', reason: 'missing_address' }
    const subscription = parsePushSubscription(address, allowPrivateAddresses)
    if (!subscription) return { outcome: 'bounced', reason: 'invalid_subscription' }
    const { title, body, data } = content
    const payload = JSON.stringify({ title, body, data })
    const size = Buffer.byteLength(payload)
    if (size > PAYLOAD_BYTES) {
      const reason = `payload_too_large: title, body and data take ${size} bytes as JSON, ${PAYLOAD_BYTES} can be sent`
      return { outcome: 'permanent', reason }
    }
    const request = requestTo(subscription, payload, vapid, ttlSeconds)
    if (!request) return { outcome: 'bounced', reason: 'invalid_subscription' }
    const headers = Object.entries(request.headers).map(([header, value]) => [header.toLowerCase(), String(value)])
    const { endpoint, keys } = subscription
    return caller.post(
      {
        url: endpoint,
        headers: Object.fromEntries(headers),
        body: request.body,
        hidden: [
          [address, endpoint.href, endpoint.pathname, endpoint.pathname.split('/'), endpoint.search, keys],
          [vapid.privateKey, request.headers.Authorization, request.headers.Authorization?.match(/[\w-]+\.[\w.-]+/)],
          [content, recipient.email, recipient.phone, recipient.displayName],
        ],
        refused,
      },
      signal,
    )
  }

  return {
    name,
    timeoutMs,
    needsAddress: true,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => send(message, limited)),
    close: () => caller.close(),
  }
}
