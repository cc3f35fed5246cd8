import type { QueryConfig } from 'pg'
import { LANES } from './lanes.ts'

export interface QueueAgeRow {
  readonly lane: string
  /** How long the oldest that nobody has waits already, in seconds; negative until it is due. */
  readonly seconds: number
}

/**
 * The oldest of each lane that no worker has, found by jumping from one lane to the next. Index: due's (lane, due_at),
 * along which those under way are passed over. No lock.
 */
export const readQueueAges = (): QueryConfig => ({
  text: `
with ${LANES}
select l.lane, extract(epoch from clock_timestamp() - d.due_at)::float8 as seconds
from lanes l cross join lateral (
  select due_at from due where lane = l.lane and (lease_until is null or lease_until < clock_timestamp())
  order by due_at limit 1) d
where l.lane is not null`,
})
