import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { z } from 'zod'
import { createApp } from '../../server/app.ts'
import type { RuleAnswer } from '../../server/core/decision.ts'
import { writePlans } from '../../server/db/sql/write-plans.ts'
import { newId } from '../../server/ids.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { type Comparison, inTurn } from './measure.ts'

const SIZE = 100
const BATCHES = 60
const TENANT = 'batches'

const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'bench',
      version: 1,
      category: 'bench',
      payload: z.object({ n: z.number() }),
      channels: ['in_app', 'pager'],
      render: { in_app: ({ payload }) => ({ title: `Number ${payload.n}` }), pager: () => ({}) },
    }),
  ],
  adapters: { pager: memory() },
})

let counter = 0

const passed = (rule: string, facts: RuleAnswer['facts'] = {}): RuleAnswer => ({
  rule,
  verdict: 'pass',
  reason: null,
  facts,
})

/** What the planner says of each delivery here; `writePlans` makes the stored text of it for both. */
export const ANSWERS: readonly RuleAnswer[] = [
  passed('expiry'),
  passed('notification_preference'),
  passed('category_preference'),
  passed('address', { needed: false }),
  passed('delivery_cap'),
  passed('quiet_hours'),
  passed('fallback'),
]

/** The rows that a batch of triggers comes to, made without any of the work that leads to them. */
const bareRows = (recipients: readonly string[], now: Date) => {
  const rows = recipients.map((recipientId) => {
    counter += 1
    const eventId = newId()
    const notificationId = newId()
    const common = { tenantId: TENANT, recipientId, eventId, notificationKey: 'bench', category: 'bench' }
    const delivery = {
      ...common,
      notificationId,
      orchestrationState: 'ready' as const,
      planningReason: null,
      planningContext: null,
      nextEligibleAt: null,
      expiresAt: null,
      countsAt: now,
      fallback: false,
      suppressionReason: null,
      renderVersion: 1,
      answers: ANSWERS,
    }
    return {
      event: {
        tenant_id: TENANT,
        id: eventId,
        notification_key: 'bench',
        notification_version: 1,
        idempotency_key: randomUUID(),
        fingerprint: Buffer.alloc(32),
        correlation_id: null,
        actor_id: null,
        payload: { n: counter },
        category: 'bench',
        required: false,
        urgent: false,
        status: 'planned',
        send_at: null,
        expires_at: null,
        topics: [],
        has_secrets: false,
        sealed_payload: null,
        is_digest: false,
        recipient_count: 1,
        planned_recipient_count: 1,
        failed_recipient_count: 0,
        erased_at: null,
        pruned_recipient_count: 0,
        traceparent: null,
      },
      notification: {
        ...common,
        id: notificationId,
        content: { title: `Number ${counter}` },
        arrivalVersion: counter,
      },
      deliveries: [
        {
          ...delivery,
          id: newId(),
          channel: 'in_app',
          stepKey: '',
          inRun: false,
          status: 'succeeded' as const,
          renderKey: 'bench.in_app',
          position: counter * 2,
          decisionId: newId(),
          attemptId: newId(),
        },
        {
          ...delivery,
          id: newId(),
          channel: 'pager',
          stepKey: '',
          inRun: false,
          status: 'pending' as const,
          renderKey: 'bench.pager',
          position: counter * 2 + 1,
          decisionId: newId(),
          attemptId: null,
        },
      ],
      inbox: { tenantId: TENANT, recipientId, version: counter, position: counter * 2 + 1, arrivals: 1 },
    }
  })
  return {
    events: rows.map((row) => row.event),
    notifications: rows.map((row) => row.notification),
    deliveries: rows.flatMap((row) => row.deliveries),
    inboxes: rows.map((row) => row.inbox),
  }
}

/** Batches of 100 triggers, whole, beside the same rows written by the bare statement. */
export const compareBatches = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const app = await createApp({
    databaseUrl,
    config,
    secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
    bus: 'memory',
  })
  await ensureTenant(app, TENANT)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  const ours = async (): Promise<number> => {
    const start = performance.now()
    for (let batch = 0; batch < BATCHES; batch++) {
      await Promise.all(
        Array.from({ length: SIZE }, (_, index) =>
          app.trigger({
            tenantId: TENANT,
            request: {
              notificationKey: 'bench',
              idempotencyKey: randomUUID(),
              payload: { n: index },
              recipients: [{ id: `ours-${(batch * SIZE + index) % 3_000}` }],
            },
            path: [],
          }),
        ),
      )
    }
    return (SIZE * BATCHES * 1000) / (performance.now() - start)
  }
  const bare = async (): Promise<number> => {
    const start = performance.now()
    for (let batch = 0; batch < BATCHES; batch++) {
      const recipients = Array.from({ length: SIZE }, (_, index) => `bare-${(batch * SIZE + index) % 3_000}`)
      const now = new Date()
      await pool.query(writePlans(bareRows(recipients, now), now))
    }
    return (SIZE * BATCHES * 1000) / (performance.now() - start)
  }
  await pool.query(
    "insert into inbox (tenant_id, recipient_id) select $1, 'bare-' || i from generate_series(0, 2999) i",
    [TENANT],
  )
  await ours()
  await bare()
  await pool.query('vacuum analyze')
  const { a, b } = await inTurn(3, ours, bare)
  await pool.end()
  await app.close()
  return [
    {
      name: 'batches of 100 triggers',
      unit: 'triggers/s',
      ours: a,
      limit: b,
      beside: 'the same rows by bare pg with unnest',
      goal: 0.4,
      good: 'at least',
    },
  ]
}
