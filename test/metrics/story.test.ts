import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { serveMetrics } from '../../server/http/metrics.ts'
import { type Adapter, defineConfig, defineNotifier } from '../../server/index.ts'
import { createMetrics, type Metrics } from '../../server/metrics/metrics.ts'
import { createTelemetry } from '../../server/telemetry.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { TestClock } from '../support/clock.ts'
import { greeting, page } from '../support/notifiers.ts'
import { switchOff } from '../support/settings.ts'
import { trigger, tryTrigger } from '../support/trigger.ts'

let fails = false
const pager: Adapter = {
  name: 'pages',
  retry: { attempts: 2 },
  async deliver() {
    return fails ? { outcome: 'permanent', reason: 'no' } : { outcome: 'accepted' }
  },
  async receive() {
    return []
  },
}

const journey = defineNotifier({
  key: 'journey',
  version: 1,
  payload: z.object({}),
  channels: ['in_app'],
  render: { in_app: () => ({ title: 'journey' }) },
  workflow: { key: 'journey', version: 1, steps: [{ key: 'tell', channel: 'in_app' }] },
})

const clock = new TestClock()
const telemetry = createTelemetry()
let metrics: Metrics
let carillon: TestCarillon
beforeAll(async () => {
  metrics = createMetrics(telemetry)
  carillon = await startCarillon(defineConfig({ notifiers: [greeting, page, journey], adapters: { pager } }), {
    clock,
    telemetry,
    metrics: { metrics, openToLoopback: false },
  })
})
afterAll(() => carillon.close())

/** All that is measured, by name and labels as Prometheus writes them. */
const readAll = async (): Promise<ReadonlyMap<string, number>> => {
  const lines = (await metrics.read()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))] as const
    }),
  )
}

/** By how much figures have grown over something. */
const growthOver = async (work: () => Promise<unknown>) => {
  const before = await readAll()
  await work()
  const after = await readAll()
  return (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0)
}

test('triggers are counted by notifier and answer, and a name that somebody makes up makes no label', async () => {
  const key = randomUUID()
  const grown = await growthOver(async () => {
    await trigger(carillon, { idempotencyKey: key })
    await trigger(carillon, { idempotencyKey: key })
    await tryTrigger(carillon, { payload: {} })
    for (const notificationKey of ['made', 'up']) await tryTrigger(carillon, { notificationKey })
  })
  expect(grown('carillon_triggers_total{notification="greeting",answer="accepted"}')).toBe(1)
  expect(grown('carillon_triggers_total{notification="greeting",answer="deduplicated"}')).toBe(1)
  expect(grown('carillon_triggers_total{notification="greeting",answer="INVALID_PAYLOAD"}')).toBe(1)
  expect(grown('carillon_triggers_total{notification="unknown",answer="NOTIFIER_NOT_FOUND"}')).toBe(2)
  expect(grown('carillon_trigger_duration_seconds_count')).toBe(5)
  expect(grown('carillon_trigger_commits_total{lane="fast"}')).toBe(1)
  expect(grown('carillon_requests_total{door="http",operation="mutation",code="OK"}')).toBe(2)
  expect(grown('carillon_requests_total{door="http",operation="mutation",code="NOTIFIER_NOT_FOUND"}')).toBe(2)
  expect(await metrics.read()).not.toMatch(/"(made|up)"/)
})

test('deliveries are counted when they are planned and when they are over, with the reason', async () => {
  const grown = await growthOver(async () => {
    await trigger(carillon)
    await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
    await carillon.drainJobs()
    fails = true
    await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
    await carillon.drainJobs()
    fails = false
  })
  expect(grown('carillon_deliveries_planned_total{channel="in_app"}')).toBe(1)
  expect(grown('carillon_deliveries_planned_total{channel="pager"}')).toBe(2)
  const settled = (labels: string) => grown(`carillon_deliveries_settled_total{${labels}}`)
  expect(settled('channel="in_app",status="succeeded",reason="none"')).toBe(1)
  expect(settled('channel="pager",status="succeeded",reason="none"')).toBe(1)
  expect(settled('channel="pager",status="cancelled",reason="permanent_failure"')).toBe(1)
  expect(grown('carillon_attempts_total{adapter="pages",channel="pager",ended="accepted"}')).toBe(1)
  expect(grown('carillon_attempts_total{adapter="pages",channel="pager",ended="permanent"}')).toBe(1)
  expect(grown('carillon_provider_call_duration_seconds_count{adapter="pages"}')).toBe(2)
  expect(grown('carillon_claims_total{kind="delivery"}')).toBe(2)
})

