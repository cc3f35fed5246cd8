import type { GeneratorValue } from 'fast-check'
import fc from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'
import type { DoorRequest } from '../support/doors.ts'

/** What random operations are made of, beside the schema. */
export interface Ingredients {
  readonly schema: GraphQLSchema
  /** Node ids that there are, of this tenant and of others. */
  readonly ids: readonly string[]
  /** Keys and names that there are. */
  readonly names: readonly string[]
}

const NUMBERS = [0, 1, 2, 20, 100, 101, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 53, 1.5, 1e300]
const TEXTS = [
  '',
  ' ',
  'a',
  '\0',
  '\ud800',
  '__proto__',
  'constructor',
  "'; drop table event; --",
  '{{x}}',
  '💥',
  '%s',
  '-1',
  'x'.repeat(300),
  '\u202e',
  '../..',
  'null',
]
const INSTANTS = [
  '2030-01-01T00:00:00Z',
  '1970-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59Z',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '2030-01-01T00:00:00+14:00',
  'now',
]
const JSONS = [
  null,
  {},
  [],
  { text: 'hello' },
  { text: 7 },
  { a: { b: [1, 'x', null] } },
  'text',
  7,
  { __proto__: 1 },
  [[[[]]]],
]

const MAX_LEVELS = 6

/** Makes an operation out of what the schema allows, with values that are right, nearly right, or nonsense. */
export const randomOperation = (draw: GeneratorValue, { schema, ids, names }: Ingredients): DoorRequest => {
  const pick = <T>(list: readonly T[]): T => list[draw(fc.nat, { max: list.length - 1 })] as T
  const chance = (inHundred: number): boolean => draw(fc.nat, { max: 99 }) < inHundred
  const variables: Record<string, unknown> = {}
  const declared: string[] = []

  const scalar = (name: string): unknown => {
    switch (name) {
      case 'Int':
      case 'Float':
        return chance(60) ? pick([1, 2, 20]) : pick(NUMBERS)
      case 'Boolean':
        return chance(50)
      case 'ID':
        return chance(70) ? pick([...ids, ...names]) : pick(TEXTS)
      case 'DateTime':
        return pick(INSTANTS)
      case 'JSON':
        return pick(JSONS)
      default:
        return chance(60) ? pick(names) : pick([...TEXTS, ...ids])
    }
  }

  const value = (type: GraphQLInputType, level = 0): unknown => {
    if (chance(2)) return pick<unknown>([null, 7, 'x', true, [], {}])
    if (isNonNullType(type)) return value(type.ofType, level)
    if (isListType(type)) return Array.from({ length: pick([0, 1, 1, 2, 3]) }, () => value(type.ofType, level + 1))
    if (isEnumType(type)) return pick(type.getValues()).name
    if (isInputObjectType(type)) {
      const entries = Object.values(type.getFields()).flatMap((field) => {
        const isWanted = isNonNullType(field.type) ? !chance(2) : chance(level > 3 ? 10 : 35)
        return isWanted ? [[field.name, value(field.type, level + 1)] as const] : []
      })
      return Object.fromEntries(entries)
    }
    return scalar(type.name)
  }

  const argument = ({ name, type }: GraphQLArgument): string => {
    const variable = `v${declared.length}`
    declared.push(`$${variable}: ${type}`)
    variables[variable] = value(type)
    return `${name}: $${variable}`
  }

  const argumentsOf = ({ args }: GraphQLField<unknown, unknown>): string => {
    const given = args.filter(({ type }) => (isNonNullType(type) ? !chance(1) : chance(40))).map(argument)
    return given.length > 0 ? `(${given.join(', ')})` : ''
  }

  const selectionOf = (type: GraphQLOutputType, level: number): string => {
    const named = getNamedType(type)
    if (isInterfaceType(named) || isUnionType(named)) {
      const some = pick(schema.getPossibleTypes(named))
      return ` { __typename ... on ${some.name}${selectionOf(some, level)} }`
    }
    if (!isObjectType(named)) return ''
    const fields = Object.values(named.getFields()).filter(
      (field) => level < MAX_LEVELS || !isObjectType(getNamedType(field.type)),
    )
    const chosen = fields.filter(() => chance(fields.length > 12 ? 25 : 50)).slice(0, 8)
    return ` { __typename ${chosen.map((field) => `${field.name}${argumentsOf(field)}${selectionOf(field.type, level + 1)}`).join(' ')} }`
  }

  const kind = chance(55) ? 'query' : 'mutation'
  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType()
  const fields = Object.values(root?.getFields() ?? {})
  const selections = Array.from({ length: pick([1, 1, 1, 2, 3]) }, (_, index) => {
    const field = pick(fields)
    return `f${index}: ${field.name}${argumentsOf(field)}${selectionOf(field.type, 1)}`
  })
  const head = declared.length > 0 ? `${kind} (${declared.join(', ')})` : kind
  return { query: `${head} { ${selections.join(' ')} }`, variables }
}
