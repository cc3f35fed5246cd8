import type { QueryConfig } from 'pg'
import { attemptValues, type SettledDelivery } from './settle-deliveries.ts'

/**
 * Records calls whose delivery its provider's report has ended while they were under way: what they answered is history,
 * and moves nothing. Which template had made what was handed over is noted all the same. Answers the ids of those
 * deliveries. Indexes: the keys. Locks: the deliveries, in order of key.
 */
export const recordOvertaken = (rows: readonly SettledDelivery[], now: Date | null): QueryConfig => {
  return {
    name: 'record_overtaken',
    text: `
with clock as materialized (select date_trunc('milliseconds', coalesce($4::timestamptz, clock_timestamp())) as now),
overtaken as materialized (
  select v.tenant_id, v.id, k.render_key, k.render_version
  from unnest($1::text[], $2::uuid[], $3::uuid[], $16::text[], $17::int4[]) as k (tenant_id, id, token, render_key, render_version)
  join delivery v on v.tenant_id = k.tenant_id collate "C" and v.id = k.id and v.status in ('succeeded', 'cancelled')
  join delivery_decision c on c.tenant_id = v.tenant_id and c.delivery_id = v.id and c.id = k.token
  where not exists (select from delivery_attempt a where a.tenant_id = v.tenant_id and a.id = k.token)
    and not exists (select from due d where d.tenant_id = v.tenant_id and d.kind = 'delivery' and d.subject_id = v.id)
  order by v.tenant_id, v.id for no key update of v
), attempts as (
  insert into delivery_attempt (tenant_id, id, delivery_id, attempt_number, outcome, error_class, adapter, provider_message_id,
    reason, address, address_key, source, started_at, inserted_at)
  select o.tenant_id, a.id, o.id,
    a.place + (select coalesce(max(b.attempt_number), 0) from delivery_attempt b where b.tenant_id = o.tenant_id and b.delivery_id = o.id),
    a.outcome, a.error_class, a.adapter, a.provider_message_id, a.reason, a.address, a.address_key, 'call', a.started_at, clock.now
  from clock, overtaken o join unnest($5::uuid[], $6::uuid[], $7::int4[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[])
    as a (delivery_id, id, place, outcome, error_class, adapter, provider_message_id, reason, address, address_key, started_at) on a.delivery_id = o.id
), deliveries as (
  update delivery v set render_key = o.render_key, render_version = o.render_version
  from overtaken o where o.render_key is not null and v.tenant_id = o.tenant_id and v.id = o.id
)
select id from overtaken`,
    values: [
      rows.map((row) => row.tenantId),
      rows.map((row) => row.id),
      rows.map((row) => row.token),
      now,
      ...attemptValues(rows),
      rows.map((row) => row.renderKey),
      rows.map((row) => row.renderVersion),
    ],
  }
}
