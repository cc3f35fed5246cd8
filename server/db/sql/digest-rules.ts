import type { QueryConfig } from 'pg'
import type { DigestRule } from '../../core/digest-rule.ts'

const FIELDS =
  'match_notification_key, match_category, group_by, window_kind, window_minutes, max_window_minutes, boundary_time, boundary_time_zone, max_items, exclude_read'

/** The columns of a rule that do not name it, in the order of `FIELDS`. */
const valuesOf = ({ window, ...rule }: DigestRule) => [
  rule.matchNotificationKey,
  rule.matchCategory,
  rule.groupBy,
  window.kind,
  window.kind === 'boundary' ? null : window.minutes,
  window.kind === 'sliding' ? window.maxMinutes : null,
  window.kind === 'boundary' ? window.time : null,
  window.kind === 'boundary' ? window.timeZone : null,
  rule.maxItems,
  rule.excludeRead,
]

/** The types of a rule's columns, from the key on. */
const TYPES = 'text int4 text text text text text int4 int4 text text int4 bool'.split(' ')
/** The same, row by row, compared as the table's are. */
const BYTEWISE = `r.key collate "C" as key, r.version, r.channel collate "C" as channel, r.match_notification_key collate "C" as match_notification_key, r.match_category collate "C" as match_category, r.group_by collate "C" as group_by, r.window_kind collate "C" as window_kind, r.window_minutes, r.max_window_minutes, r.boundary_time collate "C" as boundary_time, r.boundary_time_zone collate "C" as boundary_time_zone, r.max_items, r.exclude_read`
/** The given rules of each tenant, whose lists are the parameters from this one on, behind the tenants as the first. */
const bytewiseFrom = (parameter: number): string => {
  const given = TYPES.map((type, index) => `$${parameter + index}::${type}[]`).join(', ')
  return `${BYTEWISE} from unnest($1::text[]) as t (tenant_id) cross join unnest(${given}) as r (key, version, channel, ${FIELDS})`
}
/** All of a rule but its name: as it is stored, as it conflicts with that, and as it was given. */
const STORED = `(d.channel, d.match_notification_key, d.match_category, d.group_by, d.window_kind, d.window_minutes, d.max_window_minutes, d.boundary_time, d.boundary_time_zone, d.max_items, d.exclude_read)`
const EXCLUDED = `(excluded.channel, excluded.match_notification_key, excluded.match_category, excluded.group_by, excluded.window_kind, excluded.window_minutes, excluded.max_window_minutes, excluded.boundary_time, excluded.boundary_time_zone, excluded.max_items, excluded.exclude_read)`
const WANTED = `(u.channel, u.match_notification_key, u.match_category, u.group_by, u.window_kind, u.window_minutes, u.max_window_minutes, u.boundary_time, u.boundary_time_zone, u.max_items, u.exclude_read)`

const columnsOf = (rules: readonly DigestRule[]): readonly (readonly unknown[])[] => {
  const rows = rules.map((rule) => [rule.key, rule.version, rule.channel, ...valuesOf(rule)])
  return TYPES.map((_, index) => rows.map((row) => row[index]))
}

/**
 * Lets one server at a time store the rules of its configuration: two with different ones would wait for each other's
 * rows. Locks: one advisory lock, until the end of the transaction.
 */
export const lockConfiguredRules = (): QueryConfig => ({
  name: 'lock_configured_rules',
  text: `select pg_advisory_xact_lock(72707370)`,
})

/**
 * Stores these versions of rules for these tenants, or brings those back that were deleted; what would stay as it is is
 * not written. Index: digest_rule's (tenant_id, key, version). Locks the rules that it names.
 */
export const storeDigestRules = (
  tenantIds: readonly string[],
  rules: readonly DigestRule[],
  { configured, now }: { readonly configured: boolean; readonly now: Date | null },
): QueryConfig => ({
  name: 'store_digest_rules',
  text: `
with u as (
  select t.tenant_id collate "C" as tenant_id, ${bytewiseFrom(4)}
)
insert into digest_rule as d (tenant_id, id, key, version, channel, ${FIELDS}, configured, inserted_at)
select tenant_id, gen_random_uuid(), key, version, channel, ${FIELDS}, $2, coalesce($3::timestamptz, clock_timestamp()) from u
on conflict (tenant_id, key, version) do update set
  deleted_at = case when ${STORED} is not distinct from ${EXCLUDED}
    then null else d.deleted_at end,
  configured = d.configured or excluded.configured
where (excluded.configured and not d.configured) or (d.deleted_at is not null and ${STORED} is not distinct from ${EXCLUDED})`,
  values: [tenantIds, configured, now, ...columnsOf(rules)],
})

/** How these versions are stored: `same` where all fields are these. Index: digest_rule's (tenant_id, key, version). No lock. */
export const readStoredRules = (tenantIds: readonly string[], rules: readonly DigestRule[]): QueryConfig => ({
  name: 'read_stored_rules',
  text: `
with u as (
  select t.tenant_id collate "C" as tenant_id, ${bytewiseFrom(2)}
)
select d.tenant_id, d.id, d.key, d.version, ${STORED} is not distinct from ${WANTED} as same
from u join digest_rule d on d.tenant_id = u.tenant_id and d.key = u.key and d.version = u.version`,
  values: [tenantIds, ...columnsOf(rules)],
})

export interface StoredRuleRow {
  tenant_id: string
  id: string
  key: string
  version: number
  same: boolean
}

/** Tenants that never had one of these versions. Index: digest_rule's (tenant_id, key, version). */
export const listTenantsWithoutRules = (rules: readonly DigestRule[]): QueryConfig => ({
  name: 'list_tenants_without_rules',
  text: `
select distinct t.id from tenant t cross join unnest($1::text[], $2::int4[]) as u (key, version)
where not exists (select from digest_rule d where d.tenant_id = t.id and d.key = u.key collate "C" and d.version = u.version)`,
  values: [rules.map(({ key }) => key), rules.map(({ version }) => version)],
})

/** Deletes the versions that came from the configuration and stand in it no more. */
export const dropUnconfiguredRules = (rules: readonly DigestRule[], now: Date | null): QueryConfig => ({
  name: 'drop_unconfigured_rules',
  text: `
update digest_rule d set deleted_at = coalesce($3::timestamptz, clock_timestamp()), configured = false
where d.configured and (d.key, d.version) not in (select key collate "C", version from unnest($1::text[], $2::int4[]) as u (key, version))`,
  values: [rules.map(({ key }) => key), rules.map(({ version }) => version), now],
})

/** Deletes one version; no row where there is none. Deleted again it stays as it was. */
export const deleteDigestRule = (
  { tenantId, key, version }: { readonly tenantId: string; readonly key: string; readonly version: number },
  now: Date | null,
): QueryConfig => ({
  name: 'delete_digest_rule',
  text: `
update digest_rule set deleted_at = coalesce(deleted_at, $4::timestamptz, clock_timestamp())
where tenant_id = $1 and key = $2 and version = $3 returning id`,
  values: [tenantId, key, version, now],
})
