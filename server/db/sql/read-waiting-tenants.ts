import type { QueryConfig } from 'pg'

/** A tenant that has something in a lane. */
export interface WaitingTenantRow {
  lane: string
  tenant_id: string
  /** Whether some of it is due, and nobody has it. */
  waits: boolean
}

/** No more tenants of a lane are looked at in one go. */
export const MOST_TENANTS = 256

const FIRST = `
      select d.tenant_id from due d where d.lane = l.lane collate "C"
      order by d.tenant_id, d.due_at at time zone 'UTC' limit 1`
const NEXT = `
      select d.tenant_id from due d where d.lane = l.lane collate "C" and d.tenant_id > r.tenant_id collate "C"
      order by d.tenant_id, d.due_at at time zone 'UTC' limit 1`

/**
 * The tenants of each lane in a ring, from the one that follows a given one on, found by jumping from one to the next: it
 * costs no more than there are tenants, however long the queue is. Index: due_turn_idx, whose form of time no other has. No
 * lock.
 */
export const readWaitingTenants = (after: ReadonlyMap<string, string>, now: Date | null): QueryConfig => ({
  name: 'read_waiting_tenants',
  text: `
with clock as materialized (select coalesce($3::timestamptz, clock_timestamp()) as now)
select l.lane, t.tenant_id, (
    select true from due d
    where d.lane = l.lane collate "C" and d.tenant_id = t.tenant_id and d.due_at at time zone 'UTC' <= clock.now at time zone 'UTC'
      and (d.lease_until is null or d.lease_until <= clock.now)
    order by d.due_at at time zone 'UTC' limit 1
  ) is not null as waits
from clock, unnest($1::text[], $2::text[]) as l (lane, after)
cross join lateral (
  with recursive ring as (
    select n.tenant_id, n.tenant_id as began, 1 as place
    from (select l.after as tenant_id) r cross join lateral (select coalesce((${NEXT}), (${FIRST})) as tenant_id) n
    union all
    select n.tenant_id, r.began, r.place + 1
    from ring r cross join lateral (select coalesce((${NEXT}), (${FIRST})) as tenant_id) n
    where n.tenant_id <> r.began and r.place < ${MOST_TENANTS}
  )
  select tenant_id, place from ring where tenant_id is not null
) t
order by l.lane, t.place`,
  values: [[...after.keys()], [...after.values()], now],
})
