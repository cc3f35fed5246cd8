import type { QueryConfig } from 'pg'
import type { InboxKey } from '../../core/cursor.ts'

/** Where a recipient is reached on a channel. */
export interface AddressValue {
  readonly channel: string
  readonly address: string
}

export interface OwnAddressesRow {
  email: string | null
  phone: string | null
}

/** Locks one recipient, whose addresses are about to change. No row where it is missing. Index: the key. */
export const lockRecipient = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'lock_recipient',
  text: 'select email, phone from recipient where tenant_id = $1 and recipient_id = $2 for no key update',
  values: [tenantId, recipientId],
})

/** One of a recipient's further addresses. Index: recipient_address's key. No lock. */
export const readAddress = ({ tenantId, recipientId }: InboxKey, id: string): QueryConfig => ({
  name: 'read_address',
  text: 'select channel, address from recipient_address where tenant_id = $1 and id = $3 and recipient_id = $2',
  values: [tenantId, recipientId, id],
})

/**
 * Adds an address where the recipient does not have it, and makes it good again where it has. Answers `new_id` where it
 * is new. The recipient must be locked. Index: recipient_address's unique key.
 */
export const registerAddress = (
  { tenantId, recipientId }: InboxKey,
  { channel, address }: AddressValue,
  { id, now }: { readonly id: string; readonly now: Date },
): QueryConfig => ({
  name: 'register_address',
  text: `
with own as (
  update recipient set updated_at = $6::timestamptz,
    email_bounced_at = case when $3 = 'email' then null else email_bounced_at end,
    phone_bounced_at = case when $3 = 'sms' then null else phone_bounced_at end
  where tenant_id = $1 and recipient_id = $2 and (($3 = 'email' and email = $4) or ($3 = 'sms' and phone = $4))
  returning 1
), further as (
  update recipient_address set bounced_at = null
  where tenant_id = $1 and recipient_id = $2 and channel = $3 and address = $4
  returning 1
)
insert into recipient_address (tenant_id, id, recipient_id, channel, address, inserted_at)
select $1, $5::uuid, $2, $3, $4, $6::timestamptz
where not exists (select from own) and not exists (select from further)
on conflict do nothing
returning id as new_id`,
  values: [tenantId, recipientId, channel, address, id, now],
})

/** How many addresses a recipient has, its own ones among them. Index: recipient_address's unique key. */
export const countAddresses = ({ tenantId, recipientId }: InboxKey): QueryConfig => ({
  name: 'count_addresses',
  text: `
select num_nonnulls(r.email, r.phone) + (
  select count(*) from recipient_address a where a.tenant_id = r.tenant_id and a.recipient_id = r.recipient_id)::int as count
from recipient r where r.tenant_id = $1 and r.recipient_id = $2`,
  values: [tenantId, recipientId],
})

/**
 * Takes an address away from a recipient, its own e-mail address or phone number too; nothing happens where it has no
 * such address. The recipient must be locked. Index: recipient_address's unique key.
 */
export const removeAddress = (
  { tenantId, recipientId }: InboxKey,
  { channel, address }: AddressValue,
  now: Date,
): QueryConfig => ({
  name: 'remove_address',
  text: `
with own as (
  update recipient set updated_at = $5::timestamptz,
    email = case when $3 = 'email' then null else email end, email_bounced_at = case when $3 = 'email' then null else email_bounced_at end,
    phone = case when $3 = 'sms' then null else phone end, phone_bounced_at = case when $3 = 'sms' then null else phone_bounced_at end
  where tenant_id = $1 and recipient_id = $2 and (($3 = 'email' and email = $4) or ($3 = 'sms' and phone = $4))
)
delete from recipient_address where tenant_id = $1 and recipient_id = $2 and channel = $3 and address = $4`,
  values: [tenantId, recipientId, channel, address, now],
})
