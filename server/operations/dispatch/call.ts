import type { DeliverResult, OutgoingMessage } from '../../adapters/adapter.ts'
import type { RoutedAdapter } from '../../adapters/routing.ts'
import { textFault } from '../../core/json-limits.ts'
import { providerReason, SCANNED_LENGTH, stringsIn } from '../../core/provider-reason.ts'
import { quotesSecret, withoutSecretWords } from '../../core/secret-words.ts'
import type { CallResult } from '../../core/settlement.ts'
import { withheld } from '../../core/withheld-error.ts'
import { runWithin, type Span } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'

const MAX_MESSAGE_ID_LENGTH = 255

/** Understands what an adapter answered; `null` where it is none of the answers there are. */
const understand = (answer: DeliverResult, shown: (reason: unknown) => string | null): CallResult | null => {
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

/** What an adapter says, as it may be stored and shown: providers like to quote whom and what they refuse. */
const shownReason = (message: OutgoingMessage, secrets: readonly string[], reason: unknown): string | null => {
  if (typeof reason !== 'string') return null
  const cut =
    secrets.length === 0
      ? reason
      : withoutSecretWords(reason.slice(0, SCANNED_LENGTH), secrets, stringsIn(message.content))
  return providerReason(cut, [message.address, secrets])
}

/** How a call ended, and whether that was because nobody answered in time: then nobody knows whether it was taken. */
export interface Call {
  readonly result: CallResult
  readonly timedOut: boolean
}

/** Hands one message to an adapter, within its time limit. Whatever the adapter does, it resolves, and never rejects. */
export const callAdapter = async (
  { telemetry }: Pick<Capabilities, 'telemetry'>,
  { adapter, timeoutMs }: RoutedAdapter,
  {
    message,
    secrets,
    deliveryId,
    signal: ending,
    span,
  }: {
    readonly message: OutgoingMessage
    /** What nobody's words about it may quote. */
    readonly secrets: readonly string[]
    /** The internal one, for the log. */
    readonly deliveryId: string
    /** Ends the call early: the server stops, or its lease is lost. */
    readonly signal: AbortSignal
    /** The call's. */
    readonly span: Span
  },
): Promise<Call> => {
  const hasSecrets = secrets.length > 0
  const shown = (reason: unknown): string | null => shownReason(message, secrets, reason)
  const misbehaved = (problem: string, error?: Error): CallResult => {
    telemetry.emit('adapter.misbehaved', {
      adapter: adapter.name,
      deliveryId,
      problem,
      ...(error && { error: hasSecrets ? withheld(error) : error }),
    })
    const reason = shown(error?.message ?? problem)
    return { ended: 'unknown_classification', reason, retryAfterMs: 0 }
  }
  const limit = new AbortController()
  const end = (): void => limit.abort()
  let timer: NodeJS.Timeout | undefined
  try {
    const expired = new Promise<'expired'>((resolve) => {
      timer = setTimeout(() => {
        // First: what the adapter makes of being aborted is no answer of the provider's.
        resolve('expired')
        limit.abort()
      }, timeoutMs)
    })
    if (ending.aborted) limit.abort()
    ending.addEventListener('abort', end)
    const answer = await Promise.race([runWithin(span, () => adapter.deliver(message, limit.signal)), expired])
    if (answer === 'expired') {
      return { result: misbehaved(`no answer within ${Math.round(timeoutMs)} ms`), timedOut: true }
    }
    const understood = understand(answer, shown)
    if (understood?.ended === 'accepted' && hasSecrets && quotesSecret(understood.providerMessageId ?? '', secrets)) {
      return { result: { ...understood, providerMessageId: null }, timedOut: false }
    }
    return {
      result:
        understood ?? misbehaved('the adapter answered none of { outcome: accepted, temporary, permanent or bounced }'),
      timedOut: false,
    }
  } catch (error) {
    return { result: misbehaved('threw', error instanceof Error ? error : new Error(String(error))), timedOut: false }
  } finally {
    clearTimeout(timer)
    ending.removeEventListener('abort', end)
  }
}
