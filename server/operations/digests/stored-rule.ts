import type { StoredRule } from '../../core/digest-bucket.ts'
import type { DigestGrouping, DigestWindow } from '../../core/digest-rule.ts'
import type { DigestRuleRow } from '../../db/sql/read-digest-rules.ts'

const windowOf = (row: DigestRuleRow): DigestWindow => {
  if (row.window_kind === 'boundary') {
    return { kind: 'boundary', time: row.boundary_time ?? '00:00', timeZone: row.boundary_time_zone }
  }
  const minutes = row.window_minutes ?? 1
  return row.window_kind === 'sliding'
    ? { kind: 'sliding', minutes, maxMinutes: row.max_window_minutes ?? minutes }
    : { kind: 'fixed', minutes }
}

/** A stored row as core knows it; the table's checks hold that each kind of window has its own columns. */
export const toStoredRule = (row: DigestRuleRow): StoredRule => ({
  id: row.id,
  key: row.key,
  version: row.version,
  channel: row.channel,
  matchNotificationKey: row.match_notification_key,
  matchCategory: row.match_category,
  groupBy: row.group_by as DigestGrouping,
  window: windowOf(row),
  maxItems: row.max_items,
  excludeRead: row.exclude_read,
})
