import { propagation, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineConfig, defineNotifier, memory, webhook } from '../../server/index.ts'
import { type HttpProvider, httpProvider } from '../../server/testing/http-provider.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { greeting, page } from '../support/notifiers.ts'
import { TRIGGER, trigger, triggerInput } from '../support/trigger.ts'

const remark = defineNotifier({
  key: 'remark',
  version: 1,
  payload: z.object({}),
  channels: ['hook'],
  render: { hook: () => ({ text: 'remark' }) },
})

const exporter = new InMemorySpanExporter()
const clock = new TestClock()
const pager = memory({ name: 'pages' })
let provider: HttpProvider
let carillon: TestCarillon
beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  provider = await httpProvider()
  const hook = webhook({
    url: provider.url,
    secret: `whsec_${Buffer.from('a secret of these very tests').toString('base64')}`,
    allowPrivateAddresses: true,
  })
  const config = defineConfig({ notifiers: [greeting, page, remark], adapters: { pager, hook } })
  carillon = await startCarillon(config, { clock })
})
afterEach(() => {
  exporter.reset()
  pager.clear()
})
afterAll(async () => {
  await carillon.close()
  await provider.close()
  trace.disable()
  propagation.disable()
})

const spans = (name: string): readonly ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name)
const only = (name: string): ReadableSpan => {
  const [span, ...others] = spans(name)
  if (!span || others.length > 0) throw new Error(`there are ${others.length + (span ? 1 : 0)} spans ${name}`)
  return span
}
const linkedTo = ({ links }: ReadableSpan) => links.map(({ context: { traceId, spanId } }) => ({ traceId, spanId }))
const idsOf = (span: ReadableSpan) => {
  const { traceId, spanId } = span.spanContext()
  return { traceId, spanId }
}

test("a trigger goes on with its caller's trace, and its commit stands within it", async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const response = await fetch(carillon.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${carillon.backendKey}`,
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
    },
    body: JSON.stringify({ query: TRIGGER, variables: { input: triggerInput({ correlationId: 'order-7' }) } }),
  })
  const { data } = (await response.json()) as { data: { trigger: { event: { id: string } } } }
  const triggered = only('carillon.trigger')
  expect(idsOf(triggered).traceId).toBe(traceId)
  expect(triggered.parentSpanContext?.spanId).toBe('b7ad6b7169203331')
  expect(triggered.attributes).toEqual({
    'carillon.tenant': 'acme',
    'carillon.notification': 'greeting',
    'carillon.correlation_id': 'order-7',
    'carillon.answer': 'accepted',
    'carillon.event.id': data.trigger.event.id,
  })
  expect(only('carillon.commit').parentSpanContext?.spanId).toBe(idsOf(triggered).spanId)
})

test('what is sent a week later is linked to what triggered it', async () => {
  const sendAt = new Date(clock.now().getTime() + 7 * 86_400_000).toISOString()
  await trigger(carillon, { notificationKey: 'pager.call', payload: {}, sendAt, correlationId: 'order-8' })
  const triggered = idsOf(only('carillon.trigger'))
  clock.advance(7 * 86_400_000)
  await carillon.drainJobs()
  const delivered = only('carillon.deliver')
  expect(delivered.parentSpanContext).toBeUndefined()
  expect(linkedTo(delivered)).toEqual([triggered])
  expect(linkedTo(only('carillon.fan_out'))).toEqual([triggered])
  expect(delivered.attributes).toEqual({
    'carillon.tenant': 'acme',
    'carillon.notification': 'pager.call',
    'carillon.channel': 'pager',
    'carillon.delivery.id': pager.messages[0]?.deliveryId,
    'carillon.correlation_id': 'order-8',
    'carillon.status': 'succeeded',
  })
  const call = only('carillon.call')
  expect(call.parentSpanContext?.spanId).toBe(idsOf(delivered).spanId)
  expect(call.attributes).toEqual({
    'carillon.adapter': 'pages',
    'carillon.channel': 'pager',
    'carillon.attempt.ended': 'accepted',
  })
  expect(spans('carillon.claim').length).toBeGreaterThan(0)
})

test('triggers that are committed together each have a link to their commit', async () => {
  const triggers = Array.from({ length: 3 }, () => triggerInput())
  await carillon.ok(
    carillon.backendKey,
    'mutation ($input: TriggerBatchInput!) { triggerBatch(input: $input) { results { error { code } } } }',
    { input: { triggers } },
  )
  const commits = spans('carillon.commit')
  const joined = commits.flatMap((commit) => [
    commit.parentSpanContext?.spanId,
    ...linkedTo(commit).map((link) => link.spanId),
  ])
  expect(joined.toSorted()).toEqual(
    spans('carillon.trigger')
      .map((span) => idsOf(span).spanId)
      .toSorted(),
  )
})

test('a webhook carries the span of its call', async () => {
  provider.behave((_, response) => void response.writeHead(204).end())
  await trigger(carillon, { notificationKey: 'remark', payload: {} })
  await carillon.drainJobs()
  const { traceId, spanId } = idsOf(only('carillon.call'))
  expect(provider.calls.at(-1)?.headers['traceparent']).toBe(`00-${traceId}-${spanId}-01`)
})

test('a call that fails says so by a code alone', async () => {
  provider.behave((_, response) => void response.writeHead(410).end('nobody lives at 12 Secret Street'))
  await trigger(carillon, { notificationKey: 'remark', payload: {} })
  await carillon.drainJobs()
  const { attributes, status, events } = only('carillon.call')
  expect([attributes['error.type'], status, events]).toEqual(['permanent', { code: 2 }, []])
})
