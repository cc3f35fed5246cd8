import type { Recipient } from '../../core/recipient.ts'
import { stepsAtOnce, type WorkflowDefinition } from '../../core/workflow/definition.ts'
import { answersOf, type GivenPayload } from '../../notifiers/invoke.ts'
import type { AnyDefinition } from '../../notifiers/notifier.ts'
import { workflowOf } from '../../notifiers/workflow.ts'
import type { Capabilities } from '../capabilities.ts'
import { renderContent } from '../render-content.ts'
import type { PreparedChannel } from '../trigger/prepare.ts'

/** A workflow with the host's code run for one recipient. */
export interface PreparedWorkflow {
  readonly definition: WorkflowDefinition
  /** The answers to its named questions. */
  readonly conditions: Readonly<Record<string, boolean>>
  /** The chosen ones among its steps' channels, by name. */
  readonly channels: ReadonlyMap<string, PreparedChannel>
  /** The in-app content of steps that the trigger may come to by itself, by step. */
  readonly contents: ReadonlyMap<string, unknown>
}

/** Asks the notifier's code what a workflow is to know of one recipient; `null` where there is no workflow. */
export const prepareWorkflow = async (
  capabilities: Pick<Capabilities, 'contractOf'>,
  definition: AnyDefinition,
  {
    payload,
    recipient,
    channels,
  }: { readonly payload: GivenPayload; readonly recipient: Recipient; readonly channels: readonly PreparedChannel[] },
): Promise<PreparedWorkflow | null> => {
  const workflow = workflowOf(definition)
  if (!workflow) return null
  const conditions = await answersOf(definition, payload, recipient)
  const named = new Set(workflow.steps.map((step) => step.channel))
  const chosen = new Map(channels.filter(({ channel }) => named.has(channel)).map((one) => [one.channel, one]))
  const atOnce = chosen.has('in_app') ? stepsAtOnce(workflow, conditions) : new Set()
  const contents = new Map<string, unknown>()
  for (const { key: stepKey, channel } of workflow.steps) {
    if (channel !== 'in_app' || !atOnce.has(stepKey)) continue
    const { content } = await renderContent(capabilities, definition, { channel, stepKey, payload, recipient })
    contents.set(stepKey, content)
  }
  return { definition: workflow, conditions, channels: chosen, contents }
}
