import type { QueryConfig } from 'pg'

export interface EventKey {
  readonly tenantId: string
  readonly id: string
}

export interface SealedEventRow {
  tenant_id: string
  id: string
}

/**
 * Locks those of these events that have secret fields yet, in order of key, without waiting: what somebody else holds is
 * found by the sweep. Index: event_sealed_idx.
 */
export const lockSealed = (events: readonly EventKey[]): QueryConfig => ({
  name: 'lock_sealed',
  text: `
select e.tenant_id, e.id from event e
where (e.tenant_id, e.id) in (select tenant_id collate "C", id from unnest($1::text[], $2::uuid[]) as k (tenant_id, id))
  and e.sealed_payload is not null
order by e.tenant_id, e.id for no key update skip locked`,
  values: [events.map((event) => event.tenantId), events.map((event) => event.id)],
})

/** Locks the next events with secret fields whose planning is over, without waiting. Index: event_sealed_idx. */
export const lockNextSealed = (after: EventKey | null, limit: number): QueryConfig => ({
  name: 'lock_next_sealed',
  text: `
select e.tenant_id, e.id from event e
where e.sealed_payload is not null and e.status in ('planned', 'cancelled')
  and ($1::text is null or (e.tenant_id, e.id) > ($1::text collate "C", $2::uuid))
order by e.tenant_id, e.id limit $3 for no key update skip locked`,
  values: [after?.tenantId ?? null, after?.id ?? null, limit],
})

/**
 * Erases the secret fields of events of which nothing is left to be sent. The events must be locked, by an earlier
 * statement: whoever lets a delivery go on again holds that lock, and this one sees what they have done.
 */
export const eraseSecrets = (events: readonly EventKey[]): QueryConfig => ({
  name: 'erase_secrets',
  text: `
update event e set sealed_payload = null
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
where e.tenant_id = k.tenant_id collate "C" and e.id = k.id and e.sealed_payload is not null
  and e.status in ('planned', 'cancelled')
  and not exists (
    select from delivery v where v.tenant_id = e.tenant_id and v.event_id = e.id and v.status in ('pending', 'failed', 'dispatched')
  )
returning e.tenant_id, e.id`,
  values: [events.map((event) => event.tenantId), events.map((event) => event.id)],
})

/** Keeps an event's secret fields, where it still has them, until this transaction ends. It comes after the deliveries. */
export const holdSecrets = ({ tenantId, id }: EventKey): QueryConfig => ({
  name: 'hold_secrets',
  text: `select sealed_payload is not null as sealed from event where tenant_id = $1 and id = $2 for share`,
  values: [tenantId, id],
})
