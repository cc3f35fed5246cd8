import type { QueryConfig } from 'pg'

export interface NewSignal {
  readonly tenantId: string
  readonly id: string
  readonly name: string
  readonly recipientId: string
  readonly notificationId: string | null
  readonly payload: unknown
  readonly idempotencyKey: string | null
  readonly fingerprint: Buffer
}

export interface SignalRow {
  id: string
  name: string
  recipient_id: string
  fingerprint: Buffer
  inserted_at: Date
}

/**
 * Keeps a signal; no row where its key was used before. Of two with one key at once the second waits for the first.
 * Index: signal_idempotency_key. It comes before any lock.
 */
export const writeSignal = (signal: NewSignal, now: Date): QueryConfig => ({
  name: 'write_signal',
  text: `
insert into signal (tenant_id, id, name, recipient_id, notification_id, payload, idempotency_key, fingerprint, inserted_at)
values ($1, $2, $3, $4, $5, $6::jsonb, $7, $8, $9)
on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing
returning id, name, recipient_id, fingerprint, inserted_at`,
  values: [
    signal.tenantId,
    signal.id,
    signal.name,
    signal.recipientId,
    signal.notificationId,
    signal.payload === undefined || signal.payload === null ? null : JSON.stringify(signal.payload),
    signal.idempotencyKey,
    signal.fingerprint,
    now,
  ],
})

/** The signal that a key has made. Index: signal_idempotency_key. No lock. */
export const readSignalByKey = (tenantId: string, idempotencyKey: string): QueryConfig => ({
  name: 'read_signal_by_key',
  text: `select id, name, recipient_id, fingerprint, inserted_at from signal where tenant_id = $1 and idempotency_key = $2`,
  values: [tenantId, idempotencyKey],
})

/** Whether a notification is this recipient's. Index: notification's key. No lock. */
export const readNotificationOf = (
  { tenantId, recipientId }: { readonly tenantId: string; readonly recipientId: string },
  notificationId: string,
): QueryConfig => ({
  name: 'read_notification_of',
  text: `select id from notification where tenant_id = $1 and id = $2 and recipient_id = $3`,
  values: [tenantId, notificationId, recipientId],
})
