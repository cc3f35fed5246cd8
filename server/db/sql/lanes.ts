/** Lanes are channels and kinds of work; a name that somebody makes up for each message is no channel. */
const MOST_LANES = 200

/**
 * What stands behind `with` to make `lanes`: those lanes of the queue that have anything in them, in order, found by jumping
 * from one to the next, so that it costs no more than there are lanes. After 200 it stops. The last `lane` is `null` where
 * there are fewer. Index: due's (lane, due_at). No lock.
 */
export const LANES = `recursive lanes as (
  (select lane, 1 as place from due order by lane limit 1)
  union all
  select (select d.lane from due d where d.lane > l.lane order by d.lane limit 1), l.place + 1
  from lanes l where l.lane is not null and l.place < ${MOST_LANES}
)`
