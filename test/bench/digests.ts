import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { z } from 'zod'
import { type App, createApp } from '../../server/app.ts'
import { storedAnswers } from '../../server/core/decision.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { digestSource } from '../../server/jobs/sources.ts'
import { createWorker } from '../../server/jobs/worker.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { flushClaims } from '../../server/operations/digests/flush.ts'
import { ANSWERS } from './batches.ts'
import { type Comparison, inTurn } from './measure.ts'

const MANY = 10_000
const BUCKETS_AT_ONCE = 100
const TENANT = 'digests'
const LEASE_MS = 30_000
const TRIGGERS_AT_ONCE = 100
const TRIGGER_BATCHES = 30

const notifier = (key: string) => ({
  key,
  version: 1,
  category: 'bench',
  payload: z.object({}),
  channels: ['pager'] as const,
  render: { pager: () => ({}) },
})
const config = defineConfig({
  notifiers: [defineNotifier({ ...notifier('held'), digest: { pager: {} } }), defineNotifier(notifier('plain'))],
  adapters: { pager: memory() },
  digestRules: [
    {
      key: 'daily',
      version: 1,
      channel: 'pager',
      matchNotificationKey: 'held',
      groupBy: 'notification_key',
      window: { kind: 'sliding', minutes: 1_440, maxMinutes: 1_440 },
      excludeRead: true,
    },
  ],
})

const ANSWERED = `'${storedAnswers(ANSWERS)}'`

/** Buckets of recipients of their own, all due now, each with as many items: what triggers leave, without the work. */
const SEED = `
with event as (
  insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, category, required, urgent,
    status, recipient_count, planned_recipient_count, topics, inserted_at)
  select '${TENANT}', gen_random_uuid(), 'held', 1, $1 || '-' || item, '\\x00', '{}', 'bench', false, false, 'planned', $2, $2, '{}', now()
  from generate_series(1, $3::int4) item returning id
), events as (select id, row_number() over () as item from event),
recipients as (select $1 || '-' || i as id, gen_random_uuid() as bucket_id from generate_series(1, $2::int4) i),
inboxes as (insert into inbox (tenant_id, recipient_id, position) select '${TENANT}', id, $3 from recipients),
items as (
  select r.id as recipient_id, r.bucket_id, e.id as event_id, e.item, gen_random_uuid() as notification_id, gen_random_uuid() as delivery_id
  from recipients r cross join events e
), notifications as (
  insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, inserted_at)
  select '${TENANT}', notification_id, event_id, recipient_id, 'held', 'bench', now() from items
), deliveries as (
  insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, category, channel, status, render_key, render_version,
    position, orchestration_state, planning_reason, fallback, inserted_at, updated_at)
  select '${TENANT}', delivery_id, notification_id, event_id, recipient_id, 'held', 'bench', 'pager', 'pending', 'held.pager', 1,
    item, 'digest_held', 'digest_rule', false, now(), now() from items
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select '${TENANT}', gen_random_uuid(), delivery_id, 'planning', now(), ${ANSWERED} from items
), buckets as (
  insert into digest_bucket (tenant_id, id, rule_id, rule_key, recipient_id, channel, grouping_value, window_starts_at, window_ends_at, sequence,
    member_count, first_item_at, last_item_at)
  select '${TENANT}', bucket_id, (select id from digest_rule where tenant_id = '${TENANT}' and key = 'daily'), 'daily', id, 'pager', 'held',
    now() - interval '1 day', now(), 1, $3, now(), now() from recipients
), queue as (
  insert into due (tenant_id, kind, subject_id, lane, due_at) select '${TENANT}', 'digest', bucket_id, $4, now() from recipients
), members as (
  insert into digest_membership (tenant_id, delivery_id, bucket_id, position, inserted_at)
  select '${TENANT}', delivery_id, bucket_id, item, now() from items
)
select bucket_id as id from recipients`

const HELD = `from digest_membership m where m.tenant_id = '${TENANT}' and m.bucket_id = any($1::uuid[])`
const CLOSING = `from digest_bucket b where b.tenant_id = '${TENANT}' and b.id = any($1::uuid[])`
const TOLD = `jsonb_build_object('ruleIdentity', 'daily:v1', 'bucketId', b.id, 'digestDeliveryId', b.id)`

