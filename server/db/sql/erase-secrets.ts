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

/** Whether nothing of an event `e` is left to be sent, now or by a workflow. Indexes: delivery_tenant_id_event_id_idx, workflow_run_live_event_idx. */
const IS_SPENT = `e.status in ('planned', 'cancelled') and not exists (
    select from delivery v where v.tenant_id = e.tenant_id and v.event_id = e.id and v.status in ('pending', 'failed', 'dispatched')
  ) and not exists (
    select from workflow_run r where r.tenant_id = e.tenant_id and r.event_id = e.id and r.state in ('active', 'waiting')
  ) and not exists (
    select from delivery v
    cross join lateral (select m.bucket_id from digest_membership m where m.tenant_id = v.tenant_id and m.delivery_id = v.id offset 0) m
    cross join lateral (select b.digest_delivery_id from digest_bucket b where b.tenant_id = v.tenant_id and b.id = m.bucket_id offset 0) b
    cross join lateral (select w.status from delivery w where w.tenant_id = v.tenant_id and w.id = b.digest_delivery_id offset 0) w
    where v.tenant_id = e.tenant_id and v.event_id = e.id and v.status = 'digested' and w.status in ('pending', 'failed', 'dispatched')
  )`

export type LookedAtRow = SealedEventRow & {
  /** Whether nothing is left to be sent. */
  spent: boolean
}

/**
 * The next events with secret fields, in order of key, and of each whether it needs them no more: so many events, of so
 * many recipients in all, but one at least. Indexes: event_sealed_idx in its order, delivery_tenant_id_event_id_idx. No lock.
 */
export const lookForSpent = (
  after: EventKey | null,
  most: { readonly events: number; readonly recipients: number },
): QueryConfig => ({
  name: 'look_for_spent',
  text: `
select e.tenant_id, e.id, ${IS_SPENT} as spent
from (
  select n.*, sum(n.recipient_count) over (order by n.tenant_id, n.id) - n.recipient_count as before
  from (
    select tenant_id, id, status, recipient_count from event
    where sealed_payload is not null and (tenant_id, id) > ($1::text collate "C", $2::uuid)
    order by tenant_id, id limit $3
  ) n
) e
where e.before < $4
order by e.tenant_id, e.id`,
  values: [after?.tenantId ?? '', after?.id ?? '00000000-0000-0000-0000-000000000000', most.events, most.recipients],
})

/**
 * Erases the secret fields of events of which nothing is left to be sent, by a digest that holds it either. The events
 * must be locked, by an earlier statement: whoever lets a delivery go on again holds that lock, and this one sees what
 * they have done. Indexes: delivery's by event, and the keys.
 */
export const eraseSecrets = (events: readonly EventKey[]): QueryConfig => ({
  name: 'erase_secrets',
  text: `
update event e set sealed_payload = null
from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
where e.tenant_id = k.tenant_id collate "C" and e.id = k.id and e.sealed_payload is not null
  and ${IS_SPENT}
returning e.tenant_id, e.id`,
  values: [events.map((event) => event.tenantId), events.map((event) => event.id)],
})

/** Keeps an event's secret fields, where it still has them, until this transaction ends. It comes after the deliveries. */
export const holdSecrets = ({ tenantId, id }: EventKey): QueryConfig => ({
  name: 'hold_secrets',
  text: `select sealed_payload is not null as sealed from event where tenant_id = $1 and id = $2 for share`,
  values: [tenantId, id],
})

/** The same for all that went into a digest, by its delivery's id; no row for what never had secret fields. */
export const holdSecretsOfDigest = ({ tenantId, id }: EventKey): QueryConfig => ({
  name: 'hold_secrets_of_digest',
  text: `
select e.sealed_payload is not null as sealed from event e
where e.tenant_id = $1 and e.has_secrets and e.id in (
  select v.event_id from digest_bucket b
  cross join lateral (
    select m.delivery_id from digest_membership m where m.tenant_id = $1 and m.bucket_id = b.id and m.resolution = 'included' offset 0
  ) m
  cross join lateral (select v.event_id from delivery v where v.tenant_id = $1 and v.id = m.delivery_id offset 0) v
  where b.tenant_id = $1 and b.digest_delivery_id = $2
)
order by e.id for share of e`,
  values: [tenantId, id],
})
