import type { Routes } from '../../adapters/routing.ts'
import type { Database } from '../../db/client.ts'
import { findUnqueued, type UnqueuedRow } from '../../db/sql/find-unqueued.ts'
import { type QueueAgeRow, readQueueAges } from '../../db/sql/read-queue-ages.ts'
import { BUILT_IN_LANES } from '../../jobs/cron.ts'
import { type Finding, fault, ok, warning } from './finding.ts'

const AGE_WARNED_SECONDS = 60
const AGE_AT_FAULT_SECONDS = 600

const shownAge = (seconds: number): string =>
  seconds < 120
    ? `${Math.round(seconds)} s`
    : seconds < 7_200
      ? `${Math.round(seconds / 60)} min`
      : `${Math.round(seconds / 3_600)} h`

export const queueFinding = (ages: readonly QueueAgeRow[]): Finding => {
  const [oldest] = ages.filter(({ seconds }) => seconds > 0).sort((a, b) => b.seconds - a.seconds)
  if (!oldest) return ok('queue', 'nothing is due')
  const seen = `the oldest that is due waits for ${shownAge(oldest.seconds)}, in lane ${oldest.lane}`
  if (oldest.seconds < AGE_WARNED_SECONDS) return ok('queue', seen)
  const advice =
    'No worker runs, or they do not keep up: start one more with CARILLON_ROLE=worker, and look at their logs'
  return oldest.seconds < AGE_AT_FAULT_SECONDS ? warning('queue', seen, advice) : fault('queue', seen, advice)
}

const strandedFindings = (ages: readonly QueueAgeRow[], routes: Routes | null): readonly Finding[] => {
  const stranded = ages.filter(({ lane }) => routes && !routes.has(lane) && !BUILT_IN_LANES.has(lane))
  return stranded.map(({ lane }) =>
    warning(
      'channel',
      `deliveries wait on ${lane}, which no adapter carries any more`,
      `Workers let them fail: put an adapter back under \`adapters.${lane}\` where they are still to be sent`,
    ),
  )
}

/** How long what is due waits. */
export const queueFindings = async ({ system }: Database, routes: Routes | null): Promise<readonly Finding[]> => {
  const { rows } = await system.query<QueueAgeRow>(readQueueAges())
  return [queueFinding(rows), ...strandedFindings(rows, routes)]
}

const NEWEST_LOOKED_AT = 1_000

/** Whether all that waits is in the queue. */
export const unqueuedFinding = async ({ system }: Database): Promise<Finding> => {
  const { rows } = await system.query<UnqueuedRow>(findUnqueued(NEWEST_LOOKED_AT))
  const [first] = rows
  return first
    ? fault(
        'queue is whole',
        `${rows.length === 100 ? 'at least 100' : rows.length} that wait are not in the queue, such as ${first.kind} ${first.id}`,
        'Nothing of Carillon does that: rows were changed by hand, or a backup was restored in part. Restore the table `due`, or cancel these',
      )
    : ok('queue is whole', `nothing is missing, of the newest ${NEWEST_LOOKED_AT} deliveries and events of each tenant`)
}
