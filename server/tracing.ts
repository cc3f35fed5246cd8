import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

/*
 *   the caller's span
 *     └─ carillon.trigger ──────────┐ its traceparent stands on the event's row
 *          └─ carillon.commit       │ shared: a child of the first trigger, linked to the others
 *                                   ▼
 *   carillon.fan_out, carillon.deliver    roots, in whichever process and however much later, linked to the trigger
 *     └─ carillon.call                    one of an adapter's calls
 *
 * Without an SDK in the process all of these are spans of nobody, which cost some allocations each.
 */

/** What spans say. No payload, content, address or name is ever among it. */
export type SpanAttributes = Attributes
export type { Context, Span } from '@opentelemetry/api'

const tracer = trace.getTracer('carillon')

export interface SpanOptions {
  /** Within what it stands; a root where left out. */
  readonly parent?: Context | undefined
  readonly attributes?: SpanAttributes
  readonly links?: readonly Link[]
  readonly kind?: 'internal' | 'producer' | 'consumer' | 'client'
  /** When it began, as `Date.now()` says; now where left out. */
  readonly startTime?: number
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
} as const

/** Begins a span; whoever begins it ends it. */
export const startSpan = (
  name: `carillon.${string}`,
  { parent = ROOT_CONTEXT, attributes = {}, links = [], kind = 'internal', startTime }: SpanOptions,
): Span =>
  tracer.startSpan(
    name,
    { attributes, links: [...links], kind: KINDS[kind], ...(startTime !== undefined && { startTime }) },
    parent,
  )

/** What stands within a span. */
export const within = (span: Span): Context => trace.setSpan(ROOT_CONTEXT, span)

/** Says that what a span stands for failed, by a code alone: an error's own words may quote anything. */
export const failSpan = (span: Span, code: string): void => {
  span.setAttribute('error.type', code)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Runs the host's code within a span, so that what its own instrumentation sees stands there as well. */
export const runWithin = <T>(span: Span, work: () => T): T =>
  span.isRecording() ? context.with(within(span), work) : work()

/** What a request stands within: the span that the host's own instrumentation has begun for it, else the caller's. */
export const requestContext = (headers: object): Context => {
  const active = context.active()
  return trace.getSpan(active) ? active : propagation.extract(ROOT_CONTEXT, headers)
}

/** A span as W3C Trace Context writes it; `null` for a span of nobody. */
export const traceparentOf = (span: Span | undefined): string | null => {
  const own = span?.spanContext()
  if (!own || !isSpanContextValid(own)) return null
  return `00-${own.traceId}-${own.spanId}-${own.traceFlags.toString(16).padStart(2, '0')}`
}

const parse = (traceparent: string): SpanContext | null => {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent) ?? []
  if (!traceId || !spanId || !flags) return null
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(parsed) ? parsed : null
}

/** Links to spans that were written down before; to none where nothing was. */
export const linksTo = (traceparents: Iterable<string | null | undefined>): readonly Link[] =>
  [...new Set(traceparents)].flatMap((traceparent) => {
    const parsed = traceparent ? parse(traceparent) : null
    return parsed ? [{ context: parsed }] : []
  })

/** Links to spans of this process. */
export const linksToSpans = (spans: readonly (Span | undefined)[]): readonly Link[] =>
  spans.flatMap((span) => (span && isSpanContextValid(span.spanContext()) ? [{ context: span.spanContext() }] : []))
