import type { QueryConfig } from 'pg'

export interface DigestRuleRow {
  tenant_id: string
  id: string
  key: string
  version: number
  channel: string
  match_notification_key: string | null
  match_category: string | null
  group_by: string
  window_kind: string
  window_minutes: number | null
  max_window_minutes: number | null
  boundary_time: string | null
  boundary_time_zone: string | null
  max_items: number | null
  exclude_read: boolean
}

/** The columns of a rule that is called `r`. */
export const RULE_COLUMNS = `r.tenant_id, r.id, r.key, r.version, r.channel, r.match_notification_key, r.match_category, r.group_by,
  r.window_kind, r.window_minutes, r.max_window_minutes, r.boundary_time, r.boundary_time_zone, r.max_items, r.exclude_read`

/**
 * The newest version of each rule of these tenants that was not deleted; those whose key was there first come first.
 * Index: digest_rule's (tenant_id, key, version). No lock: a rule decides for what is planned after it was stored.
 */
export const readDigestRules = (tenantIds: readonly string[]): QueryConfig => ({
  name: 'read_digest_rules',
  text: `
select ${RULE_COLUMNS} from (
  select *, row_number() over (partition by tenant_id, key order by version desc) as newest,
    min(inserted_at) over (partition by tenant_id, key) as key_since
  from digest_rule where tenant_id = any($1::text[]) and deleted_at is null
) r where r.newest = 1 order by r.tenant_id, r.key_since, r.key`,
  values: [tenantIds],
})
