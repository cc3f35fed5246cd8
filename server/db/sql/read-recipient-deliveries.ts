import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface RecipientDeliveriesRow {
  /** Whether anything at all is stored of the recipient. */
  known: boolean
  /** When the latest event was accepted of which anything was pruned. */
  pruned_up_to: Date | null
  /** Newest first. */
  delivery_ids: string[]
}

/**
 * The newest deliveries of a notification to a recipient, those planned `since` then; one row always. Indexes: delivery's
 * (tenant_id, recipient_id, position), backwards, all of the recipient's range where there are few; daily_events's key. No
 * lock.
 */
export const readRecipientDeliveries = (
  { tenantId, recipientId }: InboxKey,
  {
    notificationKey,
    since,
    limit,
  }: { readonly notificationKey: string; readonly since: Date | null; readonly limit: number },
): QueryConfig => ({
  name: 'read_recipient_deliveries',
  text: `
select exists (select from recipient where tenant_id = $1 and recipient_id = $2)
    or exists (select from inbox where tenant_id = $1 and recipient_id = $2) as known,
  (select d.latest_at from daily_events d where d.tenant_id = $1 and d.notification_key = $3 order by d.day desc limit 1) as pruned_up_to,
  array(
    select d.id from delivery d
    where d.tenant_id = $1 and d.recipient_id = $2 and d.notification_key = $3
      and ($4::timestamptz is null or d.inserted_at >= $4)
    order by d.position desc limit $5
  ) as delivery_ids`,
  values: [tenantId, recipientId, notificationKey, since, limit],
})
