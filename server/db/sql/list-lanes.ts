import type { QueryConfig } from 'pg'

/** The lanes that have anything in them, found by jumping from one to the next. Index: due's (lane, due_at). */
export const listLanes = (): QueryConfig => ({
  name: 'list_lanes',
  text: `
with recursive lanes as (
  (select lane from due order by lane limit 1)
  union all
  select (select d.lane from due d where d.lane > l.lane order by d.lane limit 1) from lanes l where l.lane is not null
)
select lane from lanes where lane is not null`,
  values: [],
})
