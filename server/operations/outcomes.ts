import type { DeliveryStatus, OrchestrationState } from '../core/delivery.ts'
import { countOutcomes, type OutcomeCount } from '../core/outcome.ts'
import { type CountedDeliveries, countByState, type StateCountRow } from '../db/sql/count-outcomes.ts'
import { asTenant } from '../db/transaction.ts'
import type { Capabilities } from './capabilities.ts'
import { idsInserted } from './ids-inserted.ts'

/** What became of a tenant's deliveries, counted by notification key, channel and outcome, and in that order. */
export const readOutcomes = async (
  { db, clock }: Pick<Capabilities, 'db' | 'clock'>,
  counted: CountedDeliveries,
): Promise<readonly OutcomeCount[]> => {
  const ids = idsInserted({ clock }, { after: counted.insertedAfter, before: counted.insertedBefore })
  const rows = await asTenant(db.tenant, counted.tenantId, (tx) => tx.query<StateCountRow>(countByState(counted, ids)))
  return countOutcomes(
    rows.map((row) => ({
      notificationKey: row.notification_key,
      channel: row.channel,
      status: row.status as DeliveryStatus,
      orchestrationState: row.orchestration_state as OrchestrationState,
      exhausted: row.exhausted,
      count: row.count,
    })),
  )
}
