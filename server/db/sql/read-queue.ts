import type { QueryConfig } from 'pg'
import { LANES } from './lanes.ts'

/** How a lane of the queue stands. */
export interface QueueRow {
  kind: string
  lane: string
  /** What is due and nobody has. */
  depth: number
  /** For how long the oldest of that has been due, in seconds; `null` where there is none. */
  age: number | null
  /** What workers have. */
  leased: number
}

/** More than so much of a lane is not counted. */
export const MOST_COUNTED = 10_000

/**
 * How the queue stands, lane by lane: from each the oldest that are due, up to a bound, so that a long queue costs no
 * more than that. Index: due's (lane, due_at), from lane to lane by jumps. No lock.
 */
export const readQueue = (now: Date | null): QueryConfig => ({
  name: 'read_queue',
  text: `
with ${LANES}, clock as materialized (select coalesce($1::timestamptz, clock_timestamp()) as now)
select q.kind, l.lane,
  (count(*) filter (where q.free))::int4 as depth,
  extract(epoch from clock.now - min(q.due_at) filter (where q.free))::float8 as age,
  (count(*) filter (where not q.free))::int4 as leased
from clock, lanes l
cross join lateral (
  select d.kind, d.due_at, d.lease_until is null or d.lease_until <= clock.now as free
  from due d where d.lane = l.lane and d.due_at <= clock.now order by d.due_at limit ${MOST_COUNTED}
) q
where l.lane is not null
group by q.kind, l.lane, clock.now`,
  values: [now],
})
