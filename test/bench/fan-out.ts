import { randomUUID } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import { z } from 'zod'
import { type App, createApp } from '../../server/app.ts'
import { storedAnswers } from '../../server/core/decision.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { ANSWERS } from './batches.ts'
import { type Comparison, inTurn } from './measure.ts'

const AUDIENCE = 10_000
const LARGE_AUDIENCE = 100_000
const TENANT = 'fanout'
const MEGABYTE = 1024 * 1024

const config = defineConfig({
  notifiers: [
    defineNotifier({
      key: 'news',
      version: 1,
      category: 'bench',
      payload: z.object({}),
      channels: ['in_app', 'pager'],
      // Nothing is sent while the planning is measured.
      fallback: { pager: { after: '1d' } },
      render: { in_app: () => ({ title: 'News', body: 'Something happened.' }), pager: () => ({}) },
    }),
  ],
  adapters: { pager: memory() },
})

/** Recipients, subscribed to a topic of their own, with inboxes as those have who were told something before. */
const SEED = `
with recipients as (
  insert into recipient (tenant_id, recipient_id, inserted_at, updated_at)
  select '${TENANT}', $1 || '-' || lpad(i::text, 6, '0'), now(), now() from generate_series(1, $2::int4) i returning recipient_id
), inboxes as (
  insert into inbox (tenant_id, recipient_id) select '${TENANT}', recipient_id from recipients
), topics as (
  insert into topic (tenant_id, id, key, subscriber_count, inserted_at) values ('${TENANT}', gen_random_uuid(), $1, $2::int4, now()) returning id
)
insert into topic_subscription (tenant_id, topic_id, recipient_id, inserted_at)
select '${TENANT}', topics.id, recipient_id, now() from topics, recipients`

/** The same rows as a fan-out leaves, by one INSERT … SELECT a table, in one transaction. */
const BARE = [
  `insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, category, required, urgent,
     status, recipient_count, planned_recipient_count, topics, inserted_at)
   values ('${TENANT}', $1::uuid, 'news', 1, gen_random_uuid()::text, '\\x00', '{}', 'bench', false, false, 'planned', $2, $2, '{}', now())`,
  `insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, content, arrival_version, inbox_version, arrived_at, inserted_at)
   select '${TENANT}', gen_random_uuid(), $1, i.recipient_id, 'news', 'bench', '{"title": "News", "body": "Something happened."}', i.version + 1, i.version + 1, now(), now()
   from inbox i where i.tenant_id = '${TENANT}' and i.recipient_id like 'bare-%' order by i.recipient_id limit $2`,
  `insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, category, channel, status, render_key, render_version,
     position, orchestration_state, planning_reason, planning_context, next_eligible_at, counts_at, fallback, inserted_at, updated_at)
   select '${TENANT}', gen_random_uuid(), n.id, $1, n.recipient_id, 'news', 'bench', c.channel, case c.channel when 'in_app' then 'succeeded' else 'pending' end,
     'news.' || c.channel, 1, i.position + c.place, case c.channel when 'in_app' then 'ready' else 'deferred' end,
     case c.channel when 'in_app' then null else 'fallback_delay' end,
     case c.channel when 'in_app' then null else jsonb_build_object('rule', 'fallback', 'ruleIdentity', 'fallback', 'until', now()::text) end,
     case c.channel when 'in_app' then null else now() + interval '1 day' end, now(), c.channel <> 'in_app', now(), now()
   from notification n join inbox i on i.tenant_id = n.tenant_id and i.recipient_id = n.recipient_id
   cross join (values ('in_app', 1), ('pager', 2)) as c (channel, place)
   where n.tenant_id = '${TENANT}' and n.event_id = $1 and $2 > 0`,
  `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
   select '${TENANT}', gen_random_uuid(), id, 'planning', now(), '${storedAnswers(ANSWERS)}' from delivery
   where tenant_id = '${TENANT}' and event_id = $1 and $2 > 0`,
  `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, source, started_at, inserted_at)
   select '${TENANT}', gen_random_uuid(), id, 1, 'succeeded', 'in_app', 'call', now(), now() from delivery
   where tenant_id = '${TENANT}' and event_id = $1 and channel = 'in_app' and $2 > 0`,
  `insert into due (tenant_id, kind, subject_id, lane, due_at)
   select '${TENANT}', 'delivery', id, channel, now() + interval '1 day' from delivery where tenant_id = '${TENANT}' and event_id = $1 and channel = 'pager' and $2 > 0`,
  `update inbox i set version = i.version + 1, position = i.position + 2, total = i.total + 1, unread = i.unread + 1, unseen = i.unseen + 1
   from notification n where n.tenant_id = '${TENANT}' and n.event_id = $1 and i.tenant_id = n.tenant_id and i.recipient_id = n.recipient_id and $2 > 0`,
]

const seed = async (pool: pg.Pool, name: string, size: number): Promise<void> => {
  await pool.query(SEED, [name, size])
}

/** Triggers to a topic, and answers how long it took until all of its subscribers were planned, in milliseconds. */
const fanOut = async (app: App, topic: string): Promise<number> => {
  const planned = app.telemetry.once('event.planned')
  const start = performance.now()
  await app.trigger({
    tenantId: TENANT,
    request: { notificationKey: 'news', idempotencyKey: randomUUID(), payload: {}, topics: [topic] },
    path: [],
  })
  await planned
  return performance.now() - start
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The most memory that is in use, garbage left out, at any look at it while this process plans an audience; in bytes. */
const peakOf = async (work: () => Promise<unknown>): Promise<number> => {
  let peak = 0
  const look = (): void => {
    collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    peak = Math.max(peak, heapUsed + external)
  }
  look()
  const timer = setInterval(look, 100)
  await work()
  clearInterval(timer)
  return peak
}

/** Planning 10,000 recipients on two channels from one trigger, beside the same rows by bare INSERT … SELECT. */
export const compareFanOut = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const app = await createApp({
    databaseUrl,
    config,
    secretKey: 'a-secret-key-for-benchmarks-of-32-characters',
    bus: 'memory',
  })
  await ensureTenant(app, TENANT)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  await seed(pool, 'ours', AUDIENCE)
  await seed(pool, 'bare', AUDIENCE)
  await seed(pool, 'large', LARGE_AUDIENCE)
  app.worker.start()
  const ours = () => fanOut(app, 'ours')
  const bare = async (): Promise<number> => {
    const id = randomUUID()
    const start = performance.now()
    await pool.query('begin')
    for (const statement of BARE) await pool.query(statement, [id, AUDIENCE])
    await pool.query('commit')
    return performance.now() - start
  }
  await ours()
  await bare()
  await pool.query('vacuum analyze')
  const { a, b } = await inTurn(3, ours, bare)
  const small = await peakOf(ours)
  const large = await peakOf(() => fanOut(app, 'large'))
  await pool.end()
  await app.close()
  return [
    {
      name: 'planning 10,000 recipients on 2 channels from one trigger',
      unit: 'ms',
      ours: a,
      limit: b,
      beside: 'the same rows by bare INSERT … SELECT',
      goal: 2,
      good: 'at most',
    },
    {
      name: 'memory in use while 100,000 recipients are planned',
      unit: 'MB',
      ours: large / MEGABYTE,
      limit: small / MEGABYTE,
      beside: 'while 10,000 are',
      // What is remembered of inboxes that are known to exist grows up to a bound of its own.
      goal: 1.5,
      good: 'at most',
    },
  ]
}
