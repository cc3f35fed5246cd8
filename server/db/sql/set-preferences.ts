import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { Preference } from '../../core/preference.ts'

/** A preference to store; `enabled: null` forgets it. Each combination at most once in a list. */
export type PreferenceChange = Omit<Preference, 'enabled'> & { readonly enabled: boolean | null }

/** Stores and forgets preferences of one recipient in one statement, in order of key. Index: preference's key. */
export const setPreferences = (
  { tenantId, recipientId }: InboxKey,
  changes: readonly PreferenceChange[],
  now: Date | null,
): QueryConfig => ({
  name: 'set_preferences',
  text: `
with changes as (
  select * from unnest($3::text[], $4::text[], $5::text[], $6::bool[]) as u (notification_key, category, channel, enabled)
), forgotten as (
  delete from preference p using changes c
  where c.enabled is null and p.tenant_id = $1 and p.recipient_id = $2
    and p.notification_key = c.notification_key and p.category = c.category and p.channel = c.channel
)
insert into preference (tenant_id, recipient_id, notification_key, category, channel, enabled, updated_at)
select $1, $2, notification_key, category, channel, enabled, date_trunc('milliseconds', coalesce($7::timestamptz, clock_timestamp()))
from changes where enabled is not null
order by notification_key collate "C", category collate "C", channel collate "C"
on conflict (tenant_id, recipient_id, notification_key, category, channel)
do update set enabled = excluded.enabled, updated_at = excluded.updated_at`,
  values: [
    tenantId,
    recipientId,
    changes.map((change) => change.notificationKey ?? ''),
    changes.map((change) => change.category ?? ''),
    changes.map((change) => change.channel ?? ''),
    changes.map((change) => change.enabled),
    now,
  ],
})

/** How many preferences a recipient has set. Index: preference's key. */
export const countPreferences = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'count_preferences',
  text: 'select count(*) as count from preference where tenant_id = $1 and recipient_id = $2',
  values: [tenantId, recipientId],
})
