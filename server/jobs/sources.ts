import type { Routes } from '../adapters/routing.ts'
import type { Claim } from '../db/sql/claim-due.ts'

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

export const deliverySource = ({
  routes,
  strandedLanes,
  dispatch,
}: {
  readonly routes: Routes
  readonly strandedLanes: () => readonly string[]
  readonly dispatch: Source['run']
}): Source => ({
  kind: 'delivery',
  lanes: () => [
    ...[...routes].map(([channel, { adapter, concurrency }]) => ({
      lane: channel,
      limitedBy: adapter.name,
      capacity: concurrency,
    })),
    ...strandedLanes().map((lane) => ({ lane, limitedBy: lane, capacity: STRANDED_CAPACITY })),
  ],
  limiterOf: ({ lane }) => routes.get(lane)?.adapter.name ?? lane,
  run: dispatch,
})

export const fanOutSource = (fanOut: Source['run']): Source => ({
  kind: 'fan_out',
  lanes: () => [{ lane: 'fan_out', limitedBy: 'fan_out', capacity: 2 }],
  limiterOf: () => 'fan_out',
  run: fanOut,
})
