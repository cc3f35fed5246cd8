import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { propagation, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeNodeId } from '../../server/core/node-id.ts'
import { defineNotifier } from '../../server/index.ts'
import { createLogger, logTelemetry } from '../../server/logging.ts'
import { createMetrics, type Metrics } from '../../server/metrics/metrics.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { scripted } from '../support/scripted-adapter.ts'
import { trigger, tryTrigger } from '../support/trigger.ts'
import { everyTestCounts } from './tally.ts'

everyTestCounts('S18')

/* A story in which all goes wrong that can, told by everything that watches: none of it may name a person. */

const CANARY = {
  recipient: 'recipient-4711-canary',
  email: 'canary.mail@example.test',
  phone: '+442079460123',
  name: 'Canary Displayname',
  text: 'canary payload text',
  key: `canary-key-${randomUUID()}`,
}

const letter = defineNotifier({
  key: 'letter',
  version: 1,
  payload: z.object({ text: z.string(), fail: z.boolean().default(false) }),
  channels: ['in_app', 'email'],
  render: {
    in_app: ({ payload, recipient }) => ({ title: payload.text, body: recipient.displayName ?? '' }),
    email: ({ payload, recipient }) => {
      if (payload.fail) throw new Error(`no template for ${recipient.displayName}: ${payload.text}`)
      return { subject: payload.text, html: '', text: payload.text }
    },
  },
})

const lines: string[] = []
const sink = { write: (line: string) => void lines.push(line) }
const exporter = new InMemorySpanExporter()
const telemetry = createTelemetry()
const clock = new TestClock()
const mail = scripted('mail', { retry: { attempts: 9, firstDelay: '1s', maxDelay: '1s' }, timeoutMs: 50 })
let metrics: Metrics
let carillon: TestCarillon

beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  logTelemetry(telemetry, createLogger('trace', sink))
  metrics = createMetrics(telemetry)
  carillon = await startCarillon(
    { notifiers: [letter], adapters: { email: mail } },
    { clock, telemetry, metrics: { metrics, openToLoopback: false } },
  )
})
afterAll(async () => {
  await carillon.close()
  trace.disable()
  propagation.disable()
})

const everything = async (): Promise<string> => {
  const spans = exporter
    .getFinishedSpans()
    .map(({ name, attributes, events, status }) => ({ name, attributes, events, status }))
  return [...lines, JSON.stringify(spans), await metrics.read()].join('\n')
}

const input = (change: object = {}) => ({
  notificationKey: 'letter',
  payload: { text: CANARY.text },
  recipients: [{ id: CANARY.recipient, email: CANARY.email, phone: CANARY.phone, displayName: CANARY.name }],
  ...change,
})

test('neither logs nor metrics nor spans name a person, a payload or a credential', async () => {
  mail.next(
    () => Promise.reject(new Error(`550 no such user ${CANARY.email}: ${CANARY.text}`)),
    () => Promise.reject(Object.assign(new Error('refused'), { code: CANARY.email, name: 'SmtpError' })),
    () => delay(10_000),
    { outcome: 'nonsense', reason: CANARY.email },
    { outcome: 'temporary', reason: `mailbox of ${CANARY.email} is full` },
  )
  await trigger(carillon, input({ idempotencyKey: CANARY.key }))
  for (let tries = 0; tries < 6; tries += 1) {
    await carillon.drainJobs()
    clock.advance(5_000)
  }
  await trigger(carillon, input({ payload: { text: CANARY.text, fail: true } }))
  await carillon.drainJobs()
  await tryTrigger(carillon, input({ payload: { text: 7, other: CANARY.text } }))
  await tryTrigger(carillon, input({ notificationKey: CANARY.text }))
  await carillon.ask(carillon.backendKey, `{ inbox(for: "${CANARY.recipient}") }`)
  const token = await carillon.tokenFor(CANARY.recipient)
  await carillon.ok(token, '{ inbox { counts { unread } } }')
  await fetch(new URL(`/webhooks/acme/${encodeURIComponent(CANARY.email)}`, carillon.graphqlUrl), {
    method: 'POST',
    body: CANARY.text,
  })
  // What a driver throws quotes rows and arguments.
  const failure = await carillon.app.db.system.query(`select '${CANARY.email}'::int`).catch((error: Error) => error)
  telemetry.emit('worker.failed', { error: failure as Error })
  telemetry.emit('request.failed', { errorId: null, error: new SyntaxError(`Unexpected token in "${CANARY.text}"`) })

  const all = await everything()
  const credentials = [carillon.backendKey, carillon.operatorKey, token]
  expect([...Object.values(CANARY), ...credentials].filter((canary) => all.includes(canary))).toEqual([])
  // It did all go wrong, and was told.
  expect(lines.length).toBeGreaterThanOrEqual(6)
  expect(all).toContain('carillon.call')
  expect(all).toContain('carillon_adapter_faults_total{adapter="mail"} 4')
})

test("a line about a delivery has the API's id of it, and says where something was thrown", () => {
  const told = lines.map((line) => JSON.parse(line)).find(({ adapter }) => adapter === 'mail')
  expect(decodeNodeId(told.delivery)).toEqual({ type: 'Delivery', id: told.deliveryId })
  expect(told.err.stack).toMatch(/personal-data\.test\.ts:\d+/)
})

test('in development what the host threw is told in its own words', () => {
  const own = createTelemetry()
  const heard: string[] = []
  logTelemetry(own, pino({}, { write: (line: string) => void heard.push(line) }), { words: true })
  own.emit('adapter.misbehaved', {
    adapter: 'mail',
    deliveryId: randomUUID(),
    problem: 'threw',
    error: new Error('my own mistake'),
  })
  expect(heard.join()).toContain('my own mistake')
})
