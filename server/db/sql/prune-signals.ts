import type { QueryConfig } from 'pg'
import type { OldRows } from './prune-reports.ts'

/**
 * Looks at a tenant's next signals after `after`, oldest first, and deletes those before the cutoff, but for recipients
 * with a workflow that still moves. Indexes: signal's key, whose ids are in the order of time, workflow_run_live_recipient_idx.
 * Locks: the recipients' inboxes, those that somebody else holds left out.
 *
 * It looks for workflows before it has the locks, and that is safe: a signal moves runs in the transaction that writes it,
 * and so never one that begins later; and of one that has ended since, the signal merely stays until the next time.
 */
export const pruneSignals = (tenantId: string, { after, limit, cutoff }: OldRows): QueryConfig => ({
  name: 'prune_signals',
  text: `
with next as materialized (
  select s.id, s.recipient_id, s.inserted_at < $4 as old from signal s where s.tenant_id = $1 and s.id > $2 order by s.id limit $3
), held as materialized (
  select i.recipient_id from inbox i where i.tenant_id = $1 and i.recipient_id = any(array(
    select n.recipient_id from next n where n.old and not exists (
      select from workflow_run r where r.tenant_id = $1 and r.recipient_id = n.recipient_id and r.state in ('active', 'waiting') offset 0)
  )) order by i.recipient_id for no key update of i skip locked
), gone as (
  delete from signal s
  where s.tenant_id = $1 and s.id = any(array(select n.id from next n join held h on h.recipient_id = n.recipient_id where n.old)) returning s.id
)
select (select count(*) from gone)::int4 as count, (select max(id::text) from next where old)::uuid as last, coalesce((select bool_and(old) from next), false) as more`,
  values: [tenantId, after, limit, cutoff],
})
