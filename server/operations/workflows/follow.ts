import { advance } from '../../core/workflow/advance.ts'
import type { WorkflowDefinition } from '../../core/workflow/definition.ts'
import type { Run, RunEvent } from '../../core/workflow/run.ts'
import type { NewMove } from '../../db/sql/write-runs.ts'

/** A run after what happened to it, and its moves, oldest first. */
export interface Followed {
  readonly run: Run
  readonly moves: readonly NewMove[]
}

/**
 * Carries a run as far as it goes now. `plan` plans a step's delivery and says what comes of that: one that ends at once
 * moves the run on before anything else that happened to it.
 */
export const follow = (
  definition: WorkflowDefinition,
  run: Run,
  {
    events,
    now,
    newId,
    plan,
  }: {
    readonly events: readonly RunEvent[]
    readonly now: Date
    readonly newId: () => string
    readonly plan: (stepKey: string) => readonly RunEvent[]
  },
): Followed => {
  const moves: NewMove[] = []
  const rest = [...events]
  let present = run
  for (let event = rest.shift(); event; event = rest.shift()) {
    const [next, effects] = advance(definition, present, event, now)
    present = next
    const caused: RunEvent[] = []
    for (const effect of effects) {
      if (effect.kind === 'record') moves.push({ ...effect.transition, id: newId() })
      else caused.push(...plan(effect.stepKey))
    }
    rest.unshift(...caused)
  }
  return { run: present, moves }
}
