import type { QueryConfig } from 'pg'

export interface EventRow {
  tenant_id: string
  id: string
  notification_key: string
  notification_version: number
  idempotency_key: string
  fingerprint: Buffer
  correlation_id: string | null
  actor_id: string | null
  /** With `null` for each secret field. */
  payload: unknown
  /** Whether it was given secret fields. */
  has_secrets: boolean
  /** `null` where it has no secret fields, and when they are erased. */
  sealed_payload: Buffer | null
  category: string | null
  required: boolean
  urgent: boolean
  status: string
  send_at: Date | null
  expires_at: Date | null
  topics: readonly string[]
  is_digest: boolean
  /** The span that accepted it; `null` where nothing is traced. */
  traceparent: string | null
  /** When its only recipient's data was erased, and its payload with that. */
  erased_at: Date | null
  recipient_count: number
  planned_recipient_count: number
  failed_recipient_count: number
  /** How many of those that are planned have been pruned. */
  pruned_recipient_count: number
  inserted_at: Date
}

/** The events that these idempotency keys have made. Index: event's unique (tenant_id, idempotency_key). No lock. */
export const loadEventsByKey = (
  keys: readonly { readonly tenantId: string; readonly idempotencyKey: string }[],
): QueryConfig => ({
  name: 'load_events_by_key',
  text: `
select e.*
from unnest($1::text[], $2::text[]) as k (tenant_id, idempotency_key)
join event e on e.tenant_id = k.tenant_id collate "C" and e.idempotency_key = k.idempotency_key collate "C"`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.idempotencyKey)],
})
