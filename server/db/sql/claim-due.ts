import type { QueryConfig } from 'pg'

/** A claimed piece of work: nobody else has it until its lease ends. */
export interface Claim {
  tenant_id: string
  kind: string
  lane: string
  subject_id: string
  /** The lease, and the id of the attempt it becomes. */
  token: string
}

/** Places for work of a lane: of one tenant, or of whoever's is the oldest. */
export interface Offer {
  readonly lane: string
  readonly tenantId: string | null
  readonly places: number
}

// In the order of time, like `newId()`: as the ids of attempts and decisions they are inserted at an index's end.
// PostgreSQL has uuidv7() from 18 on.
const NEW_TOKEN = `encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::int8) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid`

const NOBODY_HAS = '(due.lease_until is null or due.lease_until <= clock.now)'

const OF_ANY = `
      select due.ctid as at
      from due
      where o.tenant_id is null and due.lane = o.lane collate "C" and due.due_at <= clock.now and ${NOBODY_HAS}
      order by due.due_at limit o.places
      for no key update skip locked`

// The form of time is that of the index, which no other has.
const OF_TENANT = `
      select due.ctid as at
      from due
      where o.tenant_id is not null and due.lane = o.lane collate "C" and due.tenant_id = o.tenant_id collate "C"
        and due.due_at at time zone 'UTC' <= clock.now at time zone 'UTC' and ${NOBODY_HAS}
      order by due.due_at at time zone 'UTC' limit o.places
      for no key update skip locked`

/**
 * Claims what is due, the oldest first, as much as each offer has places for, without waiting for other workers. One
 * statement for all kinds of work: batches matter more to the speed of a job loop than anything else. `due_at` stays as it
 * is, so that the claim touches no index. Indexes: due's (lane, due_at), for one tenant's due_turn_idx. Locks: the rows claimed.
 *
 * The rows that were locked are found again by where they stand: the planner cannot know how few they are, and by their
 * keys it reads the whole queue for them. One that moved between snapshot and lock is missed, and claimed the next time.
 */
export const claimDue = (
  offers: readonly Offer[],
  { now, leaseMs }: { readonly now: Date | null; readonly leaseMs: number },
): QueryConfig => ({
  name: 'claim_due',
  text: `
with clock as materialized (select coalesce($4::timestamptz, clock_timestamp()) as now),
free as materialized (
  select d.at
  from clock, unnest($1::text[], $2::text[], $3::int4[]) as o (lane, tenant_id, places)
  cross join lateral (
    select at from (${OF_ANY}
    ) oldest
    union all
    select at from (${OF_TENANT}
    ) oldest_of_tenant
  ) d
)
update due set lease_token = ${NEW_TOKEN}, lease_until = clock.now + $5::int4 * interval '1 millisecond'
from clock
where due.ctid = any (array(select at from free))
returning due.tenant_id, due.kind, due.lane, due.subject_id, due.lease_token as token`,
  values: [
    offers.map((offer) => offer.lane),
    offers.map((offer) => offer.tenantId),
    offers.map((offer) => offer.places),
    now,
    leaseMs,
  ],
})

/** Gives claims back that were not begun. Sorted, since it waits for the rows' locks. */
export const releaseDue = (claims: readonly Claim[]): QueryConfig => ({
  name: 'release_due',
  text: `
with held as materialized (
  select d.tenant_id, d.kind, d.subject_id
  from due d join unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[]) as k (tenant_id, kind, subject_id, token)
    on d.tenant_id = k.tenant_id collate "C" and d.kind = k.kind collate "C" and d.subject_id = k.subject_id and d.lease_token = k.token
  order by d.tenant_id, d.kind, d.subject_id for no key update of d
)
update due d set lease_token = null, lease_until = null
from held h where d.tenant_id = h.tenant_id and d.kind = h.kind and d.subject_id = h.subject_id`,
  values: [
    claims.map((claim) => claim.tenant_id),
    claims.map((claim) => claim.kind),
    claims.map((claim) => claim.subject_id),
    claims.map((claim) => claim.token),
  ],
})
