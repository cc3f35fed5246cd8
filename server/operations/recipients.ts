import { normaliseRecipients, type Recipient } from '../core/recipient.ts'
import { MAX_INLINE_RECIPIENTS, recipientFault } from '../core/trigger-request.ts'
import { type ClockRow, readClock } from '../db/sql/read-clock.ts'
import { asTenant } from '../db/transaction.ts'
import { badInput } from '../errors.ts'
import type { Capabilities } from './capabilities.ts'
import { detailStatements } from './recipient-details.ts'

/** Creates or updates recipients; what is left out of one stays, `null` removes. Answers their ids in the order given. */
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
    const given = distinct.map((recipient) => ({ tenantId, given: recipient }))
    await tx.commitWith(detailStatements(given, (time as ClockRow).now))
  })
  return recipients.map(({ id }) => id.trim())
}
