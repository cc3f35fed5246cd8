import type { QueryConfig } from 'pg'
import { LANES } from './lanes.ts'
import { MOST_COUNTED } from './read-queue.ts'

export interface QueueLaneRow {
  lane: string
  due: number
  oldest_due_at: Date | null
  under_way: number
  later: number
  retrying: number
  next_due_at: Date | null
}

/** Of which a tenant has more than are counted. */
const ONE_MORE = MOST_COUNTED + 1
/** How far into a lane the rows of one tenant are looked for among those of others. */
const MOST_PASSED = 10 * MOST_COUNTED

/**
 * A tenant's queue, lane by lane: what is due and has no worker, what a worker has, and what waits for its time. Of a tenant
 * with more than a bound, the first of each lane, in the order of their time, up to that bound, so that a long queue costs
 * no more. Indexes: due's key; for a long queue due's (lane, due_at). No lock. Asks for the lanes of all tenants: for the
 * system's connections.
 */
export const readTenantQueue = (tenantId: string, now: Date | null): QueryConfig => ({
  name: 'read_tenant_queue',
  text: `
with ${LANES}, clock as materialized (select coalesce($2::timestamptz, clock_timestamp()) as now),
own as materialized (select lane, due_at, tries, lease_until from due where tenant_id = $1 limit ${ONE_MORE}),
length as materialized (select count(*) > ${MOST_COUNTED} as long from own),
counted as (
  select * from own where not (select long from length)
  union all
  select q.lane, q.due_at, q.tries, q.lease_until
  from lanes l
  cross join lateral (
    select * from (select * from due where lane = l.lane order by due_at limit ${MOST_PASSED}) passed
    where passed.tenant_id = $1 order by passed.due_at limit ${MOST_COUNTED}
  ) q
  where l.lane is not null and (select long from length)
)
select d.lane,
  count(*) filter (where d.due_at <= c.now and not d.leased) as due,
  min(d.due_at) filter (where d.due_at <= c.now and not d.leased) as oldest_due_at,
  count(*) filter (where d.leased) as under_way,
  count(*) filter (where d.due_at > c.now and not d.leased) as later,
  count(*) filter (where d.tries > 0) as retrying,
  min(d.due_at) filter (where d.due_at > c.now and not d.leased) as next_due_at
from clock c
cross join lateral (
  select lane, due_at, tries, lease_until is not null and lease_until > c.now as leased from counted
) d
group by d.lane
order by d.lane`,
  values: [tenantId, now],
})
