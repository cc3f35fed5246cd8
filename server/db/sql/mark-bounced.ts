import type { QueryConfig } from 'pg'

/** An address that a provider said takes no messages. */
export interface BouncedAddress {
  readonly tenantId: string
  readonly recipientId: string
  readonly channel: string
  readonly address: string
}

const GIVEN = 'unnest($1::text[], $2::text[], $3::text[], $4::text[]) as g (tenant_id, recipient_id, channel, address)'

/**
 * Marks addresses, so that nothing more is sent to them until they are given anew; a browser's push subscription that is
 * gone is removed. Two statements, for the recipients' own addresses and for further ones. Locks: the rows, in order of key.
 */
export const markBounced = (addresses: readonly BouncedAddress[], now: Date | null): readonly QueryConfig[] => {
  const values = [
    addresses.map((row) => row.tenantId),
    addresses.map((row) => row.recipientId),
    addresses.map((row) => row.channel),
    addresses.map((row) => row.address),
    now,
  ]
  return [
    {
      name: 'mark_bounced_recipients',
      text: `
with given as (select distinct * from ${GIVEN} where g.channel in ('email', 'sms')),
locked as materialized (
  select r.tenant_id, r.recipient_id from recipient r
  where (r.tenant_id, r.recipient_id) in (select tenant_id collate "C", recipient_id collate "C" from given)
  order by r.tenant_id, r.recipient_id for no key update of r
)
update recipient r set
  email_bounced_at = case when exists (select from given g where g.tenant_id = r.tenant_id and g.recipient_id = r.recipient_id
      and g.channel = 'email' and g.address = r.email) then coalesce($5::timestamptz, clock_timestamp()) else r.email_bounced_at end,
  phone_bounced_at = case when exists (select from given g where g.tenant_id = r.tenant_id and g.recipient_id = r.recipient_id
      and g.channel = 'sms' and g.address = r.phone) then coalesce($5::timestamptz, clock_timestamp()) else r.phone_bounced_at end
from locked l where r.tenant_id = l.tenant_id and r.recipient_id = l.recipient_id`,
      values,
    },
    {
      name: 'mark_bounced_addresses',
      text: `
with locked as materialized (
  select a.tenant_id, a.id, a.channel from recipient_address a
  join (select distinct * from ${GIVEN}) g on a.tenant_id = g.tenant_id collate "C" and a.recipient_id = g.recipient_id collate "C"
    and a.channel = g.channel collate "C" and a.address = g.address collate "C"
  order by a.tenant_id, a.id for update of a
), removed as (
  delete from recipient_address a using locked l where l.channel = 'push' and a.tenant_id = l.tenant_id and a.id = l.id
)
update recipient_address a set bounced_at = coalesce(a.bounced_at, $5::timestamptz, clock_timestamp())
from locked l where l.channel <> 'push' and a.tenant_id = l.tenant_id and a.id = l.id`,
      values,
    },
  ]
}
