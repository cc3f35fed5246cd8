import type { QueryConfig } from 'pg'
import type { IdRange } from '../../core/id-range.ts'
import { EXHAUSTED_REASON } from '../../core/outcome.ts'

/** Which deliveries are counted: those of a tenant that fit all that is not `null`. The interval is half-open. */
export interface CountedDeliveries {
  readonly tenantId: string
  readonly notificationKey: string | null
  readonly channel: string | null
  readonly insertedAfter: Date | null
  readonly insertedBefore: Date | null
}

export interface StateCountRow {
  notification_key: string
  channel: string
  status: string
  orchestration_state: string
  exhausted: boolean
  count: number
}

export interface PeriodStateCountRow extends Omit<StateCountRow, 'notification_key' | 'channel'> {
  starts_at: Date
}

/**
 * How many deliveries are in each state, by notification and channel, those that were pruned among them: of those the day
 * on which they were planned is known alone, and a day counts where its first instant, in UTC, lies within the interval,
 * so that intervals that follow each other count nothing twice and leave nothing out. Without an interval it reads every
 * delivery of the tenant, one after the other: an index for that would cost each delivery more than the odd look at the
 * counts is worth. One statement, and so one snapshot: what is pruned meanwhile is counted on one side. Index:
 * delivery's key, for an interval. No lock. Has no name, so that it is planned for the filter that is given.
 */
export const countByState = (counted: CountedDeliveries, ids: IdRange): QueryConfig => ({
  text: `
select notification_key, channel, status, orchestration_state, reason is not distinct from $6 as exhausted, sum(count)::int8 as count
from (
  select d.notification_key, d.channel, d.status, d.orchestration_state, d.suppression_reason as reason, count(*) as count
  from delivery d
  where d.tenant_id = $1 and ($2::text is null or d.notification_key = $2) and ($3::text is null or d.channel = $3)
    and ($4::timestamptz is null or d.inserted_at >= $4) and ($5::timestamptz is null or d.inserted_at < $5)
    and ($7::uuid is null or d.id >= $7) and ($8::uuid is null or d.id < $8)
  group by 1, 2, 3, 4, 5
  union all
  select o.notification_key, o.channel, o.status, 'ready', o.reason, o.count
  from daily_outcome o
  where o.tenant_id = $1 and ($2::text is null or o.notification_key = $2) and ($3::text is null or o.channel = $3)
    and ($4::timestamptz is null or o.day::timestamp at time zone 'UTC' >= $4) and ($5::timestamptz is null or o.day::timestamp at time zone 'UTC' < $5)
) one
group by 1, 2, 3, 4, 5`,
  values: [
    counted.tenantId,
    counted.notificationKey,
    counted.channel,
    counted.insertedAfter,
    counted.insertedBefore,
    EXHAUSTED_REASON,
    ids.from,
    ids.before,
  ],
})

/** An interval, cut into periods from its beginning on. */
export interface CountedPeriods extends CountedDeliveries {
  readonly insertedAfter: Date
  readonly insertedBefore: Date
  readonly periodMinutes: number
}

/**
 * How many of the deliveries that were planned in each period are in each state now. Those that were pruned are counted in
 * the period in which their day begins, in UTC: more is not known of them. Indexes: delivery's key, so that it
 * reads little more than the interval, and daily_outcome's key. No lock. Has no name, so that it is planned for the interval
 * that is given.
 */
export const countByPeriod = (counted: CountedPeriods, ids: IdRange): QueryConfig => ({
  text: `
select date_bin(make_interval(mins => $7::int4), one.at, $4::timestamptz) as starts_at, one.status, one.orchestration_state,
  one.reason is not distinct from $6 as exhausted, sum(one.count)::int8 as count
from (
  select d.inserted_at as at, d.status, d.orchestration_state, d.suppression_reason as reason, 1 as count
  from delivery d
  where d.tenant_id = $1 and ($2::text is null or d.notification_key = $2) and ($3::text is null or d.channel = $3)
    and d.inserted_at >= $4::timestamptz and d.inserted_at < $5::timestamptz
    and ($8::uuid is null or d.id >= $8) and ($9::uuid is null or d.id < $9)
  union all
  select o.day::timestamp at time zone 'UTC', o.status, 'ready', o.reason, o.count
  from daily_outcome o
  where o.tenant_id = $1 and ($2::text is null or o.notification_key = $2) and ($3::text is null or o.channel = $3)
    and o.day::timestamp at time zone 'UTC' >= $4::timestamptz and o.day::timestamp at time zone 'UTC' < $5::timestamptz
) one
group by 1, 2, 3, 4`,
  values: [
    counted.tenantId,
    counted.notificationKey,
    counted.channel,
    counted.insertedAfter,
    counted.insertedBefore,
    EXHAUSTED_REASON,
    counted.periodMinutes,
    ids.from,
    ids.before,
  ],
})
