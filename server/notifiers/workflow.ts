import { STOP, type WorkflowDefinition, type WorkflowOutcome, type WorkflowRule } from '../core/workflow/definition.ts'
import type { AnyDefinition, RenderContext } from './notifier.ts'

type Declared = NonNullable<AnyDefinition['workflow']>
type DeclaredRule = NonNullable<Declared['steps'][number]['next']>[number]

/** A named question of a workflow, asked once for each recipient, at the trigger. */
export type ConditionTest = (context: RenderContext<unknown>) => boolean

const listOf = <T>(value: T | readonly T[]): readonly T[] => (Array.isArray(value) ? value : [value as T])

const ruleOf = (rule: DeclaredRule): WorkflowRule => {
  if ('wait' in rule) {
    const { wait, signals = [], onSignal = STOP, onTimeout } = rule
    return { wait, signals: [...signals], onSignal, onTimeout }
  }
  return 'on' in rule ? { on: [...listOf<WorkflowOutcome>(rule.on)], to: rule.to } : { when: rule.when, to: rule.to }
}

const known = new WeakMap<AnyDefinition, WorkflowDefinition>()

/** A notifier's workflow as it is stored: plain data, without its functions; `null` where it has none. */
export const workflowOf = (definition: AnyDefinition): WorkflowDefinition | null => {
  const { workflow } = definition
  if (!workflow) return null
  const read = known.get(definition) ?? {
    key: workflow.key,
    version: workflow.version,
    steps: workflow.steps.map(({ key, channel, next = [] }) => ({ key, channel, next: next.map(ruleOf) })),
  }
  known.set(definition, read)
  return read
}

/** The channels that a workflow's steps are sent on; `null` where there is no workflow. */
export const stepChannelsOf = (definition: AnyDefinition): ReadonlySet<string> | null => {
  const workflow = workflowOf(definition)
  return workflow && new Set(workflow.steps.map(({ channel }) => channel))
}

/** A workflow's questions by name. */
export const conditionTestsOf = ({ workflow }: AnyDefinition): ReadonlyMap<string, ConditionTest> =>
  new Map(
    (workflow?.steps ?? []).flatMap(({ next = [] }) =>
      next.flatMap((rule) => ('when' in rule ? [[rule.when, rule.test] as const] : [])),
    ),
  )

/** What makes a step's content where it is not what the notifier makes for that channel. */
export const stepRenderOf = ({ workflow }: AnyDefinition, stepKey: string) =>
  stepKey === '' ? undefined : workflow?.steps.find(({ key }) => key === stepKey)?.render

/** Whether the code that is there now can make a step's content. */
export const canRenderStep = (
  definition: AnyDefinition | undefined,
  { stepKey, channel }: { readonly stepKey: string; readonly channel: string },
): boolean =>
  definition !== undefined &&
  (stepRenderOf(definition, stepKey) !== undefined || Object.hasOwn(definition.render, channel))
