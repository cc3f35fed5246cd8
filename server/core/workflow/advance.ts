import {
  STOP,
  signalsOf,
  stepOf,
  type WaitRule,
  type WorkflowDefinition,
  type WorkflowRule,
  waitMs,
} from './definition.ts'
import {
  isOver,
  type Run,
  type RunEffect,
  type RunEvent,
  type RunReason,
  type RunState,
  type RunTransition,
} from './run.ts'

/** A run before anything has happened to it. `conditions` are the answers to its workflow's named questions. */
export const newRun = ({ steps }: WorkflowDefinition, conditions: Readonly<Record<string, boolean>>): Run => ({
  state: 'active',
  stepKey: steps[0]?.key ?? STOP,
  deliveryId: null,
  statusReason: 'workflow_started',
  waitingUntil: null,
  waitingFor: [],
  conditions,
  heard: [],
  told: [],
})

type Moved = readonly [Run, readonly RunEffect[]]

const still = (run: Run): Moved => [run, []]

interface Move {
  readonly to: RunState
  readonly reason: RunReason
  readonly context?: RunTransition['context']
  /** Told in the history alone: what it is a part of says more. */
  readonly inPassing?: boolean
}

/** A run and what is to be done, one move further. */
const move = ([run, effects]: Moved, { to, reason, context = {}, inPassing = false }: Move): Moved => [
  {
    ...run,
    state: to,
    statusReason: inPassing ? run.statusReason : reason,
    ...(to !== 'waiting' && { waitingUntil: null, waitingFor: [] }),
  },
  [
    ...effects,
    {
      kind: 'record',
      transition: {
        fromState: run.state,
        toState: to,
        stepKey: run.stepKey,
        deliveryId: run.deliveryId,
        reason,
        context,
      },
    },
  ],
]

/** Goes where a rule leads: to the next step, or to the end. */
const follow = (
  moved: Moved,
  to: string,
  {
    reason = 'progressed_on_delivery_outcome',
    ...context
  }: Readonly<Record<string, unknown>> & { readonly reason?: RunReason },
): Moved => {
  if (to === STOP) return move(moved, { to: 'stopped', reason: 'workflow_stopped', context })
  const fromStep = moved[0].stepKey
  const [run, effects] = move(moved, {
    to: 'active',
    reason: 'progressed_on_delivery_outcome',
    context: { ...context, fromStep, toStep: to },
  })
  return [{ ...run, stepKey: to, deliveryId: null, statusReason: reason }, [...effects, { kind: 'plan', stepKey: to }]]
}

const fits = (rule: WorkflowRule, outcome: string, { conditions }: Run): boolean => {
  if ('wait' in rule) return true
  return 'on' in rule ? (rule.on as readonly string[]).includes(outcome) : conditions[rule.when] === true
}

/** The rule of the present step by which a run waits. */
const waitOf = (definition: WorkflowDefinition, { stepKey }: Run): WaitRule | undefined =>
  stepOf(definition, stepKey)?.next.find((rule): rule is WaitRule => 'wait' in rule)

const receive = (
  moved: Moved,
  { onSignal }: WaitRule,
  { name, signalId, at }: { readonly name: string; readonly signalId: string | null; readonly at: string },
): Moved => {
  const signal = { signal: name, ...(signalId !== null && { signalId }) }
  const received = move(moved, {
    to: 'active',
    reason: 'signal_received',
    context: { ...signal, receivedAt: at },
    inPassing: true,
  })
  return follow(received, onSignal, {
    reason: 'signal_received',
    ruleKind: 'signal',
    outcome: 'signal_received',
    ...signal,
  })
}

/** Begins a wait; what was heard before ends it at once. */
const beginWait = (
  run: Run,
  rule: WaitRule,
  { now, cause }: { readonly now: Date; readonly cause: RunTransition['context'] },
): Moved => {
  const waitingUntil = new Date(now.getTime() + waitMs(rule))
  const { signals, onSignal, onTimeout } = rule
  const context = {
    ...cause,
    ruleKind: 'wait_until',
    wait: rule.wait,
    dueAt: waitingUntil.toISOString(),
    toStep: onTimeout,
    ...(signals.length > 0 && { signals, onSignal }),
  }
  const [waiting, effects] = move(still(run), { to: 'waiting', reason: 'waiting_for_step_progression', context })
  const begun: Moved = [{ ...waiting, waitingUntil, waitingFor: signals }, effects]
  const early = run.heard.find(({ name }) => signals.includes(name))
  if (!early) return begun
  return receive([{ ...begun[0], heard: run.heard.filter((one) => one !== early) }, begun[1]], rule, early)
}

