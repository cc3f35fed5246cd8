import pg from 'pg'
import { planningContextOf, resultOf, storedAnswers } from '../../server/core/decision.ts'
import { plan } from '../../server/core/plan.ts'
import type { PlanFacts } from '../../server/core/plan-facts.ts'

/** At night in Berlin, and the morning after. */
const NIGHT = new Date('2026-01-15T04:00:00.000Z')
const MORNING = new Date('2026-01-15T07:00:00.000Z')

const FACTS: PlanFacts = {
  checkpoint: 'planning',
  notificationKey: 'bench',
  category: 'bench',
  channel: 'email',
  required: false,
  urgent: false,
  released: false,
  expiresAt: null,
  preferences: [{ notificationKey: null, category: 'bench', channel: null, enabled: true }],
  addresses: { needed: true, usable: 1, bounced: 0 },
  fallback: null,
  read: false,
  digest: null,
  member: null,
  caps: [{ cap: { limit: 5, windowMinutes: 1_440, channel: 'email', category: null }, counted: [] }],
  quietHours: [{ start: '22:00', end: '08:00', days: [], channels: [] }],
  zone: { timeZone: 'Europe/Berlin', zoneFrom: 'recipient' },
}

const PLANNED = plan(FACTS, NIGHT).answers
const PERFORMED = plan({ ...FACTS, checkpoint: 'perform' }, MORNING).answers

/** The ids of one delivery and of what belongs to it: in order, as real ones are in the order of time. */
const id = (kind: number, index: string): string =>
  `(lpad(to_hex(${index} / 1000), 8, '0') || '-0000-7000-800${kind}-' || lpad(to_hex(${index}), 12, '0'))::uuid`

export const deliveryId = (index: number): string => rowId(3, index)
export const eventId = (index: number): string => rowId(1, index)
export const notificationId = (index: number): string => rowId(2, index)

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0')
const rowId = (kind: number, index: number): string =>
  `${hex(Math.floor(index / 1000), 8)}-0000-7000-800${kind}-${hex(index, 12)}`

/** One in four waits for the morning still; the others were sent then. */
const STATEMENTS: readonly string[] = [
  `insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, category,
    required, urgent, status, recipient_count, planned_recipient_count, inserted_at)
  select $1, ${id(1, 'i')}, 'bench', 1, 'explained-' || i, '\\x00', '{"n": 1}', 'bench', false, false, 'planned', 1, 1, $4::timestamptz
  from generate_series($2::int, $3::int) i`,
  `insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, inserted_at)
  select $1, ${id(2, 'i')}, ${id(1, 'i')}, 'explained-' || i % 50000, 'bench', 'bench', $4::timestamptz
  from generate_series($2::int, $3::int) i`,
  `insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, category, channel, status,
    orchestration_state, planning_reason, planning_context, next_eligible_at, counts_at, render_key, render_version, position, inserted_at, updated_at)
  select $1, ${id(3, 'i')}, ${id(2, 'i')}, ${id(1, 'i')}, 'explained-' || i % 50000, 'bench', 'bench', 'email',
    case when i % 4 = 0 then 'pending' else 'succeeded' end, case when i % 4 = 0 then 'deferred' else 'ready' end,
    'quiet_hours', $6::jsonb, $5::timestamptz, $5::timestamptz, 'bench.email', 1, i, $4::timestamptz, $5::timestamptz
  from generate_series($2::int, $3::int) i`,
  `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select $1, ${id(4, 'i')}, ${id(3, 'i')}, 'planning', $4::timestamptz, $6::jsonb from generate_series($2::int, $3::int) i`,
  `insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select $1, ${id(5, 'i')}, ${id(3, 'i')}, 'perform', $5::timestamptz, $6::jsonb from generate_series($2::int, $3::int) i where i % 4 > 0`,
  `insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, adapter, address, source, started_at, inserted_at)
  select $1, ${id(5, 'i')}, ${id(3, 'i')}, 1, 'succeeded', 'smtp', 'a…@example.test', 'call', $5::timestamptz, $5::timestamptz
  from generate_series($2::int, $3::int) i where i % 4 > 0`,
  `insert into delivery_transition (tenant_id, id, delivery_id, event, context, at)
  select $1, ${id(6, 'i')}, ${id(3, 'i')}, 'resumed', $6::jsonb, $5::timestamptz
  from generate_series($2::int, $3::int) i where i % 4 > 0`,
]

const JSONS: readonly (string | null)[] = [
  null,
  null,
  JSON.stringify(planningContextOf(resultOf(PLANNED))),
  storedAnswers(PLANNED),
  storedAnswers(PERFORMED),
  null,
  JSON.stringify({ source: 'schedule', scheduledAt: MORNING.toISOString() }),
]

const CHUNK = 50_000

/** Fills a tenant with deliveries that were put off for a night, each with its event, notification, decisions, attempt and transition. */
export const seedDeliveries = async (
  databaseUrl: string,
  { tenantId, count }: { readonly tenantId: string; readonly count: number },
): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c TimeZone=UTC -c carillon.tenant=*' })
  await client.connect()
  for (let first = 1; first <= count; first += CHUNK) {
    const last = Math.min(count, first + CHUNK - 1)
    for (const [index, text] of STATEMENTS.entries()) {
      const given = [tenantId, first, last, NIGHT, MORNING, JSONS[index] ?? null]
      // Only those that the statement names: the type of another cannot be told.
      const used = [...new Set(text.match(/\$\d/g))].sort()
      const renumbered = text.replace(/\$\d/g, (name) => `$${used.indexOf(name) + 1}`)
      await client.query(
        renumbered,
        used.map((name) => given[Number(name.slice(1)) - 1]),
      )
    }
  }
  await client.end()
}
