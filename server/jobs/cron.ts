import cron from 'node-cron'
import type { Routes } from '../adapters/routing.ts'
import { REPORT_LANE } from '../db/sql/accept-reports.ts'
import { listLanes } from '../db/sql/list-lanes.ts'
import { DIGEST_LANE } from '../db/sql/open-buckets.ts'
import { WAKE_LANE } from '../db/sql/wake-notifications.ts'
import { FAN_OUT_LANES } from '../db/sql/write-audience.ts'
import { WORKFLOW_LANE } from '../db/sql/write-runs.ts'
import type { Capabilities } from '../operations/capabilities.ts'
import { fillInConfiguredRules } from '../operations/digests/rules.ts'
import { createSecretsSweep } from '../operations/erase-secrets.ts'
import type { Prune } from '../operations/retention/prune.ts'

export interface Cron {
  /** Channels that deliveries wait on and that no adapter carries any more. */
  strandedLanes(): readonly string[]
  stop(): Promise<void>
}

/** Lanes that no adapter carries, and none needs to. */
export const BUILT_IN_LANES: ReadonlySet<string> = new Set([
  ...FAN_OUT_LANES,
  REPORT_LANE,
  DIGEST_LANE,
  WAKE_LANE,
  WORKFLOW_LANE,
  'in_app',
])

/** Of a process that carries out no jobs. */
export const idleCron: Cron = { strandedLanes: () => [], stop: async () => {} }

/** What is looked at by the clock alone. */
export const startCron = (
  capabilities: Capabilities,
  {
    routes,
    prune,
    works,
  }: {
    readonly routes: Routes
    readonly prune: Prune
    /** Whether this process carries out jobs: one that does not leaves what is old to those that do. */
    readonly works: () => boolean
  },
): Cron => {
  const { db, telemetry } = capabilities
  let stranded: readonly string[] = []

  /** What fails is told of, and tried again at its next time. */
  const told = (work: () => Promise<unknown>) => async (): Promise<void> => {
    try {
      await work()
    } catch (error) {
      telemetry.emit('worker.failed', { error: error as Error })
    }
  }

  const findStrandedLanes = async (): Promise<void> => {
    const { rows } = await db.system.query<{ lane: string }>(listLanes())
    stranded = rows.map(({ lane }) => lane).filter((lane) => !routes.has(lane) && !BUILT_IN_LANES.has(lane))
  }
  const eraseSpentSecrets = createSecretsSweep({ db })
  const fillInRules = () => fillInConfiguredRules(capabilities)

  const stopping = new AbortController()
  let pruning: Promise<void> = Promise.resolve()
  const pruneOld = async (): Promise<void> => {
    if (!works() || stopping.signal.aborted) return
    // All inboxes are looked at, which is much for every hour: once a day is enough.
    pruning = told(() => prune({ signal: stopping.signal, inboxesDaily: true }))()
    await pruning
  }

  const tasks = [
    ...[findStrandedLanes, eraseSpentSecrets, fillInRules].map((work) =>
      cron.schedule('* * * * *', told(work), { noOverlap: true }),
    ),
    cron.schedule('17 * * * *', pruneOld, { noOverlap: true }),
  ]
  return {
    strandedLanes: () => stranded,
    stop: async () => {
      stopping.abort()
      for (const task of tasks) await task.destroy()
      await pruning
    },
  }
}
