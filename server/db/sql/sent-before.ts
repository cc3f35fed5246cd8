/** Whether an address of the delivery `v` has accepted it, and has not sent it back. Index: delivery_attempt's by delivery. */
export const SENT_BEFORE = `exists (
    select from delivery_attempt a where a.tenant_id = v.tenant_id and a.delivery_id = v.id and a.outcome = 'succeeded' and not exists (
      select from delivery_attempt b where b.tenant_id = a.tenant_id and b.delivery_id = a.delivery_id and b.attempt_number > a.attempt_number
        and b.source = 'feedback' and b.outcome = 'bounced' and coalesce(b.address_key, a.address_key) is not distinct from a.address_key))`
