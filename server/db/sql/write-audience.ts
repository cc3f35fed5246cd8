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

/** An event whose topics are read now. */
export interface TopicEvent {
  readonly tenantId: string
  readonly id: string
  readonly topics: readonly string[]
  /** Who is left out. */
  readonly actorId: string | null
}

export interface AudienceCountRow {
  id: string
  count: number
}

/**
 * Adds the subscribers of events' topics to their audiences, and answers how many each has then, those from before
 * included. Indexes: topic's unique key, the keys. No lock.
 */
export const addSubscribers = (events: readonly TopicEvent[]): QueryConfig => {
  const wanted = events.flatMap(({ topics }, place) => topics.map((topic) => ({ place: place + 1, topic })))
  return {
    name: 'add_subscribers',
    text: `
with events as (
  select * from unnest($1::text[], $2::uuid[], $3::text[]) with ordinality as u (tenant_id, id, actor_id, place)
), added as (
  insert into event_recipient (tenant_id, event_id, recipient_id)
  select distinct t.tenant_id, e.id, s.recipient_id
  from events e join unnest($4::int8[], $5::text[]) as w (place, topic) on w.place = e.place
  join topic t on t.tenant_id = e.tenant_id collate "C" and t.key = w.topic collate "C"
  join topic_subscription s on s.tenant_id = t.tenant_id and s.topic_id = t.id
  where s.recipient_id is distinct from e.actor_id collate "C"
  on conflict do nothing returning event_id
)
select e.id, (coalesce(n.count, 0) + (
  select count(*) from event_recipient r where r.tenant_id = e.tenant_id collate "C" and r.event_id = e.id))::int4 as count
from events e left join (select event_id, count(*) from added group by event_id) n on n.event_id = e.id`,
    values: [
      events.map(({ tenantId }) => tenantId),
      events.map(({ id }) => id),
      events.map(({ actorId }) => actorId),
      wanted.map(({ place }) => place),
      wanted.map(({ topic }) => topic),
    ],
  }
}

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
