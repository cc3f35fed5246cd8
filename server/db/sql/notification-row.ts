import type { Notification } from '../../../generated/prisma/client.ts'

/** A notification as the pool returns it: the column names are the model's, versions come as numbers. */
export type NotificationRow = Omit<Notification, 'arrivalVersion' | 'inboxVersion'> & {
  arrivalVersion: number | null
  inboxVersion: number | null
}

/** The columns of a `NotificationRow`, of a table or subquery named `n`. */
export const NOTIFICATION_COLUMNS = `n.tenant_id as "tenantId", n.id, n.event_id as "eventId", n.recipient_id as "recipientId",
  n.notification_key as "notificationKey", n.category, n.content, n.inserted_at as "insertedAt", n.arrived_at as "arrivedAt",
  n.arrival_version as "arrivalVersion", n.seen_at as "seenAt", n.read_at as "readAt", n.archived_at as "archivedAt",
  n.snoozed_until as "snoozedUntil", n.erased_at as "erasedAt", n.pruned_at as "prunedAt", n.inbox_version as "inboxVersion"`
