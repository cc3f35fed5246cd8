import type { QueryConfig } from 'pg'

export interface QueueLaneRow {
  lane: string
  due: number
  oldest_due_at: Date | null
  under_way: number
  later: number
  retrying: number
  next_due_at: Date | null
}

/**
 * A tenant's queue, lane by lane: what is due and has no worker, what a worker has, and what waits for its time. Reads the
 * tenant's part of the queue, which holds what is not finished alone, by due's key. No lock.
 */
export const readTenantQueue = (tenantId: string, now: Date | null): QueryConfig => ({
  name: 'read_tenant_queue',
  text: `
with clock as materialized (select coalesce($2::timestamptz, clock_timestamp()) as now)
select d.lane,
  count(*) filter (where d.due_at <= c.now and not d.leased) as due,
  min(d.due_at) filter (where d.due_at <= c.now and not d.leased) as oldest_due_at,
  count(*) filter (where d.leased) as under_way,
  count(*) filter (where d.due_at > c.now and not d.leased) as later,
  count(*) filter (where d.tries > 0) as retrying,
  min(d.due_at) filter (where d.due_at > c.now and not d.leased) as next_due_at
from clock c
cross join lateral (
  select lane, due_at, tries, lease_until is not null and lease_until > c.now as leased from due where tenant_id = $1
) d
group by d.lane
order by d.lane`,
  values: [tenantId, now],
})
