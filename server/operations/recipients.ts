import { MAX_ADDRESSES, normaliseRecipients, type Recipient } from '../core/recipient.ts'
import { MAX_INLINE_RECIPIENTS, recipientFault } from '../core/trigger-request.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import {
  addAddresses,
  type CrowdedRow,
  ensureRecipients,
  findTooMany,
  renewAddresses,
  updateRecipients,
} from '../db/sql/upsert-recipients.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { addressesOf } from './recipient-details.ts'

/**
 * Creates or updates recipients; what is left out of one stays, `null` removes. An address in `addresses` that bounced is
 * good again; an unchanged `email` or `phone` is not, for a host repeats those with every synchronisation. Answers their
 * ids in the order given.
 */
export const upsertRecipients = async (
  { db, clock }: Capabilities,
  { tenantId, recipients }: { readonly tenantId: string; readonly recipients: readonly Recipient[] },
): Promise<readonly string[]> => {
  const path = ['input', 'recipients']
  if (recipients.length > MAX_INLINE_RECIPIENTS)
    throw badInput(`recipients holds more than ${MAX_INLINE_RECIPIENTS}`, path)
  for (const [index, recipient] of recipients.entries()) {
    const fault = recipientFault(recipient, [...path, index])
    if (fault)
      throw badInput(`Cannot store recipient ${index}: ${fault.path.slice(3).join('.')} ${fault.message}`, fault.path)
  }
  const distinct = normaliseRecipients(recipients, null)
  if (distinct.length < recipients.length) throw badInput('recipients names one id twice', path)
  await asTenant(db.tenant, tenantId, async (tx) => {
    const [time] = await tx.query<ClockRow>(readClock(clock.now()))
    const { now } = time as ClockRow
    const given = distinct.map((recipient) => ({ tenantId, given: recipient }))
    const details = [ensureRecipients(given, now), updateRecipients(given, now)]
    const addresses = addressesOf(given)
    if (addresses.length === 0) return tx.commitWith(details)
    const written = [...details, addAddresses(addresses, now), renewAddresses(addresses)]
    await Promise.all(written.map((statement) => tx.query(statement)))
    const [crowded] = await tx.query<CrowdedRow>(findTooMany(addresses, MAX_ADDRESSES))
    if (!crowded) return
    const index = recipients.findIndex(({ id }) => id.trim() === crowded.recipient_id)
    throw badInput(`Cannot store recipient ${index}: it would have more than ${MAX_ADDRESSES} addresses`, [
      ...path,
      index,
      'addresses',
    ])
  })
  return recipients.map(({ id }) => id.trim())
}
