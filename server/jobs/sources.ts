import type { Breakers } from '../adapters/breakers.ts'
import type { Routes } from '../adapters/routing.ts'
import { REPORT_LANE } from '../db/sql/accept-reports.ts'
import type { Claim } from '../db/sql/claim-due.ts'
import { DIGEST_LANE } from '../db/sql/open-buckets.ts'
import { WAKE_LANE } from '../db/sql/wake-notifications.ts'
import { FAN_OUT_LANES, type FanOutLane } from '../db/sql/write-audience.ts'
import { WORKFLOW_LANE } from '../db/sql/write-runs.ts'

/** A part of the queue with a speed of its own, so that a slow provider never holds up another channel. */
export interface Lane {
  readonly lane: string
  /** Lanes that share a limit, such as two channels of one adapter, name the same. */
  readonly limitedBy: string
  /** How many of those may be under way at once. */
  readonly capacity: number
}

/** One kind of work: where it queues, and what carries it out. */
export interface Source {
  readonly kind: string
  lanes(): readonly Lane[]
  limiterOf(claim: Claim): string
  /** Resolves when all are done. What fails is left to its lease. */
  run(claims: readonly Claim[], shift: Shift): Promise<void>
}

/** What the worker and the work it has begun tell each other. */
export interface Shift {
  /** This one is done, before the others of its batch: its place is free. */
  finished(claim: Claim): void
  /** The worker is about to stop: what is long and can be left half done is given back. */
  readonly draining: boolean
}

/** How many deliveries of a channel that no adapter carries any more are tried at once; each is put off with its reason. */
const STRANDED_CAPACITY = 10

/** In-app deliveries that were put off: they need nobody but the database, and share a transaction. */
const IN_APP_CAPACITY = 100

export const deliverySource = ({
  routes,
  breakers,
  strandedLanes,
  dispatch,
}: {
  readonly routes: Routes
  readonly breakers: Breakers
  readonly strandedLanes: () => readonly string[]
  readonly dispatch: Source['run']
}): Source => ({
  kind: 'delivery',
  lanes: () => [
    { lane: 'in_app', limitedBy: 'in_app', capacity: IN_APP_CAPACITY },
    // A channel whose providers all rest is left alone, but for one delivery when the rest is over.
    ...[...routes].map(([channel, route]) => ({
      lane: channel,
      limitedBy: route.limitedBy,
      capacity: breakers.capacityOf(route),
    })),
    ...strandedLanes().map((lane) => ({ lane, limitedBy: lane, capacity: STRANDED_CAPACITY })),
  ],
  limiterOf: ({ lane }) => routes.get(lane)?.limitedBy ?? lane,
  run: dispatch,
})

/** Reports share transactions: as many as one of them takes. */
const REPORT_CAPACITY = 200

/** What providers report: a matter of the database alone. */
export const webhookSource = (reports: Source['run']): Source => ({
  kind: 'webhook',
  lanes: () => [{ lane: REPORT_LANE, limitedBy: REPORT_LANE, capacity: REPORT_CAPACITY }],
  limiterOf: ({ lane }) => lane,
  run: reports,
})

/** They share a transaction. */
const WAKE_CAPACITY = 200

/** Items of inboxes whose snooze is over. */
export const wakeSource = (wake: (claims: readonly Claim[]) => Promise<void>): Source => ({
  kind: 'wake',
  lanes: () => [{ lane: WAKE_LANE, limitedBy: WAKE_LANE, capacity: WAKE_CAPACITY }],
  limiterOf: ({ lane }) => lane,
  run: wake,
})

/** As many buckets as two transactions close. */
const DIGEST_CAPACITY = 200

/** Digests whose windows are over. */
export const digestSource = (flush: (claims: readonly Claim[]) => Promise<void>): Source => ({
  kind: 'digest',
  lanes: () => [{ lane: DIGEST_LANE, limitedBy: DIGEST_LANE, capacity: DIGEST_CAPACITY }],
  limiterOf: ({ lane }) => lane,
  run: flush,
})

/** Runs whose waits are over share transactions, too. */
const WORKFLOW_CAPACITY = 200

/** What waits in workflows for its time. */
export const workflowSource = (wakeRuns: Source['run']): Source => ({
  kind: 'workflow',
  lanes: () => [{ lane: WORKFLOW_LANE, limitedBy: WORKFLOW_LANE, capacity: WORKFLOW_CAPACITY }],
  limiterOf: ({ lane }) => lane,
  run: wakeRuns,
})

/** A large audience keeps a worker busy for a while; what was scheduled for the same instant is mostly small. */
const FAN_OUT_CAPACITY: Readonly<Record<FanOutLane, number>> = { fan_out: 2, scheduled: 8 }

export const fanOutSource = (fanOut: Source['run']): Source => ({
  kind: 'fan_out',
  lanes: () => FAN_OUT_LANES.map((lane) => ({ lane, limitedBy: lane, capacity: FAN_OUT_CAPACITY[lane] })),
  limiterOf: ({ lane }) => lane,
  run: fanOut,
})
