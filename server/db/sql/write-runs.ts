import type { QueryConfig } from 'pg'
import { listOnce } from '../../core/list-once.ts'
import { signalsOf, type WorkflowDefinition } from '../../core/workflow/definition.ts'
import type { Run, RunTransition } from '../../core/workflow/run.ts'

/** Runs wait in one lane: what wakes them is a matter of the database alone. */
export const WORKFLOW_LANE = 'workflow'

export interface RunKey {
  readonly tenantId: string
  /** The notification's. */
  readonly id: string
}

/** A move of a run, ready to be recorded. */
export interface NewMove extends RunTransition {
  readonly id: string
}

/** A run as it is after what was done with it. */
export interface MovedRun extends RunKey {
  readonly run: Run
  readonly moves: readonly NewMove[]
  /** How many transitions it had before. */
  readonly transitionCount: number
  /** Its event's: a wait ends then at the latest. */
  readonly expiresAt: Date | null
}

/** What of a chosen channel a step's delivery is planned by later, whatever the code says then. */
export interface RunChannel {
  readonly renderKey: string
  readonly renderVersion: number
  /** In milliseconds; `null` where it is no fallback. */
  readonly fallbackMs: number | null
  /** That it is to be held for a digest, and by which key; `null` where it is not. */
  readonly digest: { readonly key: string | null } | null
}

/** A run that its trigger begins. */
export interface NewRun extends MovedRun {
  readonly eventId: string
  readonly recipientId: string
  readonly definition: WorkflowDefinition
  readonly channels: Readonly<Record<string, RunChannel>>
}

/** The columns of a run that its moves change, from parameter 2 on: tenant, id, and the rest. */
const MOVING = `
  select * from unnest($2::text[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::timestamptz[], $9::jsonb[], $10::jsonb[], $11::jsonb[],
    $12::int4[], $13::bool[], $14::timestamptz[])
    as u (tenant_id, id, state, step_key, delivery_id, status_reason, waiting_until, waiting_for, heard, told, transition_count, moved, due_at)`

const movingValues = (runs: readonly MovedRun[]): readonly unknown[] => [
  runs.map((row) => row.tenantId),
  runs.map((row) => row.id),
  runs.map(({ run }) => run.state),
  runs.map(({ run }) => run.stepKey),
  runs.map(({ run }) => run.deliveryId),
  runs.map(({ run }) => run.statusReason),
  runs.map(({ run }) => run.waitingUntil),
  runs.map(({ run }) => JSON.stringify(run.waitingFor)),
  runs.map(({ run }) => JSON.stringify(run.heard)),
  runs.map(({ run }) => JSON.stringify(run.told)),
  runs.map(({ transitionCount, moves }) => transitionCount + moves.length),
  runs.map(({ moves }) => moves.length > 0),
  runs.map(({ run, expiresAt }) =>
    run.waitingUntil && expiresAt && expiresAt < run.waitingUntil ? expiresAt : run.waitingUntil,
  ),
]

/** The moves themselves, from parameter 15 on. */
const MOVES = `
  insert into workflow_transition (tenant_id, id, run_id, number, from_state, to_state, step_key, delivery_id, reason, context, inserted_at)
  select u.*, $1::timestamptz from unnest($15::text[], $16::uuid[], $17::uuid[], $18::int4[], $19::text[], $20::text[], $21::text[], $22::uuid[], $23::text[], $24::jsonb[]) as u`

const moveValues = (runs: readonly MovedRun[]): readonly unknown[] => {
  const all = runs.flatMap(({ tenantId, id: runId, transitionCount, moves }) =>
    moves.map((move, index) => ({ ...move, tenantId, runId, number: transitionCount + index + 1 })),
  )
  return [
    all.map((row) => row.tenantId),
    all.map((row) => row.id),
    all.map((row) => row.runId),
    all.map((row) => row.number),
    all.map((row) => row.fromState),
    all.map((row) => row.toState),
    all.map((row) => row.stepKey),
    all.map((row) => row.deliveryId),
    all.map((row) => row.reason),
    all.map((row) => JSON.stringify(row.context)),
  ]
}

/**
 * Begins runs, as of `now`, with their first moves, and has those woken that wait. Their definitions are stored where
 * they are not yet. It comes after the notifications and deliveries of the same triggers.
 */
