import type { StoredMove, StoredRun, Story } from './explanation.ts'
import { contextOfMove, ledTo, movesOfStep } from './run-timeline.ts'
import { instantText, listText } from './wording.ts'

const quoted = (key: unknown): string => `"${String(key)}"`

const OUTCOMES: Readonly<Record<string, string>> = {
  delivered: 'was delivered',
  suppressed: 'was suppressed',
  retries_exhausted: 'had used up its tries',
  permanent_failure: 'was refused for good',
  bounced: 'bounced',
  expired: 'expired',
}

/** Why a step was taken. */
const because = (move: StoredMove): string => {
  const { fromStep, outcome, signal, when } = contextOfMove(move)
  if (outcome === 'wait_elapsed') return `when the wait after ${quoted(fromStep)} was over`
  if (outcome === 'signal_received') return `by the signal ${String(signal)} after ${quoted(fromStep)}`
  const ended = `after ${quoted(fromStep)} ${OUTCOMES[String(outcome)] ?? 'ended'}`
  return when === undefined ? ended : `${ended}, since ${quoted(when)} holds`
}

const waits = ({ waitingUntil, waitingFor }: StoredRun): string => {
  const signals =
    waitingFor.length > 0 ? ` or for the signal${waitingFor.length > 1 ? 's' : ''} ${listText(waitingFor)}` : ''
  return `waits until ${waitingUntil ? instantText(waitingUntil) : 'later'}${signals}`
}

const CANCELLED_BY: Readonly<Record<string, string>> = {
  cancelled_by_operator: 'an operator',
  event_cancelled: 'the cancellation of its event',
  recipient_erased: "the erasure of the recipient's data",
}

/** What became of a run, as the rest of a clause about it; `null` where its step is under way. */
const fate = (run: StoredRun): string | null => {
  const last = run.moves.at(-1)
  const at = last ? ` at ${instantText(last.at)}` : ''
  switch (run.state) {
    case 'active':
      return null
    case 'waiting':
      return waits(run)
    case 'completed':
      return `was completed${at}`
    case 'stopped': {
      const { signal, outcome } = last ? contextOfMove(last) : {}
      if (last?.reason === 'render_missing')
        return `was stopped${at}: the code that makes the content of its next step has gone`
      if (signal !== undefined) return `was stopped${at} by the signal ${String(signal)}`
      return `was stopped${at}${outcome === 'wait_elapsed' ? ' when the wait was over' : ' by its rules'}`
    }
    case 'cancelled':
      if (last?.reason === 'expired') return `was cancelled${at}: its event had expired`
      return `was cancelled${at} by ${CANCELLED_BY[last?.reason ?? ''] ?? 'the service'}`
  }
}

/**
 * Why a step's delivery exists, and what its workflow came to after it, as a clause: `it is step "remind" of the workflow
 * dunning, taken when ...`. `null` for a delivery that is no step's.
 */
export const runClause = (story: Pick<Story, 'run' | 'delivery'>): string | null => {
  const { run } = story
  const { stepKey } = story.delivery
  const moves = movesOfStep(story)
  const cause = moves.find((move) => ledTo(move, stepKey))
  if (run === null || !cause) return null
  const first = cause.reason === 'workflow_started'
  const isPresent = run.stepKey === stepKey
  const name = `${isPresent ? 'it is' : 'it was'} ${first ? 'the first step, ' : 'step '}${quoted(stepKey)}${first ? ',' : ''} of the workflow ${run.workflowKey}`
  const why = first ? name : `${name}, taken ${because(cause)}`
  if (!isPresent) {
    const next = moves.findLast((move) => contextOfMove(move)['fromStep'] === stepKey)
    return next ? `${why}; ${quoted(contextOfMove(next)['toStep'])} followed` : why
  }
  const came = fate(run)
  return came === null ? why : `${why}${first ? ', which' : '; the workflow'} ${came}`
}
