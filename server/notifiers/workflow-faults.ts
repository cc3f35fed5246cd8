import { durationMs } from '../core/duration.ts'
import { idFault } from '../core/json-limits.ts'
import { STOP, targetsOf, WORKFLOW_OUTCOMES, type WorkflowDefinition } from '../core/workflow/definition.ts'
import { DELIVERY_SIGNALS, isInnerSignal, NOTIFICATION_SIGNALS } from '../core/workflow/ending.ts'
import type { AnyDefinition } from './notifier.ts'
import { workflowOf } from './workflow.ts'

/** A wait longer than this is more likely a mistake. */
const MAX_WAIT_MS = 3_650 * 86_400_000
const MAX_SIGNALS = 10

const INNER_SIGNALS: readonly string[] = [...NOTIFICATION_SIGNALS, ...DELIVERY_SIGNALS]

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const nameFault = (field: string, name: unknown): string[] => {
  if (typeof name !== 'string') return [`${field} must be text`]
  const fault = idFault(name, [])
  return fault ? [`${field} ${fault.message}`] : []
}

const targetFaults = (field: string, target: unknown, keys: ReadonlySet<unknown>): string[] =>
  target === STOP || keys.has(target)
    ? []
    : [`${field} leads to ${JSON.stringify(target) ?? 'nowhere'}, which is no step; give a step's key or "${STOP}"`]

const outcomeFaults = (field: string, on: unknown): string[] => {
  const outcomes: readonly unknown[] = Array.isArray(on) ? on : [on]
  if (outcomes.length === 0) return [`${field}.on is empty, so the rule never fits`]
  return outcomes
    .filter((outcome) => !WORKFLOW_OUTCOMES.some((known) => known === outcome))
    .map((outcome) => `${field}.on holds ${JSON.stringify(outcome)}; outcomes are ${WORKFLOW_OUTCOMES.join(', ')}`)
}

const signalFaults = (field: string, signals: unknown): string[] => {
  if (!Array.isArray(signals)) return [`${field}.signals must be a list`]
  const faults = signals.flatMap((name) => nameFault(`${field}.signals`, name))
  if (faults.length > 0) return faults
  if (signals.length > MAX_SIGNALS) faults.push(`${field}.signals holds more than ${MAX_SIGNALS}`)
  if (new Set(signals).size !== signals.length) faults.push(`${field}.signals names a signal twice`)
  for (const name of signals as readonly string[]) {
    if (isInnerSignal(name) && !INNER_SIGNALS.includes(name)) {
      faults.push(
        `${field}.signals holds "${name}", which is never given; from within there are ${INNER_SIGNALS.join(', ')}`,
      )
    }
  }
  return faults
}

const waitFaults = (field: string, rule: Readonly<Record<string, unknown>>, keys: ReadonlySet<unknown>): string[] => {
  const { wait, signals, onSignal, onTimeout } = rule
  const ms = typeof wait === 'string' ? durationMs(wait) : null
  const faults =
    ms === null || ms <= 0 || ms > MAX_WAIT_MS
      ? [`${field}.wait must be a duration of up to 3650 days, such as "1h" or "3d"`]
      : []
  if (signals !== undefined) faults.push(...signalFaults(field, signals))
  if (onSignal !== undefined) {
    if (!Array.isArray(signals) || signals.length === 0) faults.push(`${field}.onSignal has no \`signals\` to follow`)
    faults.push(...targetFaults(`${field}.onSignal`, onSignal, keys))
  }
  return [...faults, ...targetFaults(`${field}.onTimeout`, onTimeout, keys)]
}

const RULE_KINDS = {
  on: ['on', 'to'],
  when: ['when', 'test', 'to'],
  wait: ['wait', 'signals', 'onSignal', 'onTimeout'],
} as const

const ruleFaults = (field: string, rule: unknown, keys: ReadonlySet<unknown>): string[] => {
  const kind = isObject(rule)
    ? (Object.keys(RULE_KINDS) as (keyof typeof RULE_KINDS)[]).filter((name) => rule[name] !== undefined)
    : []
  const [only, ...others] = kind
  if (!isObject(rule) || only === undefined || others.length > 0) {
    return [`${field} must have exactly one of \`on\`, \`when\` and \`wait\``]
  }
  const strange = Object.keys(rule).filter((name) => !(RULE_KINDS[only] as readonly string[]).includes(name))
  const faults = strange.map((name) => `${field}.${name} does not go with \`${only}\``)
  if (only === 'wait') return [...faults, ...waitFaults(field, rule, keys)]
  faults.push(...targetFaults(`${field}.to`, rule['to'], keys))
  if (only === 'on') return [...faults, ...outcomeFaults(field, rule['on'])]
  faults.push(...nameFault(`${field}.when`, rule['when']))
  if (typeof rule['test'] !== 'function') faults.push(`${field}.test must be a function`)
  return faults
}