export const createRuns = (runs: readonly NewRun[], now: Date): QueryConfig => {
  const definitions = [
    ...new Map(
      runs.map(({ tenantId, definition }) => [
        JSON.stringify([tenantId, definition.key, definition.version]),
        { tenantId, definition },
      ]),
    ),
  ]
    // In one order: whoever else stores the same waits, and never for each other.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, one]) => one)
  const listens = listOnce(runs.map(({ definition }) => JSON.stringify(signalsOf(definition))))
  return {
    name: 'create_runs',
    text: `
with moving as (${MOVING}
), definitions as (
  insert into workflow_definition (tenant_id, key, version, definition, inserted_at)
  select u.*, $1::timestamptz from unnest($25::text[], $26::text[], $27::int4[], $28::jsonb[]) as u on conflict do nothing
), runs as (
  insert into workflow_run (tenant_id, id, event_id, recipient_id, workflow_key, workflow_version, conditions, channels, listens,
    state, step_key, delivery_id, status_reason, waiting_until, waiting_for, heard, told, transition_count, started_at, last_transition_at)
  select m.tenant_id, m.id, u.event_id, u.recipient_id, u.workflow_key, u.workflow_version, u.conditions, u.channels,
    array(select jsonb_array_elements_text($36::jsonb -> u.listens)),
    m.state, m.step_key, m.delivery_id, m.status_reason, m.waiting_until, array(select jsonb_array_elements_text(m.waiting_for)), m.heard,
    array(select jsonb_array_elements_text(m.told)), m.transition_count, $1::timestamptz, $1::timestamptz
  from moving m join unnest($3::uuid[], $29::uuid[], $30::text[], $31::text[], $32::int4[], $33::jsonb[], $34::jsonb[], $35::int4[])
    as u (id, event_id, recipient_id, workflow_key, workflow_version, conditions, channels, listens) on u.id = m.id
), moves as (${MOVES}
)
insert into due (tenant_id, kind, subject_id, lane, due_at)
select tenant_id, 'workflow', id, 'workflow', due_at from moving where state = 'waiting'`,
    values: [
      now,
      ...movingValues(runs),
      ...moveValues(runs),
      definitions.map(({ tenantId }) => tenantId),
      definitions.map(({ definition }) => definition.key),
      definitions.map(({ definition }) => definition.version),
      definitions.map(({ definition }) => JSON.stringify(definition)),
      runs.map((row) => row.eventId),
      runs.map((row) => row.recipientId),
      runs.map(({ definition }) => definition.key),
      runs.map(({ definition }) => definition.version),
      runs.map(({ run }) => JSON.stringify(run.conditions)),
      runs.map(({ channels }) => JSON.stringify(channels)),
      listens.places,
      listens.list,
    ],
  }
}

/**
 * Stores where runs have come to, as of `now`, with their moves, and their places in the queue: those that wait are due
 * when the wait is over, the others not at all. Their rows must be locked (`lockRuns`). Indexes: the keys.
 */
export const moveRuns = (runs: readonly MovedRun[], now: Date): QueryConfig => ({
  name: 'move_runs',
  text: `
with moving as (${MOVING}
), runs as (
  update workflow_run r set state = m.state, step_key = m.step_key, delivery_id = m.delivery_id, status_reason = m.status_reason,
    waiting_until = m.waiting_until, waiting_for = array(select jsonb_array_elements_text(m.waiting_for)), heard = m.heard,
    told = array(select jsonb_array_elements_text(m.told)), transition_count = m.transition_count,
    last_transition_at = case when m.moved then $1::timestamptz else r.last_transition_at end
  from moving m where r.tenant_id = m.tenant_id collate "C" and r.id = m.id
), moves as (${MOVES}
), woken as (
  delete from due d using moving m
  where m.state <> 'waiting' and d.tenant_id = m.tenant_id collate "C" and d.kind = 'workflow' and d.subject_id = m.id
)
insert into due (tenant_id, kind, subject_id, lane, due_at)
select tenant_id, 'workflow', id, 'workflow', due_at from moving where state = 'waiting'
on conflict (tenant_id, kind, subject_id) do update set due_at = excluded.due_at, lease_token = null, lease_until = null`,
  values: [now, ...movingValues(runs), ...moveValues(runs)],
})
