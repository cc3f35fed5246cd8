import { compare } from '../core/compare.ts'
import { examplePayload } from '../notifiers/example-payload.ts'
import type { AnyDefinition } from '../notifiers/notifier.ts'
import { payloadSchemaOf } from '../notifiers/payload-schema.ts'
import type { Capabilities } from './capabilities.ts'

/** What a server tells of a notifier that it knows. */
export interface KnownNotifier {
  readonly key: string
  readonly version: number
  readonly category: string | null
  readonly description: string | null
  /** Those that it may choose from, in order of name. */
  readonly channels: readonly string[]
  readonly required: boolean
  readonly urgent: boolean
  /** Worked out when it is asked for: JSON Schema of the payload as a caller has to give it. */
  readonly payloadSchema: () => object
  /** Made of that when it is asked for. */
  readonly examplePayload: () => unknown
}

/** The channels that a notifier may choose from. */
export const channelsOf = ({ channels, render }: AnyDefinition): readonly string[] =>
  typeof channels === 'function' ? Object.keys(render) : channels

const describe = (definition: AnyDefinition): KnownNotifier => {
  const { key, version } = definition
  return {
    key,
    version,
    category: definition.category ?? null,
    description: definition.description ?? null,
    channels: [...channelsOf(definition)].sort(),
    required: definition.required ?? false,
    urgent: definition.urgent ?? false,
    payloadSchema: () => payloadSchemaOf(definition.payload),
    examplePayload: () => examplePayload(definition).payload,
  }
}

/** Every notifier, in order of key. */
export const knownNotifiers = ({ notifiers }: Pick<Capabilities, 'notifiers'>): readonly KnownNotifier[] =>
  [...notifiers.values()].sort((a, b) => compare(a.key, b.key)).map(describe)

/** The notifier with this key; `null` where there is none. */
export const knownNotifier = ({ notifiers }: Pick<Capabilities, 'notifiers'>, key: string): KnownNotifier | null => {
  const definition = notifiers.get(key)
  return definition ? describe(definition) : null
}
