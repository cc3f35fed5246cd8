import pg from 'pg'
import { z } from 'zod'
import { applyMigrations } from '../../prisma/migrate.ts'
import { type App, createApp } from '../../server/app.ts'
import { type Claim, claimDue } from '../../server/db/sql/claim-due.ts'
import { defineConfig, defineNotifier, memory } from '../../server/index.ts'
import { definitionOf } from '../../server/notifiers/notifier.ts'
import { workflowOf } from '../../server/notifiers/workflow.ts'
import { ensureTenant } from '../../server/operations/credentials.ts'
import { createWakeRuns } from '../../server/operations/workflows/wake.ts'
import { allInTurn, type Comparison, median, settleDatabase } from './measure.ts'

const TENANT = 'runs'
const MANY = 100_000
const FEW = 1_000
/** How many fall due at once. */
const DUE = 1_000
const ROUNDS = 5
/** As many as the job loop wakes in one transaction. */
const BATCH = 200

const journey = defineNotifier({
  key: 'journey',
  version: 1,
  payload: z.object({}),
  channels: ['in_app', 'pager'],
  render: { in_app: () => ({ title: 'Look' }), pager: () => ({}) },
  workflow: {
    key: 'journey',
    version: 1,
    steps: [
      { key: 'tell', channel: 'in_app', next: [{ wait: '1d', signals: ['done'], onTimeout: 'call' }] },
      { key: 'call', channel: 'pager' },
    ],
  },
})

/** Runs that wait behind a step that has arrived, each of a recipient of its own. */
const SEED = `
with people as (
  select $1 || '-' || lpad(i::text, 6, '0') as recipient_id, gen_random_uuid() as event_id, gen_random_uuid() as id, gen_random_uuid() as delivery_id
  from generate_series(1, $2::int4) i
), inboxes as (
  insert into inbox (tenant_id, recipient_id, version, position, total, unread, unseen) select '${TENANT}', recipient_id, 1, 1, 1, 1, 1 from people
), events as (
  insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, required, urgent, status,
    recipient_count, planned_recipient_count, topics, inserted_at)
  select '${TENANT}', event_id, 'journey', 1, event_id::text, '\\x00', '{}', false, false, 'planned', 1, 1, '{}', now() from people
), notifications as (
  insert into notification (tenant_id, id, event_id, recipient_id, notification_key, content, arrival_version, inbox_version, arrived_at, inserted_at)
  select '${TENANT}', id, event_id, recipient_id, 'journey', '{"title": "Look"}', 1, 1, now(), now() from people
), deliveries as (
  insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, channel, step_key, in_run, status, render_key,
    render_version, position, inserted_at, updated_at)
  select '${TENANT}', delivery_id, id, event_id, recipient_id, 'journey', 'in_app', 'tell', true, 'succeeded', 'journey.in_app', 1, 1, now(), now() from people
), definitions as (
  insert into workflow_definition (tenant_id, key, version, definition, inserted_at) values ('${TENANT}', 'journey', 1, $3::jsonb, now()) on conflict do nothing
), runs as (
  insert into workflow_run (tenant_id, id, event_id, recipient_id, workflow_key, workflow_version, state, step_key, delivery_id, status_reason,
    waiting_until, waiting_for, listens, conditions, channels, transition_count, started_at, last_transition_at)
  select '${TENANT}', id, event_id, recipient_id, 'journey', 1, 'waiting', 'tell', delivery_id, 'waiting_for_step_progression', $4::timestamptz,
    '{done}', '{done}', '{}', '{"pager": {"renderKey": "journey.pager", "renderVersion": 1, "fallbackMs": null, "digest": null}}', 0, now(), now() from people
)
insert into due (tenant_id, kind, subject_id, lane, due_at) select '${TENANT}', 'workflow', id, 'workflow', $4::timestamptz from people`

interface Site {
  readonly app: App
  readonly pool: pg.Pool
  seed(name: string, count: number, dueAt: Date): Promise<void>
  close(): Promise<void>
}

const openSite = async (databaseUrl: string): Promise<Site> => {
  const config = defineConfig({ notifiers: [journey], adapters: { pager: memory() } })
  const secretKey = 'a-secret-key-for-benchmarks-of-32-characters'
  const app = await createApp({ databaseUrl, config, secretKey, bus: 'memory' })
  await ensureTenant(app, TENANT)
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  const definition = definitionOf(journey)
  const workflow = JSON.stringify(definition && workflowOf(definition))
  return {
    app,
    pool,
    seed: async (name, count, dueAt) => void (await pool.query(SEED, [name, count, workflow, dueAt])),
    async close() {
      await pool.end()
      await app.close()
    },
  }
}

const databaseBeside = async (databaseUrl: string, name: string): Promise<string> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  await applyMigrations(url.href)
  return url.href
}

/** Lets some fall due, and answers how long it takes to wake each, its next delivery planned and due; in microseconds. */
const wakeDue = async ({ app, seed }: Site, round: number): Promise<number> => {
  await seed(`due-${round}`, DUE, new Date(Date.now() - 60_000))
  const wake = createWakeRuns(app)
  const start = performance.now()
  let woken = 0
  for (;;) {
    const claim = claimDue([{ lane: 'workflow', tenantId: null, places: BATCH }], { now: null, leaseMs: 30_000 })
    const { rows } = await app.db.system.query<Claim>(claim)
    if (rows.length === 0) break
    await wake(rows)
    woken += rows.length
  }
  if (woken !== DUE) throw new Error(`${woken} of ${DUE} were woken`)
  return ((performance.now() - start) / DUE) * 1_000
}

/** What a run costs that falls due among 100,000 that wait, beside one among 1,000. */
export const compareRuns = async (databaseUrl: string): Promise<readonly Comparison[]> => {
  const many = await openSite(await databaseBeside(databaseUrl, 'runs_many'))
  const few = await openSite(await databaseBeside(databaseUrl, 'runs_few'))
  const later = new Date(Date.now() + 86_400_000)
  await many.seed('waiting', MANY, later)
  await few.seed('waiting', FEW, later)
  for (const { pool } of [many, few]) await settleDatabase(pool.options.connectionString as string)
  let round = 0
  const measure = (site: Site) => () => wakeDue(site, round++)
  // The first round opens connections and makes plans.
  await measure(many)()
  await measure(few)()
  const [ours = [], limits = []] = await allInTurn(ROUNDS, measure(many), measure(few))
  await many.close()
  await few.close()
  return [
    {
      name: `a run that falls due among ${MANY.toLocaleString('en')} that wait`,
      unit: 'µs',
      ours: median(ours),
      limit: median(limits),
      beside: `among ${FEW.toLocaleString('en')}`,
      goal: 1.5,
      good: 'at most',
      ratios: ours.map((value, index) => value / (limits[index] as number)),
    },
  ]
}
