import type { Adapter, OutgoingMessage } from '../../adapters/adapter.ts'
import type { Admission, Breakers, CallEnd } from '../../adapters/breakers.ts'
import type { Route, RoutedAdapter } from '../../adapters/routing.ts'
import { derivedId } from '../../core/derived-id.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import { providerReason } from '../../core/provider-reason.ts'
import type { CallResult, PutOff } from '../../core/settlement.ts'
import { failSpan, type Span, startSpan, traceparentOf, within } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import type { Rendered } from '../render-content.ts'
import { type Made, renderDelivery } from '../render-delivery.ts'
import { webhookPath } from '../webhooks/path.ts'
import type { Outgoing } from './begin.ts'
import { type Call, callAdapter } from './call.ts'
import type { Target } from './decide.ts'

/** One call that was made, or could not be: an attempt. */
export interface MadeCall extends Target {
  readonly id: string
  readonly adapter: string
  readonly result: CallResult
}

/** What came of one try: its calls, in order, and the last answer for each address. */
export interface Sent {
  readonly calls: readonly MadeCall[]
  readonly results: readonly CallResult[]
  /** Which template made the content; `null` where it could not be made. */
  readonly rendered: Pick<Rendered, 'renderKey' | 'renderVersion'> | null
}

/** The first call of a try has its lease's token as its id; the others' follow from it, so that each can be found. */
const attemptIdOf = (token: string, { addressKey }: Target, adapter: string, first: boolean): string =>
  first ? token : derivedId(token, addressKey ?? '', adapter)

const failed = (ended: 'temporary' | 'render_failed', reason: string | null): CallResult => ({
  ended,
  reason,
  retryAfterMs: 0,
})

/** Whether a provider gave no answer of its own, or only put the caller off. */
const isPutOff = ({ ended }: CallResult): boolean => ended === 'temporary' || ended === 'unknown_classification'

/** What becomes of an address that nobody could be asked about; of several providers the one that is back first counts. */
const putOff = (refused: readonly Exclude<Admission, { readonly admitted: true }>[]): PutOff => {
  const rests = refused.flatMap((one) => (one.because === 'breaker' ? [one.retryAfterMs] : []))
  return rests.length === refused.length
    ? {
        ended: 'put_off',
        because: 'breaker',
        reason: 'not called: it failed again and again, and is left alone for a while',
        retryAfterMs: Math.min(...rests),
      }
    : { ended: 'put_off', because: 'given_up', reason: 'not called: the server is about to stop', retryAfterMs: 0 }
}

/** Where an adapter's provider can report, for those that are told with each message. */
const webhookUrlOf = ({ publicUrl }: Capabilities, tenantId: string, { name, receive }: Adapter) =>
  publicUrl === null || !receive ? {} : { webhookUrl: `${publicUrl}${webhookPath(tenantId, name)}` }

/** Where the recipient can switch e-mail like this off; `null` where it cannot be, and on other channels. */
const unsubscribeUrlOf = ({ unsubscribeUrl }: Capabilities, { delivery, event, digest }: Outgoing): string | null => {
  if (delivery.channel !== 'email' || event.required) return null
  const { tenant_id: tenantId, recipient_id: recipientId, category } = delivery
  // Of a digest that one notifier made, that one: nobody knows its rule by name.
  const keys = new Set(digest?.items.map((item) => item.notification_key))
  const [only] = keys
  const key = keys.size === 1 && only !== undefined ? only : delivery.notification_key
  return unsubscribeUrl({
    tenantId,
    recipientId,
    channel: 'email',
    category,
    notificationKey: category === null ? key : null,
  })
}

/** Whether the next adapter of a channel may be called after this one: not where the first may have sent it after all. */
const mayGoOn = ({ adapter }: RoutedAdapter, { result, timedOut }: Call): boolean =>
  isPutOff(result) && (!timedOut || adapter.idempotent === true)

/**
 * Renders one delivery and hands it to its channel's adapters for each of its addresses: the next adapter where the one
 * before could not take it or rests. Whatever the host's code or an adapter does, it resolves.
 */
