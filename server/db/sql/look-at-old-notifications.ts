import type { QueryConfig } from 'pg'
import type { Ages } from './find-old-events.ts'
import { DELIVERY_IS_HELD, NOTIFICATION_IS_HELD } from './held-history.ts'

export interface LookedAtNotificationRow {
  id: string
  event_id: string
  prunable: boolean
}

/**
 * Which notifications may go, as they stand now that they are locked: those whose inbox and all of whose deliveries this
 * transaction holds. Indexes: the keys, delivery's by notification, and those by delivery. No lock.
 */
export const lookAtOldNotifications = (
  tenantId: string,
  {
    ids,
    ages,
    recipientIds,
    deliveryIds,
  }: {
    readonly ids: readonly string[]
    readonly ages: Ages
    /** Whose inboxes are locked. */
    readonly recipientIds: readonly string[]
    /** Which deliveries are. */
    readonly deliveryIds: readonly string[]
  },
): QueryConfig => ({
  name: 'look_at_old_notifications',
  text: `
select n.id, n.event_id, n.recipient_id = any($6::text[] collate "C") and not ${NOTIFICATION_IS_HELD} and not exists (
    select from delivery v where v.tenant_id = $1 and v.notification_id = n.id and (not (v.id = any($7::uuid[])) or ${DELIVERY_IS_HELD}) offset 0
  ) as prunable
from unnest($5::uuid[]) as k (id)
cross join lateral (
  select n.id, n.event_id, n.recipient_id, n.arrival_version, n.pruned_at from notification n where n.tenant_id = $1 and n.id = k.id offset 0
) n`,
  values: [tenantId, ages.cutoff, ages.tombstones, ages.now, ids, recipientIds, deliveryIds],
})
