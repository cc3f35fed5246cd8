import type { ProviderEvent } from '../../adapters/adapter.ts'
import { idOfType } from '../../core/node-id.ts'
import { type AcceptedRow, acceptReports } from '../../db/sql/accept-reports.ts'
import { asTenant } from '../../db/transaction.ts'
import { newId } from '../../ids.ts'
import type { Capabilities } from '../capabilities.ts'
import type { WebhookAddress } from './path.ts'

/** Why nothing comes of a report: it says of no delivery what became of it, or of one that there is not. */
export const IGNORED_REASONS = ['names_no_delivery', 'unresolved'] as const
export type IgnoredReason = (typeof IGNORED_REASONS)[number]

const ignoredReasonOf = ({ deliveryId, providerMessageId }: ProviderEvent): IgnoredReason =>
  deliveryId == null && providerMessageId == null ? 'names_no_delivery' : 'unresolved'

/**
 * Keeps what a provider reported, and queues what is to come of it, in one transaction. A report that was kept before is
 * kept once. Resolves once that is committed; false, with nothing written, where there is no such tenant.
 */
export const acceptWebhook = async (
  { db, clock, hints }: Pick<Capabilities, 'db' | 'clock' | 'hints'>,
  { tenantId, adapter }: WebhookAddress,
  { channels, events }: { readonly channels: readonly string[]; readonly events: readonly ProviderEvent[] },
): Promise<boolean> => {
  const reports = events.map((event) => ({
    id: newId(),
    providerEventId: event.providerEventId ?? null,
    providerMessageId: event.providerMessageId ?? null,
    deliveryId: event.deliveryId == null ? null : idOfType('Delivery', event.deliveryId),
    status: event.status,
    ignoredReason: ignoredReasonOf(event),
  }))
  const [accepted] = await asTenant(db.tenant, tenantId, async (tx) => {
    // Given before there is an answer, the commit travels with the statement.
    const [rows] = await Promise.all([
      tx.query<AcceptedRow>(acceptReports({ tenantId, adapter, channels }, reports, clock.now())),
      tx.commitWith([]),
    ])
    return rows
  })
  if (accepted && accepted.queued > 0) hints.workDue()
  return accepted?.known === true
}
