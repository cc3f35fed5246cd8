import { maskAddress } from '../../core/mask.ts'
import { attemptOf, type Settlement } from '../../core/settlement.ts'
import type { SettledDelivery } from '../../db/sql/settle-deliveries.ts'
import { newId } from '../../ids.ts'
import type { Outgoing } from './begin.ts'
import type { MadeCall, Sent } from './send.ts'

/** One try's result as it is recorded. */
export const settledRow = (
  { delivery, begunAt }: Pick<Outgoing, 'delivery' | 'begunAt'>,
  {
    calls,
    settlement,
    rendered = null,
  }: {
    readonly calls: readonly MadeCall[]
    readonly settlement: Settlement
    readonly rendered?: Sent['rendered']
  },
): SettledDelivery => ({
  tenantId: delivery.tenant_id,
  recipientId: delivery.recipient_id,
  channel: delivery.channel,
  id: delivery.id,
  run: delivery.in_run ? { id: delivery.notification_id, isStep: delivery.step_key !== '' } : null,
  token: delivery.token,
  attempts: calls.map(({ id, adapter, address, addressKey, result }) => ({
    id,
    adapter,
    ...attemptOf(result),
    providerMessageId: result.ended === 'accepted' ? result.providerMessageId : null,
    reason: 'reason' in result ? result.reason : null,
    address: address === null ? null : maskAddress(address),
    addressKey,
    startedAt: begunAt,
  })),
  bounced: calls.flatMap(({ address, result }) => (address !== null && result.ended === 'bounced' ? [address] : [])),
  status: settlement.status,
  suppressionReason: settlement.suppressionReason,
  retryInMs: settlement.retryInMs,
  putOffBy: settlement.putOffBy,
  transitionId: newId(),
  renderKey: rendered?.renderKey ?? null,
  renderVersion: rendered?.renderVersion ?? null,
})
