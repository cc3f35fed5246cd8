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

/** The transaction's one instant: `readClock` comes before. */
const NOW = "current_setting('carillon.now')::timestamptz"

/**
 * The deliveries that these recipients' caps count as of the transaction's instant: the newest of each, no more than the
 * cap allows and one for each further key of the recipient, since what is decided about those may be that they count no
 * more. What was handed over counts as of now at the latest: a worker that read its clock later may have committed before
 * this looks. To one that is about to be handed over, earlier ones that are due count as of now, however long they have
 * waited: they may go out in the same moment. Indexes: policy_settings' key, then delivery's (tenant_id, recipient_id,
 * position), all of the recipient's range below the position: paid by those who have a cap. No lock of its own: the inbox
 * is to be locked.
 */
export const countTowardCaps = (keys: readonly CapKey[]): QueryConfig => ({
  name: 'count_toward_caps',
  text: `
select k.ordinal::int4 - 1 as ordinal, c.number::int4 - 1 as cap, v.id, v.counts_at
from (
  select u.*, count(*) over (partition by tenant_id, recipient_id) - 1 as others
  from unnest($1::text[], $2::text[], $3::int8[]) with ordinality as u (tenant_id, recipient_id, position, ordinal)
) k
join policy_settings p on p.tenant_id = k.tenant_id collate "C" and p.recipient_id = k.recipient_id collate "C"
cross join lateral jsonb_array_elements(p.caps) with ordinality as c (cap, number)
cross join lateral (
  select d.id, counted.at as counts_at
  from delivery d cross join lateral (
    select case
      when k.position is not null and d.status in ('pending', 'failed') and coalesce(d.next_attempt_at, d.counts_at) <= ${NOW} then ${NOW}
      when d.status = 'pending' then d.counts_at
      else least(d.counts_at, ${NOW}) end as at
  ) counted
  where d.tenant_id = k.tenant_id collate "C" and d.recipient_id = k.recipient_id collate "C"
    and d.position < coalesce(k.position, 9223372036854775807) and d.counts_at is not null
    and counted.at > ${NOW} - (c.cap->>'windowMinutes')::int4 * interval '1 minute' and counted.at <= ${NOW}
    and d.status in ('pending', 'dispatched', 'failed', 'succeeded') and d.orchestration_state <> 'digest_held'
    and case when c.cap->>'channel' is null then d.channel <> 'in_app' else d.channel = c.cap->>'channel' end
    and (c.cap->>'category' is null or d.category = c.cap->>'category')
  order by counted.at desc limit (c.cap->>'limit')::int4 + k.others
) v`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId), keys.map((key) => key.position)],
})
