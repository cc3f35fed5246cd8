import type { QueryConfig } from 'pg'
import { LANES } from './lanes.ts'

/** The lanes that have anything in them, found by jumping from one to the next. Index: due's (lane, due_at). */
export const listLanes = (): QueryConfig => ({
  name: 'list_lanes',
  text: `
with ${LANES}
select lane from lanes where lane is not null`,
  values: [],
})
