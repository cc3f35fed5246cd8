/**
 * What became of each of a delivery's addresses, calls and reports, oldest first, as a list of `Tried`: an aggregate over
 * the attempts `a` of the delivery `v`. Where an operator had it tried again, since then, and before that what an address
 * accepted and has not sent back.
 */
export const TRIED = `coalesce(jsonb_agg(jsonb_build_object('key', a.address_key, 'outcome', a.outcome, 'source', a.source)
    order by a.attempt_number) filter (where not v.released or a.inserted_at > coalesce((
      select max(t.at) from delivery_transition t where t.tenant_id = v.tenant_id and t.delivery_id = v.id and t.event = 'retried'), '-infinity')
    or (a.outcome = 'succeeded' and not exists (
      select from delivery_attempt b where b.tenant_id = a.tenant_id and b.delivery_id = a.delivery_id and b.attempt_number > a.attempt_number
        and b.source = 'feedback' and b.outcome = 'bounced' and coalesce(b.address_key, a.address_key) is not distinct from a.address_key))), '[]')`
