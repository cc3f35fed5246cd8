import type { QueryConfig } from 'pg'

/** Someone an event concerns who is planned later. */
export interface AudienceMember {
  readonly tenantId: string
  readonly eventId: string
  readonly recipientId: string
}

/** Keeps the audience of events that are not planned in their trigger. */
export const writeAudience = (members: readonly AudienceMember[]): QueryConfig => ({
  name: 'write_audience',
  text: `
insert into event_recipient (tenant_id, event_id, recipient_id)
select * from unnest($1::text[], $2::uuid[], $3::text[])`,
  values: [
    members.map((member) => member.tenantId),
    members.map((member) => member.eventId),
    members.map((member) => member.recipientId),
  ],
})

/**
 * Adds the subscribers of an event's topics to its audience, and answers how many it has then, those from before
 * included. Indexes: topic's unique key, the keys. No lock.
 */
export const addSubscribers = (
  event: { readonly tenantId: string; readonly id: string },
  { topics, actorId }: { readonly topics: readonly string[]; readonly actorId: string | null },
): QueryConfig => ({
  name: 'add_subscribers',
  text: `
with added as (
  insert into event_recipient (tenant_id, event_id, recipient_id)
  select distinct $1, $2::uuid, s.recipient_id
  from topic t join topic_subscription s on s.tenant_id = t.tenant_id and s.topic_id = t.id
  where t.tenant_id = $1 and t.key = any($3::text[]) and s.recipient_id is distinct from $4::text collate "C"
  on conflict do nothing returning 1
)
select ((select count(*) from added) + (select count(*) from event_recipient where tenant_id = $1 and event_id = $2::uuid))::int4 as count`,
  values: [event.tenantId, event.id, topics, actorId],
})

/** Puts the planning of events into the queue. */
export const queueFanOuts = (
  events: readonly {
    readonly tenantId: string
    readonly id: string
    readonly lane: FanOutLane
    readonly dueAt: Date
  }[],
): QueryConfig => ({
  name: 'queue_fan_outs',
  text: `
insert into due (tenant_id, kind, subject_id, lane, due_at)
select tenant_id, 'fan_out', id, lane, due_at from unnest($1::text[], $2::uuid[], $3::text[], $4::timestamptz[]) as u (tenant_id, id, lane, due_at)`,
  values: [
    events.map((event) => event.tenantId),
    events.map((event) => event.id),
    events.map((event) => event.lane),
    events.map((event) => event.dueAt),
  ],
})

/** Events that wait for their time, and events with large audiences, do not wait for each other. */
export const FAN_OUT_LANES = ['fan_out', 'scheduled'] as const
export type FanOutLane = (typeof FAN_OUT_LANES)[number]
