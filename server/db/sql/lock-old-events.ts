import type { QueryConfig } from 'pg'

/** Of this kind there is one in the database at a time: apart from those that idempotency keys take, which are one number. */
const PRUNING = '(24517, 1)'

/** Whether this transaction is the one that prunes. Never waits. Locks: one advisory lock. */
export const tryPruning: QueryConfig = {
  name: 'try_pruning',
  text: `select pg_try_advisory_xact_lock${PRUNING} as mine`,
}

/** Locks events, those that somebody else holds left out. Index: event's key. */
export const lockOldEvents = (tenantId: string, ids: readonly string[]): QueryConfig => ({
  name: 'lock_old_events',
  text: 'select e.id from event e where e.tenant_id = $1 and e.id = any($2::uuid[]) order by e.id for update skip locked',
  values: [tenantId, ids],
})

export interface OldNotificationRow {
  id: string
  event_id: string
  recipient_id: string
}

/** The first notifications of locked events. Index: notification's (tenant_id, event_id, recipient_id). No lock. */
export const listOldNotifications = (
  tenantId: string,
  { eventIds, limit }: { readonly eventIds: readonly string[]; readonly limit: number },
): QueryConfig => ({
  name: 'list_old_notifications',
  text: `
select n.id, n.event_id, n.recipient_id from notification n
where n.tenant_id = $1 and n.event_id = any($2::uuid[]) order by n.event_id, n.recipient_id limit $3`,
  values: [tenantId, eventIds, limit],
})

/**
 * Locks the deliveries of notifications, those that somebody else holds left out. Their recipients' inboxes come before.
 * Index: delivery's by notification.
 */
export const lockOldDeliveries = (tenantId: string, notificationIds: readonly string[]): QueryConfig => ({
  name: 'lock_old_deliveries',
  text: `
select v.id from delivery v where v.tenant_id = $1 and v.notification_id = any($2::uuid[])
order by v.id for update skip locked`,
  values: [tenantId, notificationIds],
})
