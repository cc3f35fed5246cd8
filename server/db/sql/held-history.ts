/*
 * What may not be pruned yet. Both conditions stand in statements whose parameters are $1 the tenant, $2 the instant
 * before which what is pruned was over, $3 the one before which it must have left the inbox, and $4 now. `offset 0` keeps each question to its
 * key, row by row: the planner would read the whole of a table that it believes to be small.
 */

/**
 * A delivery `v` that is not over, or not for long enough; of which a report waits; that a digest holds which is not pruned
 * itself; or that a cap counts yet. Indexes: by delivery, digest_bucket's and policy_settings's keys.
 */
export const DELIVERY_IS_HELD = `(
  v.status not in ('succeeded', 'suppressed', 'cancelled', 'digested') or v.updated_at >= $2
  or exists (select from webhook_ingress w where w.tenant_id = $1 and w.delivery_id = v.id and w.state = 'queued' offset 0)
  or exists (
    select from digest_membership m
    cross join lateral (select b.state, b.digest_delivery_id from digest_bucket b where b.tenant_id = $1 and b.id = m.bucket_id offset 0) b
    where m.tenant_id = $1 and m.delivery_id = v.id and (b.state = 'open' or b.digest_delivery_id is not null) offset 0
  )
  or exists (
    select from policy_settings p
    cross join lateral jsonb_array_elements(p.caps) c
    where p.tenant_id = $1 and p.recipient_id = v.recipient_id
      and v.counts_at > $4::timestamptz - (c ->> 'windowMinutes')::int4 * interval '1 minute' offset 0
  )
)`

/** A notification `n` in an inbox, or that has left it just now, or whose workflow still moves, or did lately. Index: workflow_run's key. */
export const NOTIFICATION_IS_HELD = `(
  n.arrival_version is not null or coalesce(n.pruned_at >= $3, false)
  or exists (select from workflow_run r where r.tenant_id = $1 and r.id = n.id and (r.state in ('active', 'waiting') or r.last_transition_at >= $2) offset 0)
)`
