import type { QueryConfig } from 'pg'
import type { Recipient } from '../core/recipient.ts'
import {
  addAddresses,
  ensureRecipients,
  type GivenAddress,
  type GivenRecipient,
  updateRecipients,
} from '../db/sql/upsert-recipients.ts'
import { newId } from '../ids.ts'

// One recipient may be given twice in a batch, but a statement updates a row once: the later one's fields win.
const mergeGiven = (recipients: readonly GivenRecipient[]): readonly GivenRecipient[] => {
  const byKey = new Map<string, GivenRecipient>()
  for (const { tenantId, given } of recipients) {
    const key = `${tenantId}\n${given.id}`
    const earlier = byKey.get(key)?.given
    const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const addresses = [...(earlier?.addresses ?? []), ...(given.addresses ?? [])]
    byKey.set(key, { tenantId, given: { ...earlier, ...fields, addresses } as Recipient })
  }
  return [...byKey.values()]
}

/**
 * What stores the details that came with a trigger, and makes the recipients that are new; in this order. An address that
 * bounced stays so: a host repeats its recipients' details with every trigger, and would undo every bounce.
 */
export const detailStatements = (recipients: readonly GivenRecipient[], now: Date): readonly QueryConfig[] => {
  if (recipients.length === 0) return []
  const merged = mergeGiven(recipients)
  const addresses = addressesOf(merged)
  return [
    ensureRecipients(merged, now),
    updateRecipients(merged, now),
    ...(addresses.length > 0 ? [addAddresses(addresses, now)] : []),
  ]
}

/** The addresses that were given for recipients, each with the id that it gets where it is new. */
export const addressesOf = (recipients: readonly GivenRecipient[]): readonly GivenAddress[] =>
  recipients.flatMap(({ tenantId, given }) =>
    (given.addresses ?? []).map((address) => ({ ...address, tenantId, id: newId(), recipientId: given.id })),
  )
