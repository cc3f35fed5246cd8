import type pg from 'pg'
import { storedAnswers } from '../../server/core/decision.ts'
import { ANSWERS } from './batches.ts'

const RECIPIENTS = 5_000

/** Events of one recipient and one channel each, planned and due at once, with all the rows that a trigger writes. */
const SEED = `
with made as materialized (
  select i, 'due-' || i % ${RECIPIENTS} as recipient_id, uuidv7() as event_id, uuidv7() as notification_id, uuidv7() as delivery_id
  from generate_series($3::int4 + 1, $3::int4 + $2::int4) i
), inboxes as (
  insert into inbox (tenant_id, recipient_id, position)
  select $1, recipient_id, max(i) / ${RECIPIENTS} + 1 from made group by 2
  on conflict (tenant_id, recipient_id) do update set position = excluded.position
), events as (
  insert into event (tenant_id, id, notification_key, notification_version, idempotency_key, fingerprint, payload, category, required, urgent,
    status, recipient_count, planned_recipient_count, inserted_at)
  select $1, event_id, 'bench', 1, 'due-' || i, '\\x00', jsonb_build_object('n', i, 'marker', 'due-' || i), 'bench', false, false, 'planned', 1, 1, now() from made
), notifications as (
  insert into notification (tenant_id, id, event_id, recipient_id, notification_key, category, inserted_at)
  select $1, notification_id, event_id, recipient_id, 'bench', 'bench', now() from made
), deliveries as (
  insert into delivery (tenant_id, id, notification_id, event_id, recipient_id, notification_key, category, channel, status, position, counts_at, inserted_at, updated_at)
  select $1, delivery_id, notification_id, event_id, recipient_id, 'bench', 'bench', 'pager', 'pending', i / ${RECIPIENTS} + 1, now(), now(), now() from made
), decisions as (
  insert into delivery_decision (tenant_id, id, delivery_id, checkpoint, at, answers)
  select $1, uuidv7(), delivery_id, 'planning', now(), $4::jsonb from made
)
insert into due (tenant_id, kind, subject_id, lane, due_at) select $1, 'delivery', delivery_id, 'pager', now() from made`

/** Fills the queue with `count` deliveries on the channel pager, after `before` that were made earlier. */
export const seedDue = async (
  pool: pg.Pool,
  { tenantId, count, before }: { readonly tenantId: string; readonly count: number; readonly before: number },
): Promise<void> => {
  await pool.query(SEED, [tenantId, count, before, storedAnswers(ANSWERS)])
}
