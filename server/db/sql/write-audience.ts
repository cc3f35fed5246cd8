import type { QueryConfig } from 'pg'

/** Someone an event concerns who is planned later. */
export interface AudienceMember {
  readonly tenantId: string
  readonly eventId: string
  readonly recipientId: string
}

/** Keeps the audience of events that are too large for one transaction, and puts their fan-out into the queue. */
export const writeAudience = (members: readonly AudienceMember[], now: Date): QueryConfig => ({
  name: 'write_audience',
  text: `
with members as (
  insert into event_recipient (tenant_id, event_id, recipient_id)
  select * from unnest($2::text[], $3::uuid[], $4::text[])
  returning tenant_id, event_id
)
insert into due (tenant_id, kind, subject_id, lane, due_at)
select distinct tenant_id, 'fan_out', event_id, 'fan_out', $1::timestamptz from members`,
  values: [
    now,
    members.map((member) => member.tenantId),
    members.map((member) => member.eventId),
    members.map((member) => member.recipientId),
  ],
})
