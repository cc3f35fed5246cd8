import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  typeFromAST,
  type ValueNode,
} from 'graphql'
import { ROOT_FIELD_WEIGHTS } from './root-field-weights.ts'

/**
 * How much one operation may cost, in objects that the answer may hold: 100 events with 20 deliveries each, explained, each with 20
 * lines of timeline.
 */
export const MAX_COST = 50_000

/** What is counted for a list whose length is asked for, where it is not. */
const DEFAULT_PAGE = 20
/** What is counted for a list whose length nobody asks for: attempts, decisions, addresses. */
const USUAL_LIST = 10
/** More than any list gives: a page that is larger than may be is refused where it is read, and said so. */
const MAX_PAGE = 1_000

type Variables = Readonly<Record<string, unknown>>
type Size = number | ((variables: Variables) => number)

/** How many objects an operation asks for: so many, and for each list as many more as its variables say. */
export interface Cost {
  readonly fixed: number
  readonly lists: readonly {
    readonly times: number
    readonly size: (variables: Variables) => number
    readonly each: Cost
  }[]
}

const NOTHING: Cost = { fixed: 0, lists: [] }

const plus = (a: Cost, b: Cost): Cost => ({ fixed: a.fixed + b.fixed, lists: [...a.lists, ...b.lists] })

const times = (size: Size, each: Cost): Cost =>
  typeof size === 'number'
    ? { fixed: size * each.fixed, lists: each.lists.map((list) => ({ ...list, times: list.times * size })) }
    : { fixed: 0, lists: [{ times: 1, size, each }] }

const clamp = (given: unknown): number | null =>
  typeof given === 'number' ? Math.min(Math.max(given, 0), MAX_PAGE) : null

/** What an operation's variables are where they are not given. */
type Defaults = ReadonlyMap<string, ValueNode | undefined>

const literal = (value: ValueNode | undefined): number | null =>
  value?.kind === Kind.INT ? clamp(Number(value.value)) : null

/** The length that a list is asked for with. */
const sizeOf = ({ arguments: given = [] }: FieldNode, defaults: Defaults): Size => {
  const sizes = ['first', 'last'].flatMap((name) => given.find((one) => one.name.value === name)?.value ?? [])
  const variables = sizes.flatMap((value) => (value.kind === Kind.VARIABLE ? [value.name.value] : []))
  const fixed = sizes.map(literal).find((size) => size !== null)
  if (fixed !== undefined && fixed !== null) return fixed
  if (variables.length === 0) return DEFAULT_PAGE
  return (values) => {
    for (const name of variables) {
      const size = Object.hasOwn(values, name) ? clamp(values[name]) : literal(defaults.get(name))
      if (size !== null) return size
    }
    return DEFAULT_PAGE
  }
}

const isPaged = ({ args }: GraphQLField<unknown, unknown>): boolean => args.some(({ name }) => name === 'first')

interface Within {
  readonly schema: GraphQLSchema
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly defaults: Defaults
}

const costOfField = (
  within: Within,
  field: FieldNode,
  { definition, page }: { readonly definition: GraphQLField<unknown, unknown>; readonly page: Size },
): Cost => {
  const type = getNamedType(definition.type)
  // What is no object costs as good as nothing beside the one that it belongs to.
  if (!isCompositeType(type) || !field.selectionSet) return NOTHING
  const asked = isPaged(definition) ? sizeOf(field, within.defaults) : null
  const each = plus(
    { fixed: 1, lists: [] },
    costOfSelections(within, field.selectionSet, { type, page: asked ?? USUAL_LIST }),
  )
  if (!isListType(getNullableType(definition.type))) return each
  return times(asked ?? (field.name.value === 'edges' ? page : USUAL_LIST), each)
}

const costOfSelections = (
  within: Within,
  { selections }: SelectionSetNode,
  at: { readonly type: GraphQLCompositeType; readonly page: Size },
): Cost => {
  const fields = isObjectType(at.type) || isInterfaceType(at.type) ? at.type.getFields() : {}
  let cost = NOTHING
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      // Introspection is not among a type's fields: the schema bounds what it answers.
      const definition = fields[selection.name.value]
      if (!definition) continue
      const own = ROOT_FIELD_WEIGHTS.get(`${at.type.name}.${definition.name}`) ?? 0
      cost = plus(cost, { fixed: own, lists: [] })
      cost = plus(cost, costOfField(within, selection, { definition, page: at.page }))
      continue
    }
    const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : within.fragments.get(selection.name.value)
    const narrowed = fragment?.typeCondition && typeFromAST(within.schema, fragment.typeCondition)
    const type = narrowed && isCompositeType(narrowed) ? narrowed : at.type
    if (fragment) cost = plus(cost, costOfSelections(within, fragment.selectionSet, { ...at, type }))
  }
  return cost
}

/**
 * What an operation costs, to be worked out once for a document that is valid: the objects that its answer may hold,
 * where fragments on several types count together, and what some root fields weigh beside.
 */
export const costOf = (
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): Cost => {
  const type = schema.getRootType(operation.operation)
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [variable.name.value, defaultValue]),
  )
  return type
    ? costOfSelections({ schema, fragments, defaults }, operation.selectionSet, { type, page: USUAL_LIST })
    : NOTHING
}

/** What it costs with these variables. */
export const worth = ({ fixed, lists }: Cost, variables: Variables): number =>
  lists.reduce((sum, { times, size, each }) => sum + times * size(variables) * worth(each, variables), fixed)