export const sendOne = async (
  capabilities: Capabilities,
  {
    outgoing,
    route,
    breakers,
    signal,
    span,
  }: {
    readonly outgoing: Outgoing
    readonly route: Route | undefined
    readonly breakers: Breakers
    /** Ends calls that are under way. */
    readonly signal: AbortSignal
    /** The delivery's. */
    readonly span: Span
  },
): Promise<Sent> => {
  const { delivery, event, recipient, targets } = outgoing
  const calls: MadeCall[] = []
  const made = (target: Target, adapter: string, result: CallResult): CallResult => {
    calls.push({ ...target, id: attemptIdOf(delivery.token, target, adapter, calls.length === 0), adapter, result })
    return result
  }
  const firstAdapter = route?.adapters[0]?.adapter.name ?? delivery.channel
  const fail = (result: CallResult): Sent => ({
    results: targets.map((target) => made(target, firstAdapter, result)),
    calls,
    rendered: null,
  })
  let content: Made
  try {
    content = await renderDelivery(capabilities, {
      ...outgoing,
      channel: delivery.channel,
      stepKey: delivery.step_key,
    })
  } catch (cause) {
    const error = cause as Error
    const { tenant_id: tenantId, notification_key: notificationKey } = delivery
    capabilities.telemetry.emit('notifier.failed', { tenantId, notificationKey, error })
    return fail(failed('render_failed', providerReason(error.message)))
  }
  if (!route) return fail(failed('temporary', `no adapter carries the channel ${delivery.channel}`))

  const deliveryId = encodeNodeId('Delivery', delivery.id)
  const unsubscribeUrl = unsubscribeUrlOf(capabilities, outgoing)
  const messageFor = (target: Target, attemptId: string, attemptNumber: number): OutgoingMessage => ({
    tenantId: delivery.tenant_id,
    deliveryId,
    idempotencyKey: target.addressKey === null ? deliveryId : `${deliveryId}.${target.addressKey}`,
    attemptId: encodeNodeId('DeliveryAttempt', attemptId),
    attemptNumber,
    channel: delivery.channel,
    notificationKey: event.notification_key,
    recipient,
    address: target.address,
    ...content.rendered,
    unsubscribeUrl,
  })

  const tellOf = (adapter: string, { ended }: CallResult, durationMs: number | null): void =>
    capabilities.telemetry.emit('attempt.made', { adapter, channel: delivery.channel, ended, durationMs })

  const callOne = async (target: Target, routed: RoutedAdapter, ended: (end: CallEnd) => void): Promise<Call> => {
    const { adapter } = routed
    const place = calls.length
    const id = attemptIdOf(delivery.token, target, adapter.name, place === 0)
    const pending: MadeCall = { ...target, id, adapter: adapter.name, result: failed('temporary', null) }
    calls.push(pending)
    const message = {
      ...messageFor(target, id, delivery.attempts + place + 1),
      ...webhookUrlOf(capabilities, delivery.tenant_id, adapter),
    }
    const called = startSpan('carillon.call', {
      parent: within(span),
      kind: 'client',
      attributes: { 'carillon.adapter': adapter.name, 'carillon.channel': delivery.channel },
    })
    const traceparent = traceparentOf(called)
    const begun = performance.now()
    const call = await callAdapter(capabilities, routed, {
      message: traceparent === null ? message : { ...message, traceparent },
      span: called,
      secrets: content.secrets,
      deliveryId: delivery.id,
      signal,
    })
    called.setAttribute('carillon.attempt.ended', call.result.ended)
    if (call.result.ended !== 'accepted') failSpan(called, call.result.ended)
    called.end()
    tellOf(adapter.name, call.result, performance.now() - begun)
    ended(signal.aborted ? 'given_up' : isPutOff(call.result) ? 'failed' : 'answered')
    calls[place] = { ...pending, result: call.result }
    return call
  }

  /** Calls one address by one adapter after the other, until one has an answer. */
  const callTarget = async (target: Target): Promise<CallResult> => {
    let last: CallResult | null = null
    const refused: Exclude<Admission, { admitted: true }>[] = []
    for (const routed of route.adapters) {
      const admission = await breakers.enter(routed, signal)
      if (!admission.admitted) {
        refused.push(admission)
        continue
      }
      const call = await callOne(target, routed, admission.ended)
      last = call.result
      // Without the lease another worker may have begun: what was not called yet is left to it.
      if (signal.aborted || !mayGoOn(routed, call)) break
    }
    return last ?? putOff(refused)
  }

  const results = await Promise.all(targets.map(callTarget))
  // After the calls, whose numbers their providers have been told.
  for (const [index, target] of targets.entries()) {
    const result = results[index] as CallResult
    if (result.ended !== 'put_off') continue
    made(target, firstAdapter, result)
    tellOf(firstAdapter, result, null)
  }
  return { results, calls, rendered: content.rendered }
}
