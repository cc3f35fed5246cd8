import { compare } from './compare.ts'
import type { InboxKey } from './cursor.ts'
import { derivedId } from './derived-id.ts'

/** Someone who can be notified: a person or a system, by the host's own id. */
export interface Recipient {
  /** The host's own id. */
  readonly id: string
  /** `user` where never given. */
  readonly type?: string
  readonly displayName?: string | null
  readonly email?: string | null
  readonly phone?: string | null
  /** IANA zone name, such as `Europe/Berlin`. */
  readonly timeZone?: string | null
  /** BCP 47 tag, such as `de-CH`. */
  readonly locale?: string | null
  readonly data?: unknown
  /** Added to the addresses the recipient has; at most 100. */
  readonly addresses?: readonly { readonly channel: string; readonly address: string }[]
}

/** Trims ids, keeps the first of each, leaves the actor out and sorts: the order of the input never changes the result. */
export const normaliseRecipients = (recipients: readonly Recipient[], actorId: string | null): readonly Recipient[] => {
  const byId = new Map<string, Recipient>()
  for (const recipient of recipients) {
    const id = recipient.id.trim()
    if (id !== actorId && !byId.has(id)) byId.set(id, { ...recipient, id })
  }
  return [...byId.values()].sort((a, b) => compare(a.id, b.id))
}

/**
 * The recipient as it is after details were given: what is left out stays, `null` removes. Frozen, since every function
 * of a notifier is shown the same one.
 */
export const mergeRecipient = (stored: Recipient | undefined, given: Recipient): Recipient =>
  Object.freeze({
    id: given.id,
    type: given.type ?? stored?.type ?? 'user',
    displayName: given.displayName === undefined ? (stored?.displayName ?? null) : given.displayName,
    email: given.email === undefined ? (stored?.email ?? null) : given.email,
    phone: given.phone === undefined ? (stored?.phone ?? null) : given.phone,
    timeZone: given.timeZone === undefined ? (stored?.timeZone ?? null) : given.timeZone,
    locale: given.locale === undefined ? (stored?.locale ?? null) : given.locale,
    data: (given.data === undefined ? stored?.data : given.data) ?? {},
    addresses: mergeAddresses(stored?.addresses ?? [], given.addresses ?? []),
  })

const mergeAddresses = (stored: NonNullable<Recipient['addresses']>, given: NonNullable<Recipient['addresses']>) => {
  const added = given.filter(
    ({ channel, address }) => !stored.some((known) => known.channel === channel && known.address === address),
  )
  return [...stored, ...added]
}

/** Whether nothing but the id was given, so that nothing is to be stored. */
export const isBareRecipient = (recipient: Recipient): boolean =>
  Object.entries(recipient).every(([field, value]) => field === 'id' || value === undefined)

/** How many addresses a recipient may have, its own e-mail address and phone number among them. */
export const MAX_ADDRESSES = 100

/** The channels that a recipient's own details are addresses of, and which detail each means. */
export const OWN_ADDRESSES = { email: 'email', sms: 'phone' } as const
export type OwnChannel = keyof typeof OWN_ADDRESSES

/**
 * The id of a recipient's own e-mail address or phone number among its addresses. It stays the same when the address
 * changes: it means the detail, as ids of further addresses mean a row.
 */
export const ownAddressId = ({ tenantId, recipientId }: InboxKey, channel: OwnChannel): string =>
  derivedId('own address', tenantId, recipientId, channel)

/** How an address that bounced is named among all of a recipient's, whatever channel it is of. */
export const bouncedName = (channel: string, address: string): string => `${channel}\n${address}`

/** Where a recipient can be reached on a channel: e-mail by its address, sms by its phone number, and what was added. */
export const addressesFor = (recipient: Recipient, channel: string): readonly string[] => {
  const own = Object.hasOwn(OWN_ADDRESSES, channel) ? recipient[OWN_ADDRESSES[channel as OwnChannel]] : null
  const added = (recipient.addresses ?? []).filter((entry) => entry.channel === channel).map((entry) => entry.address)
  return own ? [own, ...added.filter((address) => address !== own)] : added
}

/** Where a recipient can still be reached on a channel, and how many of its addresses no provider takes. */
export const reachFor = (
  recipient: Recipient,
  channel: string,
  bounced: ReadonlySet<string>,
): { readonly usable: readonly string[]; readonly bounced: number } => {
  const all = addressesFor(recipient, channel)
  const usable = bounced.size === 0 ? all : all.filter((address) => !bounced.has(bouncedName(channel, address)))
  return { usable, bounced: all.length - usable.length }
}
