import type { QueryConfig } from 'pg'
import { DELIVERY_IS_HELD, NOTIFICATION_IS_HELD } from './held-history.ts'

export interface OldEventRow {
  id: string
  /** How many of its notifications are left. */
  rest: number
  /** Whether it was accepted before the cutoff; later ones follow from the first that was not. */
  old: boolean
  /** Whether it and all that came of it is over since before the cutoff. */
  over: boolean
}

/** What decides whether something is old enough: the cutoff, that of what has left an inbox, and now, for caps. */
export interface Ages {
  readonly cutoff: Date
  readonly tombstones: Date
  readonly now: Date
}

/**
 * A tenant's next events after `after`, oldest first, and of each whether it can be pruned: so many, of so many
 * recipients in all, but one at least. Indexes: event's key, whose ids are in the order of time; the others by event and
 * by delivery. No lock.
 */
export const findOldEvents = (
  tenantId: string,
  { after, ages, events, recipients }: { after: string; ages: Ages; events: number; recipients: number },
): QueryConfig => ({
  name: 'find_old_events',
  text: `
select e.id, e.rest, e.old, case when e.old then
    e.status in ('planned', 'cancelled') and e.sealed_payload is null and coalesce(e.send_at, e.inserted_at) < $2
    and not exists (select from delivery v where v.tenant_id = $1 and v.event_id = e.id and ${DELIVERY_IS_HELD} offset 0)
    and not exists (select from notification n where n.tenant_id = $1 and n.event_id = e.id and ${NOTIFICATION_IS_HELD} offset 0)
  else false end as over
from (
  select f.*, sum(f.rest) over (order by f.id) - f.rest as before
  from (
    select id, status, sealed_payload, send_at, inserted_at, inserted_at < $2 as old,
      planned_recipient_count - pruned_recipient_count as rest
    from event where tenant_id = $1 and id > $5 order by id limit $6
  ) f
) e
where e.before < $7
order by e.id`,
  values: [tenantId, ages.cutoff, ages.tombstones, ages.now, after, events, recipients],
})
