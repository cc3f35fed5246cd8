import type { QueryConfig } from 'pg'
import type { Delivery } from '../../../generated/prisma/client.ts'
import type { DeliveryStatus, OrchestrationState } from '../../core/delivery.ts'

/** Which deliveries somebody follows: those that fit all that is not `null`. */
export interface TailFilter {
  readonly recipientId: string | null
  readonly eventId: string | null
  readonly notificationId: string | null
  readonly notificationKey: string | null
  readonly channel: string | null
  readonly status: readonly DeliveryStatus[] | null
  readonly orchestrationState: readonly OrchestrationState[] | null
  readonly suppressionReason: string | null
  readonly correlationId: string | null
  readonly awaitsOperator: boolean | null
  readonly insertedAfter: Date | null
  readonly insertedBefore: Date | null
}

/** Some of the deliveries that changed, for one that follows them. */
export interface TailRead {
  readonly tenantId: string
  readonly filter: TailFilter
  readonly ids: readonly string[]
}

/** A delivery as the pool returns it: the column names are the model's, its position comes as a number. */
export type TailedRow = Omit<Delivery, 'position'> & { position: number }

/**
 * The present state of deliveries by id, for several that follow them at once, each with its own filter. `ordinal` says
 * for which, counted from 1. Index: delivery's key, and event's for its correlation id; no lock.
 */
export const readTailedDeliveries = (reads: readonly TailRead[]): QueryConfig => ({
  name: 'read_tailed_deliveries',
  text: `
select t.ordinal::int4, v.tenant_id as "tenantId", v.id, v.notification_id as "notificationId", v.event_id as "eventId",
  v.recipient_id as "recipientId", v.notification_key as "notificationKey", v.category, v.channel, v.step_key as "stepKey",
  v.status, v.orchestration_state as "orchestrationState", v.planning_reason as "planningReason",
  v.planning_context as "planningContext", v.suppression_reason as "suppressionReason",
  v.next_eligible_at as "nextEligibleAt", v.next_attempt_at as "nextAttemptAt", v.expires_at as "expiresAt",
  v.counts_at as "countsAt", v.fallback, v.released, v.in_run as "inRun",
  v.put_off_by as "putOffBy", v.awaits_operator as "awaitsOperator", v.render_key as "renderKey",
  v.render_version as "renderVersion", v.position, v.inserted_at as "insertedAt", v.updated_at as "updatedAt"
from unnest($1::int4[], $2::uuid[]) with ordinality as w (tail, id, place)
join unnest($3::text[], $4::jsonb[]) with ordinality as t (tenant_id, filter, ordinal) on t.ordinal = w.tail
join delivery v on v.tenant_id = t.tenant_id collate "C" and v.id = w.id
cross join lateral jsonb_to_record(t.filter) as f ("recipientId" text, "eventId" uuid, "notificationId" uuid,
  "notificationKey" text, channel text, status text[], "orchestrationState" text[], "suppressionReason" text,
  "correlationId" text, "awaitsOperator" bool, "insertedAfter" timestamptz, "insertedBefore" timestamptz)
where (f."recipientId" is null or v.recipient_id = f."recipientId" collate "C")
  and (f."eventId" is null or v.event_id = f."eventId")
  and (f."notificationId" is null or v.notification_id = f."notificationId")
  and (f."notificationKey" is null or v.notification_key = f."notificationKey" collate "C")
  and (f.channel is null or v.channel = f.channel collate "C")
  and (f.status is null or v.status = any (f.status))
  and (f."orchestrationState" is null or v.orchestration_state = any (f."orchestrationState"))
  and (f."suppressionReason" is null or v.suppression_reason = f."suppressionReason" collate "C")
  and (f."awaitsOperator" is null or v.awaits_operator = f."awaitsOperator")
  and (f."insertedAfter" is null or v.inserted_at >= f."insertedAfter")
  and (f."insertedBefore" is null or v.inserted_at < f."insertedBefore")
  and (f."correlationId" is null or exists (
    select from event e where e.tenant_id = v.tenant_id and e.id = v.event_id and e.correlation_id = f."correlationId" collate "C"
  ))
order by t.ordinal, w.place`,
  values: [
    reads.flatMap(({ ids }, index) => ids.map(() => index + 1)),
    reads.flatMap(({ ids }) => ids),
    reads.map(({ tenantId }) => tenantId),
    reads.map(({ filter }) => JSON.stringify(filter)),
  ],
})