/** The same writes as closing these buckets brings about, a statement a table; the rows of a digest have its bucket's id. */
const BARE = [
  `insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, category, required, urgent,
     status, recipient_count, planned_recipient_count, topics, is_digest, inserted_at)
   select '${TENANT}', b.id, 'daily', 1, 'digest-bucket:' || b.id, '\\x00', jsonb_build_object('bucketId', b.id, 'count', b.member_count), 'bench', false, false,
     'planned', 1, 1, '{}', true, now() ${CLOSING}`,
  `insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, inserted_at)
   select '${TENANT}', b.id, b.id, b.recipient_id, 'daily', 'bench', now() ${CLOSING}`,
  `insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, category, channel, status, render_key, render_version,
     position, counts_at, fallback, inserted_at, updated_at)
   select '${TENANT}', b.id, b.id, b.id, b.recipient_id, 'daily', 'bench', 'pager', 'pending', 'daily.pager', 1, b.member_count + 1, now(), false, now(), now() ${CLOSING}`,
  `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
   select '${TENANT}', gen_random_uuid(), b.id, 'planning', now(), ${ANSWERED} ${CLOSING}`,
  `insert into due (tenant_id, kind, subject_id, lane, due_at) select '${TENANT}', 'delivery', b.id, 'pager', now() ${CLOSING}`,
  `update inbox i set position = i.position + 1 ${CLOSING} and i.tenant_id = b.tenant_id and i.recipient_id = b.recipient_id`,
  `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
   select '${TENANT}', gen_random_uuid(), m.delivery_id, 'perform', now(), ${ANSWERED} ${HELD}`,
  `insert into delivery_transition (tenant_id, id, delivery_id, event, context, at)
   select '${TENANT}', gen_random_uuid(), m.delivery_id, 'digested', ${TOLD}, now() ${HELD.replace(' where', ' join digest_bucket b on b.tenant_id = m.tenant_id and b.id = m.bucket_id where')}`,
  `insert into delivery_transition (tenant_id, id, delivery_id, event, context, at) select '${TENANT}', gen_random_uuid(), b.id, 'digest_emitted', ${TOLD}, now() ${CLOSING}`,
  `update delivery v set status = 'digested', updated_at = now() ${HELD} and v.tenant_id = m.tenant_id and v.id = m.delivery_id`,
  `update digest_membership m set resolution = 'included', resolved_at = now() where m.tenant_id = '${TENANT}' and m.bucket_id = any($1::uuid[])`,
  `update digest_bucket b set state = 'emitted', accepting = false, emitted_at = now(), closed_by = 'window', digest_delivery_id = b.id
   where b.tenant_id = '${TENANT}' and b.id = any($1::uuid[])`,
  `delete from due d where d.tenant_id = '${TENANT}' and d.kind = 'digest' and d.subject_id = any($1::uuid[])`,
]

let seeds = 0

/** Makes buckets that are due, in a lane; answers their ids. Statistics are as of then. */
const seed = async (pool: pg.Pool, buckets: number, items: number, lane: string): Promise<readonly string[]> => {
  seeds += 1
  const { rows } = await pool.query<{ id: string }>(SEED, [`seed-${seeds}`, buckets, items, lane])
  await pool.query('analyze event, notification, delivery, digest_bucket, digest_membership, due, inbox')
  return rows.map(({ id }) => id)
}

/** Closes what is due with a worker of its own, which does nothing else; answers how long it took, in milliseconds. */
const closeByWorker = async (app: App, count: number): Promise<number> => {
  const worker = createWorker({
    ...app,
    leaseMs: LEASE_MS,
    sources: [digestSource((claims) => flushClaims(app, claims))],
    abort: () => {},
  })
  let closed = 0
  const done = new Promise<void>((resolve) => {
    app.telemetry.on('digest.closed', () => {
      closed += 1
      if (closed === count) resolve()
    })
  })
  const start = performance.now()
  worker.start()
  await done
  const took = performance.now() - start
  await worker.stop()
  return took
}

const closeBare = async (pool: pg.Pool, ids: readonly string[]): Promise<number> => {
  const start = performance.now()
  for (let from = 0; from < ids.length; from += BUCKETS_AT_ONCE) {
    await pool.query('begin')
    for (const text of BARE) await pool.query(text, [ids.slice(from, from + BUCKETS_AT_ONCE)])
    await pool.query('commit')
  }
  return performance.now() - start
}

/** Triggers a second of a notifier, in batches. */
const triggering = async (app: App, notificationKey: string): Promise<number> => {
  const start = performance.now()
  for (let batch = 0; batch < TRIGGER_BATCHES; batch++) {
    const requests = Array.from({ length: TRIGGERS_AT_ONCE }, (_, index) => ({
      notificationKey,
      idempotencyKey: randomUUID(),
      payload: {},
      recipients: [{ id: `${notificationKey}-${(batch * TRIGGERS_AT_ONCE + index) % 1_000}` }],
    }))
    await Promise.all(requests.map((request) => app.trigger({ tenantId: TENANT, request, path: [] })))
  }
  return (TRIGGER_BATCHES * TRIGGERS_AT_ONCE * 1_000) / (performance.now() - start)
}

/** Digests closed by the worker beside the same writes by bare pg; and triggers of what is held beside what is not. */
export const compareDigests = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const secretKey = 'a-secret-key-for-benchmarks-of-32-characters'
  const app = await createApp({ databaseUrl, config, secretKey, bus: 'memory' })
  await ensureTenant(app, TENANT)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  const compareClosing = async (buckets: number, items: number) => {
    const ours = async (): Promise<number> => {
      await seed(pool, buckets, items, 'digest')
      return closeByWorker(app, buckets)
    }
    // In a lane that nobody claims from.
    const bare = async (): Promise<number> => closeBare(pool, await seed(pool, buckets, items, 'bare'))
    await ours()
    await bare()
    return inTurn(3, ours, bare)
  }
  const one = await compareClosing(1, MANY)
  const many = await compareClosing(MANY, 1)
  await triggering(app, 'held')
  await triggering(app, 'plain')
  await pool.query('vacuum analyze')
  const triggers = await inTurn(
    3,
    () => triggering(app, 'held'),
    () => triggering(app, 'plain'),
  )
  await pool.end()
  await app.close()
  const closing = { unit: 'ms', beside: 'the same writes by bare pg', goal: 3, good: 'at most' } as const
  return [
    { ...closing, name: 'closing a digest of 10,000 items', ours: one.a, limit: one.b },
    { ...closing, name: 'closing 10,000 digests that are due at once', ours: many.a, limit: many.b },
    {
      name: 'triggers of what a digest holds',
      unit: 'triggers/s',
      ours: triggers.a,
      limit: triggers.b,
      beside: 'of the same without a digest',
      goal: 0.6,
      good: 'at least',
    },
  ]
}
