import { isOver, type RunState } from '../core/workflow/run.ts'
import type { NewDelivery } from '../db/sql/write-plans.ts'
import type { NewRun } from '../db/sql/write-runs.ts'
import type { Telemetry } from '../telemetry.ts'

/** Tells after a commit what it has planned; nothing where that is nothing. */
export const tellOfPlanned = (
  telemetry: Telemetry,
  { deliveries, runs = [] }: { readonly deliveries: readonly NewDelivery[]; readonly runs?: readonly NewRun[] },
): void => {
  if (deliveries.length > 0) telemetry.emit('deliveries.decided', { checkpoint: 'planning', deliveries })
  if (runs.length === 0) return
  telemetry.emit('runs.started', { states: runs.map(({ run }) => run.state) })
  tellOfEnded(
    telemetry,
    runs.flatMap(({ run }) => (isOver(run) ? [run.state] : [])),
  )
}

/** Tells after a commit how runs have ended. */
export const tellOfEnded = (telemetry: Telemetry, states: readonly RunState[]): void => {
  if (states.length > 0) telemetry.emit('runs.ended', { states })
}
