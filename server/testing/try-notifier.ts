import type { CarillonConfig } from '../config.ts'
import { mergeRecipient, normaliseRecipients, type Recipient } from '../core/recipient.ts'
import { contractOf } from '../core/render-contracts.ts'
import {
  answersOf,
  channelsFor,
  parsePayload,
  recipientsOf,
  render,
  renderIdentity,
  wholePayload,
} from '../notifiers/invoke.ts'
import type { AnyDefinition, Notifier } from '../notifiers/notifier.ts'
import { buildRegistry } from '../notifiers/registry.ts'

export interface TryNotifierOptions {
  readonly payload: unknown
  /** In addition to whom the notifier names, as in a trigger. */
  readonly recipients?: readonly Recipient[]
  /** Who did it: is not told of it. */
  readonly actorId?: string | null
  /** The configuration's contracts of channels of your own. */
  readonly channels?: CarillonConfig['channels']
}

/** One channel's message to one recipient. */
export interface TriedMessage {
  readonly recipientId: string
  readonly channel: string
  /** The workflow step whose own render made it; left out for what the notifier makes for the channel. */
  readonly stepKey?: string
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever its channel's content is.
  readonly content: any
  readonly renderKey: string
  readonly renderVersion: number
}

const payloadFault = async (definition: AnyDefinition, payload: unknown): Promise<string | null> => {
  const parsed = await parsePayload(definition, payload)
  if (parsed.success) return null
  const [issue] = parsed.error.issues
  return `${issue?.path.join('.') || 'payload'}: ${issue?.message}`
}

/** The steps on a channel that make their content themselves. */
const ownRendersOf = ({ workflow }: AnyDefinition, channel: string): readonly string[] =>
  (workflow?.steps ?? []).filter((step) => step.channel === channel && step.render).map(({ key }) => key)

/**
 * What a notifier makes of a payload: every message to every recipient, by the checks and limits of the server, without
 * one. Nobody's preferences are asked and nothing is sent. Rejects where the server would refuse the notifier at its
 * start, the payload at a trigger, or the content when it is rendered.
 */
export const tryNotifier = async (
  notifier: Notifier,
  { payload, recipients = [], actorId = null, channels }: TryNotifierOptions,
): Promise<readonly TriedMessage[]> => {
  const definition = buildRegistry([notifier]).get(notifier.key) as AnyDefinition
  const fault = await payloadFault(definition, payload)
  if (fault !== null) throw new Error(`Notifier "${notifier.key}": the payload does not fit: ${fault}`)
  const given = wholePayload(definition, payload)
  const named = (await recipientsOf(definition, given)) ?? []
  const messages: TriedMessage[] = []
  for (const mentioned of normaliseRecipients([...named, ...recipients], actorId)) {
    const recipient = mergeRecipient(undefined, mentioned)
    for (const channel of await channelsFor(definition, given, recipient)) {
      const contract = contractOf(channel, channels)
      const content = await render(definition, { channel, payload: given, recipient, contract })
      const { key: renderKey, version: renderVersion } = renderIdentity(definition, channel)
      const identity = { recipientId: recipient.id, channel, renderKey, renderVersion }
      messages.push({ ...identity, content })
      for (const stepKey of ownRendersOf(definition, channel)) {
        const ofStep = await render(definition, { channel, stepKey, payload: given, recipient, contract })
        messages.push({ ...identity, stepKey, content: ofStep })
      }
    }
    // A question that throws would fail the trigger.
    await answersOf(definition, given, recipient)
  }
  return messages
}
