import { createHmac } from 'node:crypto'
import {
  type Adapter,
  type ProviderEvent,
  type WebhookRequest,
  WebhookSignatureError,
  WebhookUnavailableError,
} from '../../adapters/adapter.ts'
import { isSignatureFault } from '../../adapters/receivers/verification.ts'
import type { Routes } from '../../adapters/routing.ts'
import { FEEDBACK_STATUSES } from '../../core/feedback.ts'
import { MAX_ID_LENGTH, textFault } from '../../core/json-limits.ts'
import type { Capabilities } from '../capabilities.ts'
import { acceptWebhook } from './accept.ts'
import type { WebhookAddress } from './path.ts'

/**
 * What came of a webhook. `unknown_sender`: it cannot be told that a provider of this tenant's sent it; which of tenant,
 * adapter and signature is wrong is not said. `unreadable`: a provider did, and it cannot be understood. `too_large`: it
 * holds more than 1,000 events. `unavailable`: it cannot be told now, and is to be sent again.
 */
export type WebhookOutcome = 'accepted' | 'unknown_sender' | 'unreadable' | 'too_large' | 'unavailable'

/** Resolves as `accepted` once all that the webhook reports is committed; rejects where the database is away. */
export type ReceiveWebhook = (address: WebhookAddress, request: WebhookRequest) => Promise<WebhookOutcome>

/** How many events one webhook may hold, whatever its adapter says. */
const MAX_EVENTS = 1_000
/** A receiver may ask its provider for a certificate; no provider waits for much longer itself. */
const RECEIVE_MS = 10_000

const isStorable = (id: unknown): boolean =>
  id == null || (typeof id === 'string' && id !== '' && id.length <= MAX_ID_LENGTH && textFault(id, []) === null)

const isEvent = (event: ProviderEvent | null | undefined): boolean =>
  FEEDBACK_STATUSES.some((status) => status === event?.status) &&
  isStorable(event?.providerEventId) &&
  isStorable(event?.deliveryId) &&
  isStorable(event?.providerMessageId)

interface Receiving {
  readonly name: string
  readonly receive: NonNullable<Adapter['receive']>
  /** What it carries. */
  readonly channels: string[]
}

/** As the database has it: anything else is no tenant, and some of it means more than one. */
const TENANT_ID = /^[a-z0-9][a-z0-9_-]{0,62}$/

const receiversIn = (routes: Routes): ReadonlyMap<string, Receiving> => {
  const receivers = new Map<string, Receiving>()
  for (const [channel, { adapters }] of routes) {
    for (const { adapter } of adapters) {
      const { name, receive } = adapter
      if (!receive) continue
      const known = receivers.get(name)
      if (known) known.channels.push(channel)
      else receivers.set(name, { name, receive: (request) => receive.call(adapter, request), channels: [channel] })
    }
  }
  return receivers
}

/** Costs about what verifying a signature does, so that nobody learns by the time it takes which adapters there are. */
const pretendToVerify = ({ rawBody }: WebhookRequest): void => {
  createHmac('sha256', 'nobody').update(rawBody).digest()
}

const withinTime = async <T>(work: T | Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new WebhookUnavailableError('the receiver took too long')), RECEIVE_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Takes the webhooks of all providers that the configuration's adapters speak to. */
export const createReceiveWebhook = (capabilities: Capabilities, routes: Routes): ReceiveWebhook => {
  const { telemetry } = capabilities
  const receivers = receiversIn(routes)

  /** What a webhook reports, or why it is not taken. Nothing of it is written down: neither its body nor its headers. */
  const read = async (
    { name, receive }: Receiving,
    request: WebhookRequest,
  ): Promise<readonly ProviderEvent[] | Exclude<WebhookOutcome, 'accepted'>> => {
    const refused = (outcome: Exclude<WebhookOutcome, 'accepted'>, problem: string) => {
      telemetry.emit('webhook.refused', { adapter: name, problem })
      return outcome
    }
    try {
      const events = await withinTime(receive(request))
      if (!Array.isArray(events) || !events.every(isEvent)) {
        return refused('unreadable', 'its receiver returned something that is no list of events')
      }
      return events.length > MAX_EVENTS ? refused('too_large', `it holds more than ${MAX_EVENTS} events`) : events
    } catch (error) {
      // By kind alone: what a receiver says may quote what it was sent.
      const said = (error as Error | undefined)?.message
      if (error instanceof WebhookSignatureError) {
        return refused('unknown_sender', isSignatureFault(said) ? said : 'the signature is wrong')
      }
      if (error instanceof WebhookUnavailableError) return refused('unavailable', 'its sender cannot be verified now')
      return refused('unreadable', 'it cannot be read')
    }
  }

  const answer = async (
    address: WebhookAddress,
    request: WebhookRequest,
  ): Promise<{ readonly outcome: WebhookOutcome; readonly events: number }> => {
    const receiving = receivers.get(address.adapter)
    if (!receiving) {
      pretendToVerify(request)
      return { outcome: 'unknown_sender', events: 0 }
    }
    // The signature comes first: who has none learns nothing of tenants, and costs the database nothing.
    const events = await read(receiving, request)
    if (typeof events === 'string') return { outcome: events, events: 0 }
    const { channels } = receiving
    const known = TENANT_ID.test(address.tenantId) && (await acceptWebhook(capabilities, address, { channels, events }))
    if (!known) telemetry.emit('webhook.refused', { adapter: address.adapter, problem: 'there is no such tenant' })
    return known ? { outcome: 'accepted', events: events.length } : { outcome: 'unknown_sender', events: 0 }
  }

  return async (address, request) => {
    const { outcome, events } = await answer(address, request)
    // Whatever else callers make up is no name to count by.
    const adapter = receivers.has(address.adapter) ? address.adapter : null
    telemetry.emit('webhook.answered', { adapter, outcome, events })
    return outcome
  }
}
