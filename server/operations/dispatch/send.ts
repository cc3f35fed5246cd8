import type { DeliverResult, OutgoingMessage } from '../../adapters/adapter.ts'
import type { Route } from '../../adapters/routing.ts'
import { textFault } from '../../core/json-limits.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import { providerReason } from '../../core/provider-reason.ts'
import type { TryResult } from '../../core/settlement.ts'
import type { Capabilities } from '../capabilities.ts'
import { renderContent, storedDefinition } from '../render-content.ts'
import type { Outgoing } from './begin.ts'

const temporary = (
  ended: 'temporary' | 'render_failed' | 'unknown_classification',
  reason: string | null,
): TryResult => ({
  ended,
  reason,
  retryAfterMs: 0,
})

const makeMessage = async (
  capabilities: Capabilities,
  { delivery, event, recipient, address }: Outgoing,
): Promise<OutgoingMessage> => {
  const { channel } = delivery
  const definition = storedDefinition(capabilities, event.notification_key)
  const rendered = await renderContent(capabilities, definition, { channel, payload: event.payload, recipient })
  const deliveryId = encodeNodeId('Delivery', delivery.id)
  return {
    tenantId: delivery.tenant_id,
    deliveryId,
    idempotencyKey: deliveryId,
    attemptId: encodeNodeId('DeliveryAttempt', delivery.token),
    attemptNumber: delivery.attempts + 1,
    channel,
    notificationKey: event.notification_key,
    recipient,
    address,
    ...rendered,
  }
}

const MAX_MESSAGE_ID_LENGTH = 255
/** What is left of a lease for recording the result. */
const LEASE_MARGIN_MS = 200

/** Understands what an adapter answered; `null` where it is none of the answers there are. */
const understand = (answer: DeliverResult, shown: (reason: unknown) => string | null): TryResult | null => {
  switch (answer?.outcome) {
    case 'accepted': {
      const id = answer.providerMessageId
      const usable = typeof id === 'string' && id.length <= MAX_MESSAGE_ID_LENGTH && textFault(id, []) === null
      return { ended: 'accepted', providerMessageId: usable ? id : null }
    }
    case 'temporary': {
      const after = Number(answer.retryAfterMs ?? 0)
      const retryAfterMs = Number.isFinite(after) ? Math.max(0, after) : 0
      return { ended: 'temporary', reason: shown(answer.reason), retryAfterMs }
    }
    case 'permanent':
    case 'bounced':
      return { ended: answer.outcome, reason: shown(answer.reason) }
    default:
      return null
  }
}

/**
 * Renders one delivery and hands it to its adapter, within the adapter's time limit. Whatever the host's code or the
 * adapter does, it resolves with a result, and never rejects.
 */
export const sendOne = async (
  capabilities: Capabilities,
  {
    outgoing,
    route,
    stopping,
    leaseEnds,
  }: {
    readonly outgoing: Outgoing
    readonly route: Route | undefined
    readonly stopping: AbortSignal
    /** When the lease does, by `performance.now()`. */
    readonly leaseEnds: number
  },
): Promise<TryResult> => {
  const { telemetry } = capabilities
  const { delivery } = outgoing
  let message: OutgoingMessage
  try {
    message = await makeMessage(capabilities, outgoing)
  } catch (cause) {
    const error = cause as Error
    telemetry.emit('notifier.failed', {
      tenantId: delivery.tenant_id,
      notificationKey: delivery.notification_key,
      error,
    })
    return temporary('render_failed', providerReason(error.message))
  }
  if (!route) return temporary('temporary', `no adapter carries the channel ${delivery.channel}`)

  const { adapter } = route
  // Rendering took its part of the lease. The next try must not go out while this one is still open.
  const timeoutMs = Math.min(route.timeoutMs, leaseEnds - performance.now() - LEASE_MARGIN_MS)
  if (timeoutMs <= 0) return temporary('temporary', 'the lease was nearly over before the call could begin')
  // Providers like to quote whom they refuse.
  const shown = (reason: unknown): string | null =>
    typeof reason === 'string' ? providerReason(reason, outgoing.address) : null
  const misbehaved = (problem: string, error?: Error): TryResult => {
    telemetry.emit('adapter.misbehaved', {
      adapter: adapter.name,
      deliveryId: delivery.id,
      problem,
      ...(error && { error }),
    })
    return temporary('unknown_classification', shown(error?.message ?? problem))
  }
  const limit = new AbortController()
  let timer: NodeJS.Timeout | undefined
  try {
    const expired = new Promise<'expired'>((resolve) => {
      timer = setTimeout(() => {
        // First: what the adapter makes of being aborted is no answer of the provider's.
        resolve('expired')
        limit.abort()
      }, timeoutMs)
    })
    const signal = AbortSignal.any([limit.signal, stopping])
    const answer = await Promise.race([adapter.deliver(message, signal), expired])
    if (answer === 'expired') return misbehaved(`no answer within ${Math.round(timeoutMs)} ms`)
    return understand(answer, shown) ?? misbehaved('answered none of accepted, temporary, permanent and bounced')
  } catch (error) {
    return misbehaved('threw', error instanceof Error ? error : new Error(String(error)))
  } finally {
    clearTimeout(timer)
  }
}
