import type { InboxKey } from '../core/cursor.ts'
import { idOfType } from '../core/node-id.ts'
import { parsePushSubscription } from '../core/push-subscription.ts'
import { MAX_ADDRESSES, OWN_ADDRESSES, type OwnChannel, ownAddressId } from '../core/recipient.ts'
import { addressFault } from '../core/trigger-request.ts'
import {
  type AddressValue,
  countAddresses,
  lockRecipient,
  type OwnAddressesRow,
  readAddress,
  registerAddress as register,
  removeAddress as remove,
} from '../db/sql/change-addresses.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { ensureRecipients } from '../db/sql/upsert-recipients.ts'
import { asTenant, type Transaction } from '../db/transaction.ts'
import { badInput, CarillonError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Capabilities } from './capabilities.ts'

/** Which address a caller means: by what it is, or by its id. */
export interface AddressRequest {
  readonly channel?: string | null | undefined
  readonly address?: string | null | undefined
  readonly addressId?: string | null | undefined
}

/** Either of the two ways to name an address, checked. */
type NamedAddress = AddressValue | { readonly id: string | null }

const namedBy = ({ channel, address, addressId }: AddressRequest): NamedAddress => {
  if ((address == null) === (addressId == null)) throw badInput('Give exactly one of address and addressId', ['input'])
  if (addressId != null) {
    if (channel != null)
      throw badInput('channel goes with address: an addressId is of one channel', ['input', 'channel'])
    return { id: idOfType('RecipientAddress', addressId) }
  }
  if (channel == null) throw badInput('Say of which channel the address is: channel is missing', ['input', 'channel'])
  const fault = addressFault({ channel, address }, ['input'])
  if (fault) throw badInput(`${fault.path.slice(1).join('.')} ${fault.message}`, fault.path)
  return { channel, address: address as string }
}

/** The address itself; `null` where the recipient has none of that id. The recipient must be locked. */
const addressOf = async (
  tx: Transaction,
  recipient: InboxKey,
  own: OwnAddressesRow,
  named: NamedAddress,
): Promise<AddressValue | null> => {
  if (!('id' in named)) return named
  const { id } = named
  if (id === null) return null
  const channels = Object.keys(OWN_ADDRESSES) as readonly OwnChannel[]
  const channel = channels.find((one) => ownAddressId(recipient, one) === id)
  if (channel) {
    const address = own[OWN_ADDRESSES[channel]]
    return address === null ? null : { channel, address }
  }
  const [row] = await tx.query<{ channel: string; address: string }>(readAddress(recipient, id))
  return row ?? null
}

const lock = async (tx: Transaction, recipient: InboxKey): Promise<OwnAddressesRow | undefined> =>
  (await tx.query<OwnAddressesRow & Record<string, unknown>>(lockRecipient(recipient)))[0]

/**
 * Adds an address to a recipient, which is made where it is missing. One that it has already and that bounced is good
 * again, and one that is named by its id has to be there.
 */
export const registerAddress = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  recipient: InboxKey,
  request: AddressRequest,
): Promise<void> => {
  const named = namedBy(request)
  if ('channel' in named && named.channel === 'push' && !parsePushSubscription(named.address, false)) {
    throw badInput(
      "address is no push subscription: give JSON.stringify(subscription) of the browser's PushSubscription, with an https endpoint and both keys",
      ['input', 'address'],
    )
  }
  const { tenantId, recipientId } = recipient
  await asTenant(db.tenant, tenantId, async (tx) => {
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    if ('channel' in named) await tx.query(ensureRecipients([{ tenantId, given: { id: recipientId } }], now))
    const own = await lock(tx, recipient)
    const value = own ? await addressOf(tx, recipient, own, named) : null
    if (!value) {
      throw new CarillonError('NOT_FOUND', 'The recipient has no such address', { path: ['input', 'addressId'] })
    }
    const added = await tx.query<{ new_id: string }>(register(recipient, value, { id: newId(), now }))
    if (added.length === 0) return
    const [row] = await tx.query<{ count: number }>(countAddresses(recipient))
    if ((row?.count ?? 0) > MAX_ADDRESSES) {
      throw badInput(`A recipient has at most ${MAX_ADDRESSES} addresses: remove one first`, ['input'])
    }
  })
}

/** Takes an address away from a recipient. One that it does not have changes nothing. */
export const removeAddress = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  recipient: InboxKey,
  request: AddressRequest,
): Promise<void> => {
  const named = namedBy(request)
  await asTenant(db.tenant, recipient.tenantId, async (tx) => {
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const own = await lock(tx, recipient)
    if (!own) throw new CarillonError('NOT_FOUND', 'There is no such recipient', { path: ['input', 'recipientId'] })
    const value = await addressOf(tx, recipient, own, named)
    if (value) await tx.query(remove(recipient, value, (time as ClockRow).now))
  })
}
