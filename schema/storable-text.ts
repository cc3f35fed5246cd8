import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isListType,
  isObjectType,
} from 'graphql'
import { type InputFault, textFault } from '../server/core/json-limits.ts'
import { badInput, type InputPath } from '../server/errors.ts'

/** These check their own text: a trigger's checks have an order, and a bad one of a batch must not fail the others. */
const CHECKED_ELSEWHERE = new Set(['Mutation.trigger', 'Mutation.triggerBatch', 'Query.simulateTrigger'])

/** The first text in an input that could not be stored; values of scalars that are not text are their own business. */
const faultIn = (type: GraphQLInputType, value: unknown, path: InputPath): InputFault | null => {
  if (value === undefined || value === null) return null
  const nullable = getNullableType(type)
  if (isListType(nullable)) {
    return (value as readonly unknown[]).reduce<InputFault | null>(
      (fault, item, index) => fault ?? faultIn(nullable.ofType, item, [...path, index]),
      null,
    )
  }
  if (isInputObjectType(nullable)) {
    return Object.values(nullable.getFields()).reduce<InputFault | null>(
      (fault, { name, type }) => fault ?? faultIn(type, (value as Record<string, unknown>)[name], [...path, name]),
      null,
    )
  }
  return typeof value === 'string' && ['String', 'ID'].includes(nullable.name) ? textFault(value, path) : null
}

/**
 * Makes every field that takes text refuse what PostgreSQL cannot store, a NUL or half a surrogate pair, before it is
 * resolved: one place for all of them, so that a field that is added later cannot forget it.
 */
export const refuseUnstorableText = (schema: GraphQLSchema): GraphQLSchema => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      if (field.args.length === 0 || CHECKED_ELSEWHERE.has(`${type.name}.${field.name}`)) continue
      const check = (args: Record<string, unknown>): void => {
        for (const { name, type } of field.args) {
          const fault = faultIn(type, args[name], [name])
          if (fault) throw badInput(`${fault.path.join('.')} ${fault.message}`, fault.path)
        }
      }
      // Of a subscription the arguments are checked where it begins, once.
      const asked = field.subscribe ? 'subscribe' : 'resolve'
      const answer = field[asked]
      if (!answer) continue
      field[asked] = (source, args, context, info) => {
        check(args)
        return answer(source, args, context, info)
      }
    }
  }
  return schema
}
