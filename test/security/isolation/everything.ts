import {
  type GraphQLField,
  type GraphQLNamedType,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql'

/** How many rows of each list are looked at: few, so that no limit of documents stands in the way. */
const FIRST = 2
/** How many tokens are asked for at most, for the same reason. */
const MOST_TOKENS = 1_500
const DEEPEST = 6

const canBeAsked = ({ args }: GraphQLField<unknown, unknown>): boolean =>
  args.every(({ type, defaultValue }) => !isNonNullType(type) || defaultValue !== undefined)

const fieldOf = (field: GraphQLField<unknown, unknown>, depth: number): string => {
  const type = getNamedType(field.type)
  const paged = field.args.some(({ name }) => name === 'first') ? `(first: ${FIRST})` : ''
  if (isLeafType(type)) return field.name
  const selection = selectionOf(type, depth - 1)
  return selection && `${field.name}${paged} ${selection}`
}

/** All that can be asked of a type, so many levels deep; '' where that is nothing. Of an interface what its kinds share. */
const selectionOf = (type: GraphQLNamedType, depth: number): string => {
  if (depth <= 0) return ''
  if (isUnionType(type)) return '{ __typename }'
  if (!isObjectType(type) && !isInterfaceType(type)) return ''
  const fields = Object.values(type.getFields())
    .filter(canBeAsked)
    .map((field) => fieldOf(field, depth))
  return `{ __typename ${fields.filter(Boolean).join(' ')} }`
}

/** All that can be asked of a type, as deep as one document may. */
export const everythingOf = (type: GraphQLNamedType): string => {
  let depth = DEEPEST
  for (;;) {
    const selection = selectionOf(type, depth)
    if (depth === 1 || (selection.match(/\w+|[^\s\w]/g)?.length ?? 0) <= MOST_TOKENS) return selection
    depth -= 1
  }
}
