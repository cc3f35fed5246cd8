import type { QueryConfig } from 'pg'
import type { EventRow } from './load-events-by-key.ts'

export type FanOutRow = EventRow & { tries: number }

export interface AudienceRow {
  recipient_id: string
  tries: number
}

/** The next of an event's audience, those that failed least often first. Index: event_recipient's; no lock. */
export const readAudience = (
  event: { readonly tenantId: string; readonly id: string },
  limit: number,
): QueryConfig => ({
  name: 'read_audience',
  text: `
select recipient_id, tries from event_recipient where tenant_id = $1 and event_id = $2
order by tries, recipient_id limit $3`,
  values: [event.tenantId, event.id, limit],
})

/** The event of a fan-out, if its lease still holds; locks the due row, which comes after the inboxes. */
export const lockFanOut = (fanOut: {
  readonly tenantId: string
  readonly id: string
  readonly token: string
}): QueryConfig => ({
  name: 'lock_fan_out',
  text: `
select e.*, d.tries from due d join event e on e.tenant_id = d.tenant_id and e.id = d.subject_id
where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = $2 and d.lease_token = $3
for no key update of d`,
  values: [fanOut.tenantId, fanOut.id, fanOut.token],
})

/**
 * Takes planned recipients off an event's audience, notes who failed, and counts. With nobody left the event is planned
 * and leaves the queue; else its lease is renewed. Answers how many are left. The due row must be locked.
 */
export const advanceFanOut = (
  event: { readonly tenantId: string; readonly id: string },
  {
    planned,
    failed,
    gaveUp,
    now,
    leaseMs,
  }: {
    readonly planned: readonly string[]
    readonly failed: readonly string[]
    readonly gaveUp: number
    readonly now: Date
    readonly leaseMs: number
  },
): QueryConfig => ({
  name: 'advance_fan_out',
  text: `
with gone as (
  delete from event_recipient where tenant_id = $1 and event_id = $2 and recipient_id = any($3::text[])
), noted as (
  update event_recipient set tries = tries + 1 where tenant_id = $1 and event_id = $2 and recipient_id = any($4::text[])
), counted as (
  update event set planned_recipient_count = planned_recipient_count + cardinality($3::text[]),
    failed_recipient_count = failed_recipient_count + $5::int4,
    status = case when planned_recipient_count + cardinality($3::text[]) = recipient_count then 'planned' else status end
  where tenant_id = $1 and id = $2
  returning recipient_count - planned_recipient_count as remaining
), renewed as (
  update due set lease_until = $6::timestamptz + $7::int4 * interval '1 millisecond' from counted
  where counted.remaining > 0 and tenant_id = $1 and kind = 'fan_out' and subject_id = $2
), finished as (
  delete from due using counted
  where counted.remaining = 0 and tenant_id = $1 and kind = 'fan_out' and subject_id = $2
)
select remaining::int4 from counted`,
  values: [event.tenantId, event.id, planned, failed, gaveUp, now, leaseMs],
})

interface ClaimedFanOut {
  readonly tenantId: string
  readonly id: string
  readonly token: string
}

/** How often a fan-out has been put off, if its lease still holds. Index: due's key; no lock. */
export const readFanOutTries = ({ tenantId, id, token }: ClaimedFanOut): QueryConfig => ({
  name: 'read_fan_out_tries',
  text: `select tries from due where tenant_id = $1 and kind = 'fan_out' and subject_id = $2 and lease_token = $3`,
  values: [tenantId, id, token],
})

/** Puts a fan-out off that can do nothing now: only recipients are left whose notifier failed. */
export const putOffFanOut = (
  { tenantId, id, token }: ClaimedFanOut,
  { now, delayMs }: { readonly now: Date | null; readonly delayMs: number },
): QueryConfig => ({
  name: 'put_off_fan_out',
  text: `
update due set due_at = coalesce($4::timestamptz, clock_timestamp()) + $5::float8 * interval '1 millisecond',
  lease_token = null, lease_until = null, tries = tries + 1
where tenant_id = $1 and kind = 'fan_out' and subject_id = $2 and lease_token = $3`,
  values: [tenantId, id, token, now, delayMs],
})