test('what a recipient does not want is counted as suppressed, with the reason', async () => {
  const grown = await growthOver(async () => {
    await switchOff(carillon, 'eve', { notificationKey: 'pager.call', channel: 'pager' })
    await trigger(carillon, { notificationKey: 'pager.call', payload: {}, recipients: [{ id: 'eve' }] })
  })
  expect(
    grown('carillon_deliveries_settled_total{channel="pager",status="suppressed",reason="channel_disabled"}'),
  ).toBe(1)
})

test('a run of a workflow is counted when it begins and when it ends', async () => {
  const grown = await growthOver(() => trigger(carillon, { notificationKey: 'journey', payload: {} }))
  expect(grown('carillon_workflow_runs_started_total')).toBe(1)
  expect(grown('carillon_workflow_runs_ended_total{state="completed"}')).toBe(1)
})

test('the queue says how much is due in each lane, and since when; an empty lane says 0', async () => {
  await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  await trigger(carillon, { notificationKey: 'pager.call', payload: {} })
  clock.advance(90_000)
  const fresh = createMetrics(createTelemetry(), { processMetrics: false })
  fresh.observe(carillon.app)
  const text = await fresh.read()
  expect(text).toContain('carillon_queue_depth{kind="delivery",lane="pager"} 2')
  expect(text).toContain('carillon_queue_age_seconds{kind="delivery",lane="pager"} 90')
  expect(text).toContain('carillon_queue_leased{kind="delivery",lane="pager"} 0')
  await carillon.drainJobs()
  // The same one again, as if its few seconds were over.
  fresh.observe(carillon.app)
  expect(await fresh.read()).toContain('carillon_queue_depth{kind="delivery",lane="pager"} 0')
})

test('a push is timed, and a subscriber that is behind what is kept counts as resynced', async () => {
  const grown = await growthOver(async () => {
    const updates = carillon.app.hub.subscribe({ tenantId: 'acme', recipientId: 'bob' }, null)
    await updates.next()
    const next = updates.next()
    await trigger(carillon, { recipients: [{ id: 'bob' }] })
    await next
    await updates.return?.()
    const ahead = carillon.app.hub.subscribe({ tenantId: 'acme', recipientId: 'bob' }, 9_999)
    await ahead.next()
    await ahead.return?.()
  })
  expect(grown('carillon_inbox_updates_total')).toBe(3)
  expect(grown('carillon_push_latency_seconds_count')).toBe(1)
  expect(grown('carillon_inbox_resyncs_total')).toBe(1)
})

test('webhooks are counted by adapter and outcome, those to adapters that there are not as unknown', async () => {
  const grown = await growthOver(async () => {
    for (const adapter of ['pages', 'made-up']) {
      await fetch(new URL(`/webhooks/acme/${adapter}`, carillon.graphqlUrl), { method: 'POST', body: '{}' })
    }
  })
  expect(grown('carillon_webhooks_total{adapter="pages",outcome="accepted"}')).toBe(1)
  expect(grown('carillon_webhooks_total{adapter="unknown",outcome="unknown_sender"}')).toBe(1)
})

test('readiness, pools and breakers are there, and no label holds an id', async () => {
  const all = await readAll()
  expect(all.get('carillon_ready')).toBe(1)
  expect(all.get('carillon_adapter_breaker{adapter="pages",state="closed"}')).toBe(1)
  expect(all.get('carillon_adapter_breaker{adapter="pages",state="open"}')).toBe(0)
  expect(all.get('carillon_database_pool{pool="system",state="total"}')).toBeGreaterThan(0)
  expect([...all.keys()].filter((name) => /"(ada|eve|bob|acme)"|[0-9a-f]{8}-/.test(name))).toEqual([])
})

test("at the API's door metrics are for keys with the scope OPERATE alone", async () => {
  const read = (credential?: string) =>
    fetch(new URL('/metrics', carillon.graphqlUrl), {
      headers: credential ? { authorization: `Bearer ${credential}` } : {},
    })
  expect((await read()).status).toBe(401)
  expect((await read('ck_made_up')).status).toBe(401)
  expect((await read(carillon.backendKey)).status).toBe(403)
  expect((await read(await carillon.tokenFor('ada'))).status).toBe(403)
  const allowed = await read(carillon.operatorKey)
  expect([allowed.status, allowed.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/plain')])
  expect(await allowed.text()).toContain('carillon_ready 1')
})

test('a door of their own has metrics and health, and nothing else', async () => {
  const door = await serveMetrics(carillon.app, metrics, { host: '127.0.0.1', port: 0 })
  const at = (path: string) => fetch(new URL(path, door.url))
  expect(await (await at('/metrics')).text()).toContain('process_cpu_seconds_total')
  expect((await at('/health/ready')).status).toBe(200)
  expect((await at('/health/live')).status).toBe(200)
  expect((await at('/graphql')).status).toBe(404)
  await door.close()
})
