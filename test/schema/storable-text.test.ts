import {
  type GraphQLInputType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { schema } from '../../schema/index.ts'
import { startCarillon, type TestCarillon } from '../support/carillon.ts'
import { refusalOf } from '../support/trigger.ts'

let carillon: TestCarillon
beforeAll(async () => {
  carillon = await startCarillon({ notifiers: [] })
})
afterAll(() => carillon.close())

type Place = readonly (string | number)[]

/** Every place for text in an input, however deep. */
const placesIn = (type: GraphQLInputType, path: Place): Place[] => {
  const nullable = getNullableType(type)
  if (isListType(nullable)) return placesIn(nullable.ofType, [...path, 0])
  if (isInputObjectType(nullable)) {
    return Object.values(nullable.getFields()).flatMap(({ name, type }) => placesIn(type, [...path, name]))
  }
  return ['String', 'ID'].includes(nullable.name) ? [path] : []
}

const PLAIN: Readonly<Record<string, unknown>> = { Int: 1, DateTime: '2999-01-01T00:00:00.000Z' }

/** A value of a type that holds what is required, and this text at this place. */
const valueWith = (type: GraphQLInputType, [step, ...rest]: Place, text: string, wanted: boolean): unknown => {
  const nullable = getNullableType(type)
  if (isListType(nullable)) return wanted ? [valueWith(nullable.ofType, rest, text, true)] : []
  if (isEnumType(nullable)) return nullable.getValues()[0]?.name
  if (!isInputObjectType(nullable)) return wanted ? text : (PLAIN[nullable.name] ?? 'x')
  const fields = Object.values(nullable.getFields()).filter(
    ({ name, type }) => (wanted && name === step) || isNonNullType(type),
  )
  return Object.fromEntries(
    fields.map(({ name, type }) => [name, valueWith(type, rest, text, wanted && name === step)]),
  )
}

// A trigger's own places, and a simulated one's, are gone through with its limits: their checks have an order of their own.
const fieldsOf = (type: GraphQLObjectType | null | undefined) =>
  Object.values(type?.getFields() ?? {}).filter(({ name }) => !/^(simulateT|t)rigger/.test(name))

const CASES = (['query', 'mutation'] as const).flatMap((kind) =>
  fieldsOf(kind === 'query' ? schema.getQueryType() : schema.getMutationType()).flatMap((field) =>
    field.args.flatMap((arg) =>
      placesIn(arg.type, [arg.name]).map(
        (path) => [`${kind} ${field.name}`, path.join('.'), { kind, field, path }] as const,
      ),
    ),
  ),
)

test('there are such places', () => {
  expect(CASES.length).toBeGreaterThan(40)
})

test.each(CASES)(
  '%s refuses a NUL or half a character in %s, and names it',
  async (_, path, { kind, field, path: place }) => {
    for (const text of ['a\0b', 'a\uD800']) {
      const args = field.args.filter(({ name, type }) => name === place[0] || isNonNullType(type))
      const variables = Object.fromEntries(
        args.map(({ name, type }) => [name, valueWith(type, place.slice(1), text, name === place[0])]),
      )
      const declared = args.map(({ name, type }) => `$${name}: ${type}`).join(', ')
      const passed = args.map(({ name }) => `${name}: $${name}`).join(', ')
      const query = `${kind} (${declared}) { ${field.name}(${passed}) ${isLeafType(getNamedType(field.type)) ? '' : '{ __typename }'} }`
      expect(refusalOf(await carillon.ask(carillon.operatorKey, query, variables))).toEqual({
        code: 'BAD_USER_INPUT',
        path,
      })
    }
  },
)

test('the arguments of a field below are looked at too', async () => {
  const query =
    'query ($after: String) { inbox(recipientId: "ada") { notifications(after: $after) { edges { cursor } } } }'
  const answer = await carillon.ask(carillon.operatorKey, query, { after: 'a\0' })
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'after' })
})

test('text that stands in the document itself is looked at too', async () => {
  const answer = await carillon.ask(carillon.operatorKey, '{ recipient(recipientId: "a\\u0000") { id } }')
  expect(refusalOf(answer)).toEqual({ code: 'BAD_USER_INPUT', path: 'recipientId' })
})
