import { isTerminal } from '../../core/delivery.ts'
import { type EndedDelivery, eventsOfEnd } from '../../core/workflow/ending.ts'
import type { RunCause } from './advance-runs.ts'

/** A delivery of a notification that goes through a workflow, as a transaction has just left it. */
export interface LeftDelivery extends EndedDelivery {
  readonly tenantId: string
  /** The notification's id. */
  readonly runId: string
}

/** What deliveries are to their runs, of those that have just ended. */
export const causesOf = (
  deliveries: readonly LeftDelivery[],
  /** Who ended them, where a run is cancelled by it. */
  context: Readonly<Record<string, unknown>> = {},
): readonly RunCause[] =>
  deliveries.flatMap(({ tenantId, runId: id, ...delivery }) => {
    const events = (isTerminal(delivery.status) ? eventsOfEnd(delivery) : []).map((event) =>
      event.kind === 'cancelled' ? { ...event, context } : event,
    )
    return events.length > 0 ? [{ tenantId, id, events }] : []
  })
