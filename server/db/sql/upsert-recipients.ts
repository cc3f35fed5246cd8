import type { QueryConfig } from 'pg'
import type { Recipient } from '../../core/recipient.ts'

/** A recipient with the details that somebody gave; each recipient at most once in a list. */
export interface GivenRecipient {
  readonly tenantId: string
  readonly given: Recipient
}

const keysOf = (recipients: readonly GivenRecipient[]) => [
  recipients.map(({ tenantId }) => tenantId),
  recipients.map(({ given }) => given.id),
]

/** Makes the recipients that are missing, without details. Sorted, so that two of these cannot wait for each other. */
export const ensureRecipients = (recipients: readonly GivenRecipient[], now: Date): QueryConfig => ({
  name: 'ensure_recipients',
  text: `
insert into recipient (tenant_id, recipient_id, inserted_at, updated_at)
select tenant_id, recipient_id, $3::timestamptz, $3::timestamptz
from unnest($1::text[], $2::text[]) as k (tenant_id, recipient_id)
order by tenant_id collate "C", recipient_id collate "C"
on conflict do nothing`,
  values: [...keysOf(recipients), now],
})

/** Left out (undefined): unchanged. `null`: removed. So each detail travels with whether it was given. */
const DETAILS = ['type', 'displayName', 'email', 'phone', 'timeZone', 'locale', 'data'] as const

const givenMask = (given: Recipient): number =>
  DETAILS.reduce((bits, detail, bit) => (given[detail] === undefined ? bits : bits | (1 << bit)), 0)

const orNull = (value: unknown): unknown => value ?? null

/** Stores the details given, as of `now`; the rows must exist (`ensureRecipients`). Locks: the rows, in order of key. */
export const updateRecipients = (recipients: readonly GivenRecipient[], now: Date): QueryConfig => ({
  name: 'update_recipients',
  text: `
with given as (
  select * from unnest($1::text[], $2::text[], $4::int4[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::jsonb[])
    as u (tenant_id, recipient_id, mask, type, display_name, email, phone, time_zone, locale, data)
), locked as materialized (
  select r.tenant_id, r.recipient_id
  from recipient r join given g on r.tenant_id = g.tenant_id collate "C" and r.recipient_id = g.recipient_id collate "C"
  order by r.tenant_id, r.recipient_id for no key update of r
)
update recipient r set
  type = case when g.mask & 1 = 0 then r.type else coalesce(g.type, 'user') end,
  display_name = case when g.mask & 2 = 0 then r.display_name else g.display_name end,
  email_bounced_at = case when g.mask & 4 <> 0 and g.email is distinct from r.email then null else r.email_bounced_at end,
  phone_bounced_at = case when g.mask & 8 <> 0 and g.phone is distinct from r.phone then null else r.phone_bounced_at end,
  email = case when g.mask & 4 = 0 then r.email else g.email end,
  phone = case when g.mask & 8 = 0 then r.phone else g.phone end,
  time_zone = case when g.mask & 16 = 0 then r.time_zone else g.time_zone end,
  locale = case when g.mask & 32 = 0 then r.locale else g.locale end,
  data = case when g.mask & 64 = 0 then r.data else coalesce(g.data, '{}') end,
  updated_at = $3::timestamptz
from locked l join given g on l.tenant_id = g.tenant_id collate "C" and l.recipient_id = g.recipient_id collate "C"
where r.tenant_id = l.tenant_id and r.recipient_id = l.recipient_id`,
  values: [
    ...keysOf(recipients),
    now,
    recipients.map(({ given }) => givenMask(given)),
    ...(['type', 'displayName', 'email', 'phone', 'timeZone', 'locale'] as const).map((detail) =>
      recipients.map(({ given }) => orNull(given[detail])),
    ),
    recipients.map(({ given }) => (given.data == null ? null : JSON.stringify(given.data))),
  ],
})

/** An address that somebody gave for a recipient. */
export interface GivenAddress {
  readonly tenantId: string
  /** Its row's id, where it is new. */
  readonly id: string
  readonly recipientId: string
  readonly channel: string
  readonly address: string
}

const addressValues = (addresses: readonly GivenAddress[]) => [
  addresses.map((row) => row.tenantId),
  addresses.map((row) => row.id),
  addresses.map((row) => row.recipientId),
  addresses.map((row) => row.channel),
  addresses.map((row) => row.address),
]

/** Adds addresses to those the recipients have; those they have stay as they are. Sorted; index: recipient_address's unique key. */
export const addAddresses = (addresses: readonly GivenAddress[], now: Date): QueryConfig => ({
  name: 'add_addresses',
  text: `
insert into recipient_address (tenant_id, id, recipient_id, channel, address, inserted_at)
select u.*, $6::timestamptz from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as u (tenant_id, id, recipient_id, channel, address)
order by u.tenant_id collate "C", u.recipient_id collate "C", u.channel collate "C", u.address collate "C"
on conflict do nothing`,
  values: [...addressValues(addresses), now],
})

/**
 * Makes addresses good again that bounced and are given anew, the recipients' own ones among them, whose rows must be
 * locked (`updateRecipients`). Indexes: the keys.
 */
export const renewAddresses = (addresses: readonly GivenAddress[]): QueryConfig => ({
  name: 'renew_addresses',
  text: `
with given as (
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as u (tenant_id, id, recipient_id, channel, address)
), locked as materialized (
  select a.tenant_id, a.id from recipient_address a
  join given g on a.tenant_id = g.tenant_id collate "C" and a.recipient_id = g.recipient_id collate "C"
    and a.channel = g.channel collate "C" and a.address = g.address collate "C"
  where a.bounced_at is not null order by a.tenant_id, a.id for no key update of a
), further as (
  update recipient_address a set bounced_at = null from locked l where a.tenant_id = l.tenant_id and a.id = l.id
)
update recipient r set
  email_bounced_at = case when exists (select from given g where g.tenant_id = r.tenant_id and g.recipient_id = r.recipient_id
    and g.channel = 'email' and g.address = r.email) then null else r.email_bounced_at end,
  phone_bounced_at = case when exists (select from given g where g.tenant_id = r.tenant_id and g.recipient_id = r.recipient_id
    and g.channel = 'sms' and g.address = r.phone) then null else r.phone_bounced_at end
where (r.tenant_id, r.recipient_id) in (select tenant_id collate "C", recipient_id collate "C" from given)
  and num_nonnulls(r.email_bounced_at, r.phone_bounced_at) > 0`,
  values: addressValues(addresses),
})

/** A recipient that has too many addresses. */
export interface CrowdedRow {
  tenant_id: string
  recipient_id: string
}

/** Recipients of these new rows that have more than `most` addresses now. Indexes: recipient_address's keys. No lock. */
export const findTooMany = (addresses: readonly GivenAddress[], most: number): QueryConfig => ({
  name: 'find_too_many_addresses',
  text: `
select distinct a.tenant_id, a.recipient_id from unnest($1::text[], $2::uuid[]) as k (tenant_id, id)
join recipient_address a on a.tenant_id = k.tenant_id collate "C" and a.id = k.id
join recipient r on r.tenant_id = a.tenant_id and r.recipient_id = a.recipient_id
where num_nonnulls(r.email, r.phone) + (
  select count(*) from recipient_address b where b.tenant_id = a.tenant_id and b.recipient_id = a.recipient_id) > $3::int4`,
  values: [...addressValues(addresses).slice(0, 2), most],
})