/** Rules that are never asked, because those before them have decided whatever comes. */
const idleFaults = ({ steps }: WorkflowDefinition): string[] =>
  steps.flatMap(({ key, next }) => {
    const left = new Set<string>(WORKFLOW_OUTCOMES)
    return next.flatMap((rule, index) => {
      const field = `\`workflow.steps.${key}.next[${index}]\``
      if (left.size === 0) return [`${field} is never asked: a rule before it always fits`]
      if ('wait' in rule) left.clear()
      if (!('on' in rule)) return []
      if (!rule.on.some((outcome) => left.has(outcome)))
        return [`${field} never fits: rules before it take its outcomes`]
      for (const outcome of rule.on) left.delete(outcome)
      return []
    })
  })

/** Steps that nothing leads to, and steps that lead back to themselves: a run takes each once. */
const pathFaults = ({ steps }: WorkflowDefinition): string[] => {
  const next = new Map(steps.map((step) => [step.key, step.next.flatMap(targetsOf)]))
  const reached = new Set<string>()
  const cycles = new Set<string>()
  const walk = (key: string, above: readonly string[]): void => {
    if (above.includes(key)) return void cycles.add([...above.slice(above.indexOf(key)), key].join(' → '))
    if (reached.has(key)) return
    reached.add(key)
    for (const target of next.get(key) ?? []) if (next.has(target)) walk(target, [...above, key])
  }
  const [first] = steps
  if (first) walk(first.key, [])
  return [
    ...steps
      .filter(({ key }) => !reached.has(key))
      .map(({ key }) => `\`workflow.steps.${key}\` is unreachable: no rule of a step that is reached leads to it`),
    ...[...cycles].map((path) => `\`workflow.steps\` lead in a circle (${path}): a run takes each step once`),
  ]
}

/** One name asks one question, wherever it stands. */
const questionFaults = ({ workflow }: AnyDefinition): string[] => {
  const asked = new Map<string, string>()
  const faults: string[] = []
  for (const { key, next = [] } of workflow?.steps ?? []) {
    for (const rule of next) {
      if (!('when' in rule)) continue
      const text = String(rule.test)
      if ((asked.get(rule.when) ?? text) !== text) {
        faults.push(`\`workflow.steps.${key}\` asks "${rule.when}" by another test than a step before it`)
      }
      asked.set(rule.when, text)
    }
  }
  return faults
}

const isVersion = (version: unknown): boolean =>
  Number.isInteger(version) && (version as number) >= 1 && (version as number) < 2 ** 31

const stepFaults = (
  { channels, render }: AnyDefinition,
  step: unknown,
  { index, keys }: { readonly index: number; readonly keys: ReadonlySet<unknown> },
): string[] => {
  if (!isObject(step)) return [`\`workflow.steps[${index}]\` must be an object with a key and a channel`]
  const { key, channel, next } = step
  const field = `\`workflow.steps.${typeof key === 'string' && key.trim() !== '' ? key : `[${index}]`}\``
  const faults = nameFault(`the key of ${field}`, key)
  if (key === STOP) faults.push(`${field}: "${STOP}" is where rules end a workflow, and no name of a step`)
  const possible: readonly unknown[] = Array.isArray(channels) ? channels : Object.keys(render ?? {})
  if (!possible.includes(channel)) {
    faults.push(`${field}.channel is ${JSON.stringify(channel)}, which is no channel of this notifier`)
  }
  if (step['render'] !== undefined && typeof step['render'] !== 'function') {
    faults.push(`${field}.render must be a function`)
  }
  if (next === undefined) return faults
  if (!Array.isArray(next)) return [...faults, `${field}.next must be a list of rules`]
  return [...faults, ...next.flatMap((rule, place) => ruleFaults(`${field}.next[${place}]`, rule, keys))]
}

/** What is wrong with a notifier's workflow, each as a sentence that names the step and the field; nothing where it has none. */
export const workflowFaults = (definition: AnyDefinition): readonly string[] => {
  const workflow: unknown = definition.workflow
  if (workflow === undefined) return []
  if (!isObject(workflow)) return ['`workflow` must be an object with a key, a version and steps']
  const { key, version, steps } = workflow
  const faults = nameFault('`workflow.key`', key)
  if (!isVersion(version)) faults.push('`workflow.version` must be a positive whole number')
  if (!Array.isArray(steps) || steps.length === 0)
    return [...faults, '`workflow.steps` must be a list of one step or more']
  const all = steps.map((step: unknown) => (isObject(step) ? step['key'] : undefined))
  const keys = new Set<unknown>(all)
  for (const [index, one] of all.entries()) {
    if (one !== undefined && all.indexOf(one) < index)
      faults.push(`\`workflow.steps\` holds two steps "${String(one)}"`)
  }
  faults.push(...steps.flatMap((step, index) => stepFaults(definition, step, { index, keys })))
  // How the steps hang together can be asked where each is sound.
  const stored = faults.length === 0 ? workflowOf(definition) : null
  return stored ? [...idleFaults(stored), ...pathFaults(stored), ...questionFaults(definition)] : faults
}
