import type { QueryConfig } from 'pg'
import type { EventRow } from './load-events-by-key.ts'
import type { FanOutLane } from './write-audience.ts'

export type FanOutRow = EventRow & { tries: number }

export interface AudienceRow {
  recipient_id: string
  tries: number
}

/** The next of an event's audience in order of id, without those who failed too often for this round. Index: event_recipient's key; no lock. */
export const readAudience = (
  event: { readonly tenantId: string; readonly id: string },
  { after, round, limit }: { readonly after: string | null; readonly round: number; readonly limit: number },
): QueryConfig => ({
  name: 'read_audience',
  text: `
select recipient_id, tries from event_recipient
where tenant_id = $1 and event_id = $2 and recipient_id > coalesce($3::text, '') collate "C" and tries <= $4
order by recipient_id limit $5`,
  values: [event.tenantId, event.id, after, round, limit],
})

/** Begins to plan a scheduled event whose due row is locked and whose whole audience is written. No row where it was cancelled. */
export const beginScheduled = (
  event: { readonly tenantId: string; readonly id: string },
  recipientCount: number,
): QueryConfig => ({
  name: 'begin_scheduled',
  text: `update event set status = 'planning', recipient_count = $3 where tenant_id = $1 and id = $2 and status = 'scheduled' returning id`,
  values: [event.tenantId, event.id, recipientCount],
})

/** Sends a fan-out that is too large for its lane to the one of large ones, and gives up its lease. The due row must be locked. */
export const moveFanOut = (
  event: { readonly tenantId: string; readonly id: string },
  lane: FanOutLane,
): QueryConfig => ({
  name: 'move_fan_out',
  text: `
update due set lane = $3, lease_token = null, lease_until = null
where tenant_id = $1 and kind = 'fan_out' and subject_id = $2`,
  values: [event.tenantId, event.id, lane],
})

interface ClaimedFanOut {
  readonly tenantId: string
  readonly id: string
  readonly token: string
}

/** The event of a fan-out and how often it was put off, if its lease still holds. Indexes: the keys; no lock. */
export const readFanOut = ({ tenantId, id, token }: ClaimedFanOut): QueryConfig => ({
  name: 'read_fan_out',
  text: `
select e.*, d.tries from due d join event e on e.tenant_id = d.tenant_id and e.id = d.subject_id
where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = $2 and d.lease_token = $3`,
  values: [tenantId, id, token],
})

export interface FanOutStatusRow {
  status: string
}

/** Whether a fan-out is still its claimer's: no row where its lease was lost. Indexes: the keys; no lock. */
export const checkFanOut = ({ tenantId, id, token }: ClaimedFanOut): QueryConfig => ({
  name: 'check_fan_out',
  text: `
select e.status from due d join event e on e.tenant_id = d.tenant_id and e.id = d.subject_id
where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = $2 and d.lease_token = $3`,
  values: [tenantId, id, token],
})

/** Locks a fan-out's event and then its due row, in the order in which a cancellation does. No row where its lease was lost. */
export const lockFanOut = ({ tenantId, id, token }: ClaimedFanOut): readonly QueryConfig[] => [
  {
    name: 'lock_fan_out_event',
    text: 'select status from event where tenant_id = $1 and id = $2 for no key update',
    values: [tenantId, id],
  },
  {
    name: 'lock_fan_out',
    text: `
select e.status from due d join event e on e.tenant_id = d.tenant_id and e.id = d.subject_id
where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = $2 and d.lease_token = $3
for no key update of d`,
    values: [tenantId, id, token],
  },
]

/**
 * Takes planned recipients off an event's audience, notes who failed, and counts. With nobody left the event is planned
 * and leaves the queue. Answers how many are left, and no row where the event was cancelled or its lease lost: then the
 * chunk is to be rolled back. Comes last, since it locks the event, which the next chunk waits for.
 */
export const advanceFanOut = (
  { tenantId, id, token }: ClaimedFanOut,
  {
    planned,
    failed,
    gaveUp,
  }: {
    readonly planned: readonly string[]
    readonly failed: readonly string[]
    readonly gaveUp: number
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
  where tenant_id = $1 and id = $2 and status = 'planning'
    and exists (select from due d where d.tenant_id = $1 and d.kind = 'fan_out' and d.subject_id = $2 and d.lease_token = $6)
  returning recipient_count - planned_recipient_count as remaining
), finished as (
  delete from due using counted
  where counted.remaining = 0 and tenant_id = $1 and kind = 'fan_out' and subject_id = $2
)
select remaining::int4 from counted`,
  values: [tenantId, id, planned, failed, gaveUp, token],
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
