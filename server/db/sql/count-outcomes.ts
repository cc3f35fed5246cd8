import type { QueryConfig } from 'pg'
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

/**
 * How many deliveries are in each state, by notification and channel. Reads every delivery of the tenant, one after the
 * other: an index for it would cost each delivery more than the odd look at the counts is worth. No lock. Has no name, so
 * that it is planned for the filter that is given.
 */
export const countByState = (counted: CountedDeliveries): QueryConfig => ({
  text: `
select d.notification_key, d.channel, d.status, d.orchestration_state,
  d.suppression_reason is not distinct from $6 as exhausted, count(*) as count
from delivery d
where d.tenant_id = $1 and ($2::text is null or d.notification_key = $2) and ($3::text is null or d.channel = $3)
  and ($4::timestamptz is null or d.inserted_at >= $4) and ($5::timestamptz is null or d.inserted_at < $5)
group by 1, 2, 3, 4, 5`,
  values: [
    counted.tenantId,
    counted.notificationKey,
    counted.channel,
    counted.insertedAfter,
    counted.insertedBefore,
    EXHAUSTED_REASON,
  ],
})
