import { maskAddress } from '../../core/mask.ts'
import type { Settlement, TryResult } from '../../core/settlement.ts'
import type { SettledDelivery } from '../../db/sql/settle-deliveries.ts'
import { newId } from '../../ids.ts'
import type { Outgoing } from './begin.ts'

/** One try's result as it is recorded. */
export const settledRow = (
  { delivery, address, begunAt }: Pick<Outgoing, 'delivery' | 'address' | 'begunAt'>,
  {
    adapter,
    result,
    settlement,
  }: { readonly adapter: string; readonly result: TryResult; readonly settlement: Settlement },
): SettledDelivery => ({
  tenantId: delivery.tenant_id,
  id: delivery.id,
  token: delivery.token,
  outcome: settlement.outcome,
  errorClass: settlement.errorClass,
  adapter,
  providerMessageId: result.ended === 'accepted' ? result.providerMessageId : null,
  reason: 'reason' in result ? result.reason : null,
  address: address === null ? null : maskAddress(address),
  startedAt: begunAt,
  status: settlement.status,
  suppressionReason: settlement.suppressionReason,
  retryInMs: settlement.retryInMs,
  transitionId: newId(),
})
