import type { QueryConfig } from 'pg'
import { nameOf } from '../core/name-of.ts'
import { MAX_ADDRESSES, type Recipient } from '../core/recipient.ts'
import {
  addAddresses,
  ensureRecipients,
  findTooMany,
  type GivenAddress,
  type GivenRecipient,
  updateRecipients,
} from '../db/sql/upsert-recipients.ts'
import { newId } from '../ids.ts'

// One recipient may be given twice in a batch, but a statement updates a row once: the later one's fields win.
const mergeGiven = (recipients: readonly GivenRecipient[]): readonly GivenRecipient[] => {
  const byKey = new Map<string, GivenRecipient>()
  for (const { tenantId, given } of recipients) {
    const key = nameOf(tenantId, given.id)
    const earlier = byKey.get(key)?.given
    const fields = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    const addresses = [...(earlier?.addresses ?? []), ...(given.addresses ?? [])]
    byKey.set(key, { tenantId, given: { ...earlier, ...fields, addresses } as Recipient })
  }
  return [...byKey.values()]
}

/** How details that came with triggers are stored. */
export interface DetailStatements {
  /** In this order. */
  readonly statements: readonly QueryConfig[]
  /** Comes after them, and finds the recipients that would then have more addresses than they may; `null` where none is given. */
  readonly check: QueryConfig | null
}

/**
 * What stores the details that came with triggers, and makes the recipients that are new. An address that bounced stays
 * so: a host repeats its recipients' details with every trigger, and would undo every bounce.
 */
export const detailStatements = (recipients: readonly GivenRecipient[], now: Date): DetailStatements => {
  if (recipients.length === 0) return { statements: [], check: null }
  const merged = mergeGiven(recipients)
  const details = [ensureRecipients(merged, now), updateRecipients(merged, now)]
  const addresses = addressesOf(merged)
  if (addresses.length === 0) return { statements: details, check: null }
  return { statements: [...details, addAddresses(addresses, now)], check: findTooMany(addresses, MAX_ADDRESSES) }
}

/** The addresses that were given for recipients, each with the id that it gets where it is new. */
export const addressesOf = (recipients: readonly GivenRecipient[]): readonly GivenAddress[] =>
  recipients.flatMap(({ tenantId, given }) =>
    (given.addresses ?? []).map((address) => ({ ...address, tenantId, id: newId(), recipientId: given.id })),
  )
