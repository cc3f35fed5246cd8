import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

export interface RecipientRow {
  tenant_id: string
  recipient_id: string
  type: string
  display_name: string | null
  email: string | null
  phone: string | null
  time_zone: string | null
  locale: string | null
  data: unknown
  addresses: { channel: string; address: string; bounced: boolean }[]
  email_bounced: boolean
  phone_bounced: boolean
}

/** Recipients with their further addresses; those that were never stored are missing. Indexes: the keys. No lock. */
export const loadRecipients = (keys: readonly InboxKey[]): QueryConfig => ({
  name: 'load_recipients',
  text: `
select r.tenant_id, r.recipient_id, r.type, r.display_name, r.email, r.phone, r.time_zone, r.locale, r.data,
  r.email_bounced_at is not null as email_bounced, r.phone_bounced_at is not null as phone_bounced,
  coalesce(
    (select jsonb_agg(jsonb_build_object('channel', a.channel, 'address', a.address, 'bounced', a.bounced_at is not null) order by a.id)
     from recipient_address a where a.tenant_id = r.tenant_id and a.recipient_id = r.recipient_id),
    '[]') as addresses
from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
join recipient r on r.tenant_id = k.tenant_id collate "C" and r.recipient_id = k.recipient_id collate "C"`,
  values: [keys.map((key) => key.tenantId), keys.map((key) => key.recipientId)],
})
