import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface PreferenceRow {
  tenant_id: string
  recipient_id: string
  notification_key: string
  category: string
  channel: string
  enabled: boolean
}

/** All that these recipients have set. Index: preference's key. No lock. */
export const loadPreferences = (keys: readonly InboxKey[]): QueryConfig => ({
  name: 'load_preferences',
  text: `
select p.tenant_id, p.recipient_id, p.notification_key, p.category, p.channel, p.enabled
from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
join preference p on p.tenant_id = k.tenant_id collate "C" and p.recipient_id = k.recipient_id collate "C"`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId)],
})
