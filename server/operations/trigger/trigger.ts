import { nameOf } from '../../core/name-of.ts'
import { encodeNodeId } from '../../core/node-id.ts'
import type { TriggerRequest } from '../../core/trigger-request.ts'
import { databaseFailure } from '../../db/errors.ts'
import type { EventRow } from '../../db/sql/load-events-by-key.ts'
import { CarillonError, type ErrorCode, type InputPath } from '../../errors.ts'
import type { Moments } from '../../telemetry.ts'
import { type Context, failSpan, type Span, startSpan } from '../../tracing.ts'
import type { Capabilities } from '../capabilities.ts'
import type { KnownRecipients } from '../recipients-known.ts'
import { openLanes } from './lanes.ts'
import { prepareTrigger } from './prepare.ts'

/** One accepted trigger. */
export interface Triggered {
  readonly event: EventRow
  /** The idempotency key had been used for this same request before. */
  readonly deduplicated: boolean
}

export interface TriggerCall {
  readonly tenantId: string
  readonly request: TriggerRequest
  /** Where the request stands in the caller's input; errors name it. */
  readonly path: InputPath
  /** What the request stands within, for traces. */
  readonly parent?: Context | undefined
}

/** Records an event and everything that it causes. Resolves once that is committed, rejects with nothing written. */
export type Trigger = (call: TriggerCall) => Promise<Triggered>

const codeOf = (error: unknown): ErrorCode =>
  error instanceof CarillonError ? error.code : databaseFailure(error) === 'unavailable' ? 'UNAVAILABLE' : 'INTERNAL'

const spanFor = ({ tenantId, request: { correlationId }, parent }: TriggerCall, notificationKey: string | null): Span =>
  startSpan('carillon.trigger', {
    parent,
    kind: 'producer',
    attributes: {
      'carillon.tenant': tenantId,
      ...(notificationKey !== null && { 'carillon.notification': notificationKey }),
      ...(correlationId && { 'carillon.correlation_id': correlationId }),
    },
  })

const keyOf = ({ tenantId, request }: TriggerCall): string => nameOf(tenantId, request.idempotencyKey)

/** Concurrent calls share transactions, each with an outcome of its own. */
export const createTrigger = (capabilities: Capabilities, known: KnownRecipients): Trigger => {
  const { notifiers, telemetry } = capabilities
  const commit = openLanes(capabilities, known)
  /** The last call of each key that is not answered yet: of one key given twice the first wins, however long it takes. */
  const inFlight = new Map<string, Promise<unknown>>()

  const run = async (
    call: TriggerCall,
    { span, earlier }: { readonly span: Span; readonly earlier: Promise<unknown> | undefined },
  ): Promise<Triggered> => {
    const prepared = await prepareTrigger(capabilities, known, call)
    await earlier?.catch(() => {})
    const { event, repeated } = await commit({ ...prepared, span })
    return { event, deduplicated: repeated }
  }

  const observed = async (call: TriggerCall, earlier: Promise<unknown> | undefined): Promise<Triggered> => {
    // Whatever else callers make up is no name to be known by.
    const notificationKey = notifiers.has(call.request.notificationKey) ? call.request.notificationKey : null
    const begun = performance.now()
    const span = spanFor(call, notificationKey)
    const tell = (answer: Moments['trigger.answered']['answer']): void => {
      span.setAttribute('carillon.answer', answer)
      telemetry.emit('trigger.answered', {
        notificationKey,
        answer,
        durationMs: performance.now() - begun,
      })
    }
    try {
      const triggered = await run(call, { span, earlier })
      if (span.isRecording()) span.setAttribute('carillon.event.id', encodeNodeId('Event', triggered.event.id))
      tell(triggered.deduplicated ? 'deduplicated' : 'accepted')
      return triggered
    } catch (error) {
      const code = codeOf(error)
      failSpan(span, code)
      tell(code)
      throw error
    } finally {
      span.end()
    }
  }

  return (call) => {
    const key = keyOf(call)
    const answer = observed(call, inFlight.get(key))
    // One that is refused before it had waited for the one before it does not let the next one past that.
    const both = Promise.allSettled([inFlight.get(key), answer])
    inFlight.set(key, both)
    void both.then(() => {
      if (inFlight.get(key) === both) inFlight.delete(key)
    })
    return answer
  }
}
