import { jsonFault } from '../core/json-limits.ts'
import type { Recipient } from '../core/recipient.ts'
import { type GivenPayload, NotifierError, render, renderIdentity } from '../notifiers/invoke.ts'
import type { AnyDefinition } from '../notifiers/notifier.ts'
import type { Capabilities } from './capabilities.ts'

/** One channel's content for one recipient, and which template made it. */
export interface Rendered {
  readonly content: unknown
  readonly renderKey: string
  readonly renderVersion: number
}

/** Renders as for sending: by the notifier's code, checked against the channel's contract and against what can be stored. */
export const renderContent = async (
  { contractOf }: Pick<Capabilities, 'contractOf'>,
  definition: AnyDefinition,
  {
    channel,
    stepKey = '',
    payload,
    recipient,
  }: {
    readonly channel: string
    /** The workflow step that it is for; '' where it is for none. */
    readonly stepKey?: string
    readonly payload: GivenPayload
    readonly recipient: Recipient
  },
): Promise<Rendered> => {
  const content = await render(definition, { channel, stepKey, payload, recipient, contract: contractOf(channel) })
  refuseUnsendable(definition, `render.${channel}`, content)
  const identity = renderIdentity(definition, channel)
  return { content, renderKey: identity.key, renderVersion: identity.version }
}

/** Refuses content that the database or a provider could not take. */
export const refuseUnsendable = (definition: AnyDefinition, member: string, content: unknown): void => {
  const fault = jsonFault(content, [])
  if (fault)
    throw new NotifierError(definition, member, `returned content that cannot be stored or sent: it ${fault.message}`)
}

/** The notifier of an event that was accepted earlier; it throws where the code no longer has it. */
export const storedDefinition = (
  { notifiers }: Pick<Capabilities, 'notifiers'>,
  notificationKey: string,
): AnyDefinition => {
  const definition = notifiers.get(notificationKey)
  if (!definition) throw new Error(`There is no notifier "${notificationKey}" any more`)
  return definition
}
