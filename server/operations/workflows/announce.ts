import type { Capabilities } from '../capabilities.ts'
import { tellOfEnded, tellOfPlanned } from '../planned.ts'
import type { AdvancedRuns } from './advance-runs.ts'

/** Says after the commit what runs have come to: new deliveries, that there is work, and that secrets may be needed no more. */
export const announceRuns = async (
  { hints, telemetry, eraseSecrets }: Pick<Capabilities, 'hints' | 'telemetry' | 'eraseSecrets'>,
  { workDue, planned, over }: AdvancedRuns,
): Promise<void> => {
  hints.deliveriesChanged(planned)
  tellOfPlanned(telemetry, { deliveries: planned })
  tellOfEnded(
    telemetry,
    over.map(({ state }) => state),
  )
  if (workDue) hints.workDue()
  if (over.length > 0) await eraseSecrets(over)
}
