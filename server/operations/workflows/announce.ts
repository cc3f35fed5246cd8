import type { Capabilities } from '../capabilities.ts'
import type { AdvancedRuns } from './advance-runs.ts'

/** Says after the commit what runs have come to: new deliveries, that there is work, and that secrets may be needed no more. */
export const announceRuns = async (
  { hints, eraseSecrets }: Pick<Capabilities, 'hints' | 'eraseSecrets'>,
  { workDue, planned, over }: AdvancedRuns,
): Promise<void> => {
  hints.deliveriesChanged(planned)
  if (workDue) hints.workDue()
  if (over.length > 0) await eraseSecrets(over)
}