const ended = (
  definition: WorkflowDefinition,
  run: Run,
  { outcome, suppressionReason }: Extract<RunEvent, { kind: 'ended' }>,
  now: Date,
): Moved => {
  const step = stepOf(definition, run.stepKey)
  // A further arrival renews the item: what is done to it then is done for the first time.
  const renewed = step?.channel === 'in_app' && outcome === 'delivered'
  const told = renewed ? run.told.filter((name) => !name.startsWith('notification.')) : run.told
  const present: Run = { ...run, told }
  const cause = { outcome, ...(suppressionReason !== null && { suppressionReason }) }
  const rule = step?.next.find((one) => fits(one, outcome, run))
  if (!rule) {
    const context = { ...cause, ruleKind: 'implicit_completion' }
    return move(still(present), { to: 'completed', reason: 'workflow_completed', context })
  }
  if ('wait' in rule) return beginWait(present, rule, { now, cause })
  const kind = 'when' in rule ? { ruleKind: 'condition', when: rule.when } : { ruleKind: 'on_outcome' }
  return follow(still(present), rule.to, { ...cause, ...kind })
}

const hear = (
  definition: WorkflowDefinition,
  run: Run,
  { name, signalId = null, once }: Extract<RunEvent, { kind: 'signal' }>,
  now: Date,
): Moved => {
  if (!signalsOf(definition).includes(name)) return still(run)
  if (once !== undefined && run.told.includes(once)) return still(run)
  const heard = { name, at: now.toISOString(), signalId }
  const present: Run = once === undefined ? run : { ...run, told: [...run.told, once] }
  const rule = run.state === 'waiting' && run.waitingFor.includes(name) ? waitOf(definition, run) : undefined
  if (rule) return receive(still(present), rule, heard)
  // Each wait is ended by one: more than there are steps can never count.
  const same = run.heard.filter((one) => one.name === name)
  return still(same.length < definition.steps.length ? { ...present, heard: [...run.heard, heard] } : present)
}

const wake = (definition: WorkflowDefinition, run: Run, now: Date): Moved => {
  const rule = waitOf(definition, run)
  if (run.state !== 'waiting' || !run.waitingUntil || run.waitingUntil > now || !rule) return still(run)
  const woken = move(still(run), {
    to: 'active',
    reason: 'reactivated_from_wait',
    context: { dueAt: run.waitingUntil.toISOString() },
    inPassing: true,
  })
  return follow(woken, rule.onTimeout, { ruleKind: 'wait_until', outcome: 'wait_elapsed' })
}

/**
 * What becomes of a run when something happens, and what is to be done about it; as it was, and nothing, where that does
 * not concern it. A step's delivery counts once, while it is the present step's; what is over stays over.
 */
export const advance = (definition: WorkflowDefinition, run: Run, event: RunEvent, now: Date): Moved => {
  if (isOver(run)) return still(run)
  switch (event.kind) {
    case 'started': {
      const [started, effects] = move(still(run), {
        to: 'active',
        reason: 'workflow_started',
        context: { source: 'trigger' },
      })
      const first = effects.map((effect) =>
        effect.kind === 'record' ? { ...effect, transition: { ...effect.transition, fromState: null } } : effect,
      )
      return [started, [...first, { kind: 'plan', stepKey: run.stepKey }]]
    }
    case 'planned': {
      if (event.stepKey !== run.stepKey || run.deliveryId !== null || run.state !== 'active') return still(run)
      const planned = { ...run, deliveryId: event.deliveryId }
      return move(still(planned), {
        to: 'active',
        reason: 'step_activated',
        context: { stepKey: run.stepKey },
        inPassing: true,
      })
    }
    case 'unplannable': {
      if (event.stepKey !== run.stepKey || run.deliveryId !== null || run.state !== 'active') return still(run)
      const channel = stepOf(definition, run.stepKey)?.channel
      return move(still(run), { to: 'stopped', reason: 'render_missing', context: { stepKey: run.stepKey, channel } })
    }
    case 'ended':
      if (run.state !== 'active' || run.deliveryId !== event.deliveryId) return still(run)
      return ended(definition, run, event, now)
    case 'signal':
      return hear(definition, run, event, now)
    case 'wake':
      return wake(definition, run, now)
    case 'cancelled':
      if (event.deliveryId !== undefined && event.deliveryId !== run.deliveryId) return still(run)
      return move(still(run), { to: 'cancelled', reason: event.reason, context: event.context ?? {} })
  }
}
