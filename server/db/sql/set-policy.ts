import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'
import type { PolicySettings } from '../../core/policy.ts'

/** Each part travels with whether it was given: `null` is a time zone too. */
const PARTS = ['timeZone', 'quietHours', 'caps'] as const

const givenMask = (given: Partial<PolicySettings>): number =>
  PARTS.reduce((bits, part, bit) => (given[part] === undefined ? bits : bits | (1 << bit)), 0)

const asJson = (list: readonly object[] | undefined): string => JSON.stringify(list ?? [])

/** Stores the parts of a recipient's policy settings that were given; the others stay. Index: policy_settings's key. */
export const setPolicy = (
  { tenantId, recipientId }: InboxKey,
  given: Partial<PolicySettings>,
  now: Date | null,
): QueryConfig => ({
  name: 'set_policy',
  text: `
insert into policy_settings as p (tenant_id, recipient_id, time_zone, quiet_hours, caps, updated_at)
values ($1, $2, $3, $4, $5, date_trunc('milliseconds', coalesce($7::timestamptz, clock_timestamp())))
on conflict (tenant_id, recipient_id) do update set
  time_zone = case when $6::int4 & 1 = 0 then p.time_zone else excluded.time_zone end,
  quiet_hours = case when $6::int4 & 2 = 0 then p.quiet_hours else excluded.quiet_hours end,
  caps = case when $6::int4 & 4 = 0 then p.caps else excluded.caps end,
  updated_at = excluded.updated_at`,
  values: [
    tenantId,
    recipientId,
    given.timeZone ?? null,
    asJson(given.quietHours),
    asJson(given.caps),
    givenMask(given),
    now,
  ],
})
