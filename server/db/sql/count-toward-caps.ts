import type { QueryConfig } from 'pg'

/** A delivery that a cap of its recipient counts. */
export interface CountedRow {
  ordinal: number
  /** Which of the recipient's caps, from 0. */
  cap: number
  id: string
  counts_at: Date
}

/** Whose caps, and as of which place in the recipient's order: only what stands before it counts. */
export interface CapKey {
  readonly tenantId: string
  readonly recipientId: string
  /** `null`: behind everything there is. */
  readonly position: number | null
}

/**
 * The deliveries that these recipients' caps count as of the transaction's instant (`readClock` comes before): the newest
 * of each, no more than the cap allows and one for each further key of the recipient, since what is decided about those
 * may be that they count no more. `live` says that the instant is now: then what was handed over counts as of now at the
 * latest, since a worker that read its clock later may have committed before this looks. To one that is about to be
 * handed over, earlier ones that are due count as of now, however long they have waited: they may go out in the same
 * moment. Indexes: policy_settings' key, then once delivery's (tenant_id, recipient_id, position), all of the recipient's
 * range below the position: paid by those who have a cap. No lock; while planning, the inbox's is held.
 */
export const countTowardCaps = (keys: readonly CapKey[], { live }: { readonly live: boolean }): QueryConfig => ({
  name: 'count_toward_caps',
  text: `
with clock as materialized (select current_setting('carillon.now')::timestamptz as now),
capped as materialized (
  select k.*, p.caps, (select max((c->>'windowMinutes')::int4) * interval '1 minute' from jsonb_array_elements(p.caps) c) as widest
  from (
    select u.*, count(*) over (partition by tenant_id, recipient_id) - 1 as others
    from unnest($1::text[], $2::text[], $3::int8[]) with ordinality as u (tenant_id, recipient_id, position, ordinal)
  ) k
  join policy_settings p on p.tenant_id = k.tenant_id collate "C" and p.recipient_id = k.recipient_id collate "C"
  where jsonb_array_length(p.caps) > 0
), counted as materialized (
  select k.ordinal, k.caps, k.others, d.id, d.channel, d.category, a.at, clock.now
  from clock cross join capped k
  join delivery d on d.tenant_id = k.tenant_id collate "C" and d.recipient_id = k.recipient_id collate "C"
    and d.position < coalesce(k.position, 9223372036854775807)
  cross join lateral (
    select case
      when k.position is not null and d.status in ('pending', 'failed') and coalesce(d.next_attempt_at, d.counts_at) <= clock.now then clock.now
      when d.status = 'pending' or not $4 then d.counts_at
      else least(d.counts_at, clock.now) end as at
  ) a
  where d.counts_at is not null and d.status in ('pending', 'dispatched', 'failed', 'succeeded') and d.orchestration_state <> 'digest_held'
    and a.at > clock.now - k.widest and a.at <= clock.now
)
select ordinal::int4 - 1 as ordinal, number::int4 - 1 as cap, id, at as counts_at
from (
  select v.ordinal, c.number, v.id, v.at, (c.cap->>'limit')::int4 + v.others as most,
    row_number() over (partition by v.ordinal, c.number order by v.at desc) as place
  from counted v cross join lateral jsonb_array_elements(v.caps) with ordinality as c (cap, number)
  where v.at > v.now - (c.cap->>'windowMinutes')::int4 * interval '1 minute'
    and case when c.cap->>'channel' is null then v.channel <> 'in_app' else v.channel = c.cap->>'channel' end
    and (c.cap->>'category' is null or v.category = c.cap->>'category')
) ranked
where place <= most`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId), keys.map((key) => key.position), live],
})
