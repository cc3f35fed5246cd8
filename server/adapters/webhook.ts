import type { LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { providerReason } from '../core/provider-reason.ts'
import { SetupError } from '../errors.ts'
import type { Adapter, DeliverResult, OutgoingMessage } from './adapter.ts'
import { checkTimeout, DEFAULT_TIMEOUT_MS, withinTime } from './deadline.ts'
import { BlockedAddressError, publicConnector } from './public-address.ts'
import { retryAfterMs } from './retry-after.ts'

/** The receiver was never called. */
const BLOCKED = 'blocked_address: the receiver is not at a public address, and allowPrivateAddresses is not set'

/** What is read of an answer; the rest is discarded with its connection. */
const BODY_BYTES = 64 * 1024
/** How long the body of an answer may take once its status is known, which alone decides. */
const BODY_MS = 1_000

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

const parseUrl = (url: string): URL => {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed || !/^https?:$/.test(parsed.protocol)) {
    throw new SetupError('webhook: `url` must be an http or https address, such as https://example.test/hooks')
  }
  if (parsed.username || parsed.password) {
    throw new SetupError('webhook: `url` must not hold credentials: what is sent is signed with `secret`')
  }
  return parsed
}

const signerFor = (secret: string): Webhook => {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(String(secret))?.[1]
  const bytes = Buffer.from(encoded ?? '', 'base64')
  if (bytes.toString('base64') !== encoded || bytes.length < 24 || bytes.length > 64) {
    throw new SetupError('webhook: `secret` must be `whsec_` followed by the base64 of 24 to 64 random bytes')
  }
  return new Webhook(secret)
}

/** The beginning of a body, as far as it comes in time; never fails. */
const beginningOf = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const late = setTimeout(() => body.destroy(), BODY_MS)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= BODY_BYTES) break
    }
  } catch {
    // The status has been read; what became of the body changes nothing.
  } finally {
    clearTimeout(late)
    body.destroy()
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES).toString('utf8')
}

const bodyOf = (message: OutgoingMessage, now: Date): string => {
  const { deliveryId, attemptNumber, channel, recipient, address, content } = message
  return JSON.stringify({
    type: message.notificationKey,
    timestamp: now.toISOString(),
    data: { deliveryId, attemptNumber, channel, recipient, address, content },
  })
}

const resultOf = async (
  { statusCode, headers, body }: Dispatcher.ResponseData,
  hidden: unknown,
): Promise<DeliverResult> => {
  if (statusCode >= 200 && statusCode < 300) {
    // Nobody waits for it: it is read so that the connection can be used again.
    void body.dump({ limit: BODY_BYTES, signal: AbortSignal.timeout(BODY_MS) }).catch(() => {})
    return { outcome: 'accepted' }
  }
  const reason = providerReason(`HTTP ${statusCode} ${await beginningOf(body)}`, hidden)
  if (statusCode !== 408 && statusCode !== 429 && statusCode < 500) return { outcome: 'permanent', reason }
  const wait = retryAfterMs(headers['retry-after'], Date.now())
  return wait === null ? { outcome: 'temporary', reason } : { outcome: 'temporary', reason, retryAfterMs: wait }
}

/** By code alone: messages name hosts and addresses. */
const noAnswer = (error: unknown): DeliverResult => {
  if (error instanceof BlockedAddressError) return { outcome: 'permanent', reason: BLOCKED }
  const { code, name } = error as NodeJS.ErrnoException
  return { outcome: 'temporary', reason: providerReason(`no answer: ${code ?? name}`) }
}

/**
 * POSTs each message as JSON, signed as Standard Webhooks say, with the delivery's idempotency key as `webhook-id`.
 * 2xx is accepted; 408, 429, 5xx and no answer are temporary, `Retry-After` honoured up to 24 hours; everything else
 * is permanent. Redirects are not followed, and addresses that are not public are refused (`blocked_address`) unless
 * `allowPrivateAddresses` says otherwise.
 */
export const webhook = (options: WebhookOptions): Adapter => {
  const { name = 'webhook', timeoutMs = DEFAULT_TIMEOUT_MS, lookup } = options
  checkTimeout('webhook', timeoutMs)
  const url = parseUrl(options.url)
  const signer = signerFor(options.secret)
  const secrets = [options.secret, options.secret.replace(/^whsec_/, '')]
  const agent = new Agent({
    connect: options.allowPrivateAddresses
      ? buildConnector({ timeout: timeoutMs, ...(lookup && { lookup }) })
      : publicConnector({ timeout: timeoutMs, lookup }),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  })

  const post = async (message: OutgoingMessage, signal: AbortSignal): Promise<DeliverResult> => {
    const now = new Date()
    const body = bodyOf(message, now)
    const { address, content, recipient } = message
    const hidden = [secrets, address, content, recipient.email, recipient.phone, recipient.displayName]
    try {
      const response = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'Carillon',
          'webhook-id': message.idempotencyKey,
          'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
          'webhook-signature': signer.sign(message.idempotencyKey, now, body),
        },
        body,
        signal,
      })
      return await resultOf(response, hidden)
    } catch (error) {
      return noAnswer(error)
    }
  }

  return {
    name,
    timeoutMs,
    deliver: (message, signal) => withinTime(signal, timeoutMs, (limited) => post(message, limited)),
    close: () => agent.destroy(),
  }
}
