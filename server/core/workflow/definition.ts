import { durationMs } from '../duration.ts'

/** How a step's delivery may end, as rules ask for it. A digested one counts as delivered. */
export const WORKFLOW_OUTCOMES = [
  'delivered',
  'suppressed',
  'retries_exhausted',
  'permanent_failure',
  'bounced',
  'expired',
] as const
export type WorkflowOutcome = (typeof WORKFLOW_OUTCOMES)[number]

/** Where a rule leads that ends the workflow; no step may be named so. */
export const STOP = 'stop'

/** Fits some outcomes. */
export interface OutcomeRule {
  readonly on: readonly WorkflowOutcome[]
  readonly to: string
}

/** Fits where the named question was answered with yes, at the trigger. */
export interface ConditionRule {
  readonly when: string
  readonly to: string
}

/** Fits every outcome. */
export interface WaitRule {
  /** As it was written: `3d`. It counts from the instant at which the step's delivery ended. */
  readonly wait: string
  /** What ends the wait early; none where empty. */
  readonly signals: readonly string[]
  readonly onSignal: string
  readonly onTimeout: string
}

export type WorkflowRule = OutcomeRule | ConditionRule | WaitRule

export interface WorkflowStep {
  readonly key: string
  readonly channel: string
  /** Asked in order when the step's delivery has ended. The first that fits decides; where none does the run is completed. */
  readonly next: readonly WorkflowRule[]
}

/** A workflow as it is stored, and as every run of it is carried out: plain data, whatever becomes of the code. */
export interface WorkflowDefinition {
  readonly key: string
  readonly version: number
  /** In the order in which they were written; the first one begins. */
  readonly steps: readonly WorkflowStep[]
}

/** Where a rule may lead. */
export const targetsOf = (rule: WorkflowRule): readonly string[] => {
  if (!('wait' in rule)) return [rule.to]
  return rule.signals.length > 0 ? [rule.onSignal, rule.onTimeout] : [rule.onTimeout]
}

export const stepOf = ({ steps }: WorkflowDefinition, key: string): WorkflowStep | undefined =>
  steps.find((step) => step.key === key)

/** How long a rule waits, in milliseconds. */
export const waitMs = ({ wait }: WaitRule): number => durationMs(wait) ?? 0

/** Every signal that ends a wait somewhere: others mean nothing to a run of this. */
export const signalsOf = ({ steps }: WorkflowDefinition): readonly string[] => [
  ...new Set(steps.flatMap(({ next }) => next.flatMap((rule) => ('wait' in rule ? rule.signals : [])))),
]

/** How a delivery can end in the very transaction that plans it. */
const AT_ONCE: readonly WorkflowOutcome[] = ['suppressed', 'expired']

/**
 * The steps that a trigger may come to by itself: those that follow one that needs nobody but the trigger, or that is
 * stopped when it is planned. `conditions` are the answers to the named questions.
 */
export const stepsAtOnce = (
  definition: WorkflowDefinition,
  conditions: Readonly<Record<string, boolean>>,
): ReadonlySet<string> => {
  const found = new Set<string>()
  const walk = (key: string): void => {
    const step = stepOf(definition, key)
    if (!step || found.has(key)) return
    found.add(key)
    const ends = step.channel === 'in_app' ? [...AT_ONCE, 'delivered'] : AT_ONCE
    for (const rule of step.next) {
      if ('wait' in rule) return
      if ('on' in rule && rule.on.some((outcome) => ends.includes(outcome))) walk(rule.to)
      if ('when' in rule && conditions[rule.when]) {
        walk(rule.to)
        return
      }
    }
  }
  const [first] = definition.steps
  if (first) walk(first.key)
  return found
}
