import type { QueryConfig } from 'pg'

/** A range of rows that are looked at by their ids. */
export interface OldRows {
  readonly after: string
  readonly limit: number
  readonly cutoff: Date
}

export interface PrunedRowsRow {
  count: number
  /** The last that is old; null where none was. */
  last: string | null
  /** Whether all that was looked at is old, so that there may be more. */
  more: boolean
}

/**
 * Looks at a tenant's next reports that nothing came of after `after`, oldest first, and deletes those before the cutoff.
 * Index: webhook_ingress_fruitless_idx. Locks: the reports, those that somebody else holds left out.
 */
export const pruneReports = (tenantId: string, { after, limit, cutoff }: OldRows): QueryConfig => ({
  name: 'prune_reports',
  text: `
with next as materialized (
  select w.id, w.inserted_at < $4 as old from webhook_ingress w
  where w.tenant_id = $1 and w.state in ('ignored', 'failed') and w.id > $2 order by w.id limit $3
), held as materialized (
  select w.id from webhook_ingress w where w.tenant_id = $1 and w.id = any(array(select id from next where old)) order by w.id for update skip locked
), gone as (
  delete from webhook_ingress w where w.tenant_id = $1 and w.id = any(array(select id from held)) returning w.id
)
select (select count(*) from gone)::int4 as count, (select max(id::text) from next where old)::uuid as last, coalesce((select bool_and(old) from next), false) as more`,
  values: [tenantId, after, limit, cutoff],
})
