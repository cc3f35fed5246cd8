import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { DeliveryCap } from '../../core/delivery-cap.ts'
import type { QuietHours } from '../../core/quiet-hours.ts'

export interface PolicyRow {
  tenant_id: string
  recipient_id: string
  time_zone: string | null
  quiet_hours: readonly QuietHours[]
  caps: readonly DeliveryCap[]
}

/** The policy settings of these recipients; no row where none were ever given. Index: policy_settings's key. No lock. */
export const loadPolicies = (keys: readonly InboxKey[]): QueryConfig => ({
  name: 'load_policies',
  text: `
select p.tenant_id, p.recipient_id, p.time_zone, p.quiet_hours, p.caps
from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
join policy_settings p on p.tenant_id = k.tenant_id collate "C" and p.recipient_id = k.recipient_id collate "C"`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId)],
})
