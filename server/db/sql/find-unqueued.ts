import type { QueryConfig } from 'pg'

export interface UnqueuedRow {
  readonly kind: 'delivery' | 'event'
  readonly id: string
}

/**
 * What should be in the queue and is not, among the newest deliveries and events of each tenant: nothing, ever. Indexes:
 * the keys of delivery, event and due. No lock.
 */
export const findUnqueued = (newest: number): QueryConfig => ({
  text: `
select 'delivery' as kind, v.id::text as id from tenant t cross join lateral (
  select * from delivery where tenant_id = t.id order by id desc limit $1) v
where v.status in ('pending', 'failed', 'dispatched') and not v.awaits_operator and v.orchestration_state <> 'digest_held'
  and not exists (select from due d where (d.tenant_id, d.kind, d.subject_id) = (v.tenant_id, 'delivery', v.id))
union all
select 'event', e.id::text from tenant t cross join lateral (
  select * from event where tenant_id = t.id order by id desc limit $1) e
where e.status in ('scheduled', 'planning')
  and not exists (select from due d where (d.tenant_id, d.kind, d.subject_id) = (e.tenant_id, 'fan_out', e.id))
limit 100`,
  values: [newest],
})
