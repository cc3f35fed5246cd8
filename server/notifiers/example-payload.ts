import type { z } from 'zod'
import type { AnyDefinition } from './notifier.ts'
import { payloadSchemaOf } from './payload-schema.ts'

/** As much of JSON Schema as zod writes and an example can be made of. */
interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly default?: unknown
  readonly examples?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly prefixItems?: readonly Schema[]
  readonly minItems?: number
  readonly maxItems?: number
  readonly format?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
}

/** What is made next: of which part, under what name, and how deep that stands. */
interface Place {
  readonly root: Schema
  readonly name: string
  readonly depth: number
}

/** A schema may contain itself. */
const MAX_DEPTH = 16

const OF_FORMAT: Readonly<Record<string, string>> = {
  email: 'bob@example.com',
  uri: 'https://example.com/',
  'date-time': '2030-01-04T22:30:00Z',
  date: '2030-01-04',
  time: '22:30:00',
  duration: 'PT1H',
  uuid: '0191e0a0-0000-7000-8000-000000000000',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
}

/** By what it is called, for text that may be anything. The other examples are about Bob. */
const OF_NAME: readonly (readonly [RegExp, string])[] = [
  [/e-?mail/i, 'bob@example.com'],
  [/phone/i, '+442079460000'],
  [/ur[il]|link|href/i, 'https://example.com/'],
  [/currency/i, 'EUR'],
  [/country/i, 'GB'],
  [/locale|language/i, 'en'],
  [/zone/i, 'Europe/London'],
  [/user|member|recipient|assignee|owner|mention/i, 'bob'],
  [/at$|date|time/i, '2030-01-04T22:30:00Z'],
]

const textFor = ({ format, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: Schema, { name }: Place): string => {
  const text = OF_FORMAT[format ?? ''] ?? OF_NAME.find(([names]) => names.test(name))?.[1] ?? name
  return text.padEnd(minLength, 'x').slice(0, maxLength)
}

const numberFor = (schema: Schema): number => {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, type } = schema
  const step = multipleOf ?? (type === 'integer' ? 1 : 0)
  const least = Math.max(
    minimum ?? Number.NEGATIVE_INFINITY,
    (exclusiveMinimum ?? Number.NEGATIVE_INFINITY) + (step || 1),
  )
  const most = Math.min(
    maximum ?? Number.POSITIVE_INFINITY,
    (exclusiveMaximum ?? Number.POSITIVE_INFINITY) - (step || 1),
  )
  const wanted = Math.min(Math.max(1, least), most)
  return step > 0 ? Math.ceil(wanted / step) * step : wanted
}

const listFor = ({ items, prefixItems = [], minItems = 1, maxItems = minItems }: Schema, place: Place): unknown[] => {
  const first = prefixItems.map((item) => exampleFor(item, place))
  const others = Math.min(Math.max(minItems, first.length), maxItems) - first.length
  return items ? [...first, ...Array.from({ length: Math.max(0, others) }, () => exampleFor(items, place))] : first
}

const objectFor = ({ properties = {}, required = [] }: Schema, place: Place): object =>
  Object.fromEntries(
    required.map((name) => [name, exampleFor(properties[name] ?? {}, { ...place, name, depth: place.depth + 1 })]),
  )

const isNull = ({ type, const: only }: Schema): boolean => type === 'null' || only === null

const exampleFor = (schema: Schema, place: Place): unknown => {
  const { root, depth } = place
  if (depth > MAX_DEPTH) return null
  if (schema.$ref !== undefined) {
    const name = /^#\/\$defs\/(.+)$/.exec(schema.$ref)?.[1]
    const target = name === undefined ? root : root.$defs?.[name]
    return target ? exampleFor(target, { ...place, depth: depth + 1 }) : null
  }
  if ('const' in schema) return schema.const
  for (const given of [schema.examples, schema.enum]) if (given && given.length > 0) return given[0]
  if ('default' in schema) return schema.default
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return exampleFor(choices.find((one) => !isNull(one)) ?? choices[0] ?? {}, place)
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => exampleFor(part, place))
    return parts.every((part) => typeof part === 'object') ? Object.assign({}, ...parts) : parts[0]
  }
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type
  switch (type) {
    case 'object':
      return objectFor(schema, place)
    case 'array':
      return listFor(schema, place)
    case 'number':
    case 'integer':
      return numberFor(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return textFor(schema, place)
  }
}

/** An example of a notifier's payload, and what its schema finds wrong with it, where that says more than can be guessed. */
export interface ExamplePayload {
  readonly payload: unknown
  readonly faults: readonly string[]
}

/** What a notifier's schema finds wrong with a payload, a sentence each. */
export const payloadFaults = (definition: AnyDefinition, payload: unknown): readonly string[] => {
  try {
    const { error } = (definition.payload as z.ZodType).safeParse(payload)
    return error ? error.issues.map(({ path, message }) => `${path.join('.') || 'payload'}: ${message}`) : []
  } catch {
    // It takes its time, which it has at the trigger alone.
    return ['payload: is checked by code that waits for something']
  }
}

/** Makes a payload that a notifier's schema takes: its required fields, with plausible values. */
export const examplePayload = (definition: AnyDefinition): ExamplePayload => {
  const root = payloadSchemaOf(definition.payload) as Schema
  const payload = exampleFor(root, { root, name: 'payload', depth: 0 })
  return { payload, faults: payloadFaults(definition, payload) }
}
