import type { Duration } from '../core/duration.ts'
import type { Recipient } from '../core/recipient.ts'

/** One delivery to one address, as an adapter gets it. Ids are the API's opaque ones. */
export interface OutgoingMessage<C = unknown> {
  readonly tenantId: string
  readonly deliveryId: string
  /** The same on every try of this delivery to this address: give it to the provider. */
  readonly idempotencyKey: string
  readonly attemptId: string
  readonly attemptNumber: number
  readonly channel: string
  readonly notificationKey: string
  readonly recipient: Recipient
  /** Where to: e-mail address, phone number, push subscription as JSON; null where the channel needs none. */
  readonly address: string | null
  readonly content: C
  readonly renderKey: string
  readonly renderVersion: number
  /**
   * Where the recipient can switch e-mail like this off, as RFC 8058 has it: a GET shows a page, a POST of
   * `List-Unsubscribe=One-Click` does it. `null` or left out where it cannot be switched off, on channels other than email,
   * and where `CARILLON_PUBLIC_URL` is not set.
   */
  readonly unsubscribeUrl?: string | null
  /**
   * Where the adapter's provider can report what became of it, for providers that are told so with each message; left out
   * where `CARILLON_PUBLIC_URL` is not set, or the adapter takes no webhooks.
   */
  readonly webhookUrl?: string
  /** The call's span as W3C Trace Context writes it, for a header of that name; left out where nothing is traced. */
  readonly traceparent?: string
}

/** What a provider said. Anything else that `deliver` does is handled as temporary. */
export type DeliverResult =
  | { outcome: 'accepted'; providerMessageId?: string }
  /** Try again, not before `retryAfterMs`. */
  | { outcome: 'temporary'; reason?: string; retryAfterMs?: number }
  /** Never try again. */
  | { outcome: 'permanent'; reason?: string }
  /** Never try again; the address is bad. */
  | { outcome: 'bounced'; reason?: string }

export interface WebhookRequest {
  readonly rawBody: Uint8Array
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Absolute: at `CARILLON_PUBLIC_URL`, else at the host that the request names. */
  readonly url: string
}
export interface ProviderEvent {
  readonly providerEventId?: string
  /** One of these two says which delivery. */
  readonly deliveryId?: string
  readonly providerMessageId?: string
  readonly status: 'delivered' | 'bounced' | 'failed' | 'complained'
}
/** Thrown by `receive` where the signature is wrong: answered with 401. Anything else that it throws: 400. */
export class WebhookSignatureError extends Error {
  override readonly name = 'WebhookSignatureError'
}
/**
 * Thrown by `receive` where it cannot be told now, such as when a certificate cannot be fetched: answered with 503, so
 * that the provider sends the webhook again.
 */
export class WebhookUnavailableError extends Error {
  override readonly name = 'WebhookUnavailableError'
}

export interface Retry {
  /** How many tries in all; 8 by default. */
  attempts?: number
  /** Before the second try; 15 s by default. Doubles from try to try, with full jitter. */
  firstDelay?: Duration
  /** The longest wait between two tries; 15 min by default. */
  maxDelay?: Duration
}

/** A way to a provider. Everything about a try that is not said by the provider is the server's own business. */
// biome-ignore lint/suspicious/noExplicitAny: adapters of different contents stand in one list; the channel's contract has checked the content.
export interface Adapter<C = any> {
  /** Unique in a configuration: what attempts show. */
  readonly name: string
  readonly retry?: Retry
  /** How long one call may take; 10,000 by default. */
  readonly timeoutMs?: number
  deliver(message: OutgoingMessage<C>, signal: AbortSignal): Promise<DeliverResult>
  /** E-mail, SMS and push need an address whatever adapter carries them; another channel where this is true. */
  readonly needsAddress?: boolean
  /** Whether the provider honours the idempotency key. */
  readonly idempotent?: boolean
  /** After a crash in mid-call: try again (default), or hold for an operator. */
  readonly onUnknown?: 'retry' | 'hold'
  /**
   * Whether its provider can be reached, found out without sending anything: `carillon doctor` asks. Resolves with a few
   * words of what it saw, rejects with what is wrong. No part of what it says may be a secret.
   */
  check?(signal: AbortSignal): Promise<string>
  /** Frees connections; called once, when the server stops. */
  close?(): void | Promise<void>
  /** Reads a provider's webhook; returns the events of the batch. */
  receive?(request: WebhookRequest): readonly ProviderEvent[] | Promise<readonly ProviderEvent[]>
}
