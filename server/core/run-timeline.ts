import type { StoredMove, Story } from './explanation.ts'
import type { TimelineEntry } from './timeline.ts'
import type { RunReason } from './workflow/run.ts'

/** What a move is told as; the others are parts of one of these. */
const EVENTS: Readonly<Partial<Record<RunReason, string>>> = {
  workflow_started: 'workflow_started',
  progressed_on_delivery_outcome: 'workflow_progressed',
  waiting_for_step_progression: 'workflow_waiting',
  workflow_stopped: 'workflow_stopped',
  render_missing: 'workflow_stopped',
  workflow_completed: 'workflow_completed',
  cancelled_by_operator: 'workflow_cancelled',
  event_cancelled: 'workflow_cancelled',
  recipient_erased: 'workflow_cancelled',
  expired: 'workflow_cancelled',
}

/** A move's context as it was written; empty where it was not an object. */
export const contextOfMove = ({ context }: StoredMove): Readonly<Record<string, unknown>> =>
  typeof context === 'object' && context !== null ? (context as Record<string, unknown>) : {}

/** Whether a move led to this step: to the first one by the run's beginning. */
export const ledTo = (move: StoredMove, stepKey: string): boolean =>
  move.reason === 'workflow_started'
    ? move.stepKey === stepKey
    : contextOfMove(move)['toStep'] === stepKey && move.reason === 'progressed_on_delivery_outcome'

/** The moves that a step's delivery is concerned by, oldest first: what led to it, and what followed from it. */
export const movesOfStep = ({ run, delivery: { stepKey } }: Pick<Story, 'run' | 'delivery'>): readonly StoredMove[] =>
  run === null || stepKey === '' ? [] : run.moves.filter((move) => move.stepKey === stepKey || ledTo(move, stepKey))

/** What is told of a delivery's workflow. */
export const runEntries = (story: Story): readonly TimelineEntry[] =>
  movesOfStep(story).flatMap((move) => {
    const event = EVENTS[move.reason as RunReason]
    if (!event) return []
    const { stepKey } = story.delivery
    // What led to the delivery comes before it, what followed from it after it.
    const detail = { workflowRunId: story.run?.id, stepKey, reason: move.reason, ...contextOfMove(move) }
    return [{ at: move.at, event, detail: ledTo(move, stepKey) ? { ...detail, ledTo: stepKey } : detail }]
  })
