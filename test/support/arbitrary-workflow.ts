import fc from 'fast-check'
import { WORKFLOW_OUTCOMES, type WorkflowDefinition, type WorkflowRule } from '../../server/core/workflow/definition.ts'

/** Signals that hosts give in generated workflows. */
export const HOST_SIGNALS = ['paid', 'shipped'] as const

const CHANNELS = ['in_app', 'pager', 'siren'] as const
const WAITS = ['1m', '1h', '1d'] as const

/** What a step's rules are drawn from, before it is known where they may lead. */
const draft = fc.record({
  channel: fc.constantFrom(...CHANNELS),
  rules: fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant('on' as const),
        on: fc.uniqueArray(fc.constantFrom(...WORKFLOW_OUTCOMES), { minLength: 1, maxLength: 3 }),
        to: fc.nat(),
      }),
      fc.record({ kind: fc.constant('when' as const), when: fc.constantFrom('large', 'urgent'), to: fc.nat() }),
    ),
    { maxLength: 2 },
  ),
  wait: fc.option(
    fc.record({
      wait: fc.constantFrom(...WAITS),
      signals: fc.uniqueArray(fc.constantFrom(...HOST_SIGNALS, 'notification.read'), { maxLength: 2 }),
      onSignal: fc.nat(),
      onTimeout: fc.nat(),
    }),
    { nil: null, freq: 3 },
  ),
})

/** A later step, or the end. */
const targetAfter = (index: number, size: number, drawn: number): string => {
  const later = size - index - 1
  const place = drawn % (later + 1)
  return place === later ? 'stop' : `s${index + 1 + place}`
}

/** Workflows that are sound but for steps that nothing leads to, which a definition is pruned of. */
export const arbitraryWorkflow = (key = 'drawn'): fc.Arbitrary<WorkflowDefinition> =>
  fc.array(draft, { minLength: 1, maxLength: 5 }).map((drafts) => {
    const size = drafts.length
    const steps = drafts.map(({ channel, rules, wait }, index) => {
      const to = (drawn: number) => targetAfter(index, size, drawn)
      const left = new Set<string>(WORKFLOW_OUTCOMES)
      const next: WorkflowRule[] = []
      for (const rule of rules) {
        if (rule.kind === 'when') next.push({ when: rule.when, to: to(rule.to) })
        else if (rule.on.some((outcome) => left.has(outcome)) && left.size > rule.on.length) {
          next.push({ on: rule.on, to: to(rule.to) })
          for (const outcome of rule.on) left.delete(outcome)
        }
      }
      if (wait) {
        const onSignal = wait.signals.length > 0 ? to(wait.onSignal) : 'stop'
        next.push({ wait: wait.wait, signals: wait.signals, onSignal, onTimeout: to(wait.onTimeout) })
      }
      return { key: `s${index}`, channel, next }
    })
    const reached = new Set<string>()
    const walk = (name: string): void => {
      const step = steps.find((one) => one.key === name)
      if (!step || reached.has(name)) return
      reached.add(name)
      for (const rule of step.next) {
        if (!('wait' in rule)) walk(rule.to)
        else {
          walk(rule.onTimeout)
          if (rule.signals.length > 0) walk(rule.onSignal)
        }
      }
    }
    walk('s0')
    return { key, version: 1, steps: steps.filter((step) => reached.has(step.key)) }
  })
