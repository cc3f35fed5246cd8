import {
  type ASTNode,
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { queryTooComplex } from './query-too-complex.ts'

/**
 * How large a document may be, with its fragments filled in at each place where they are spread. A tool's introspection
 * has 15 levels and 250 fields; the largest operation of the client SDK has 6 levels and 50 fields.
 */
export const SHAPE_LIMITS = {
  depth: 15,
  fields: 1_000,
  aliases: 30,
  /** Fields of one name at one place of the answer: validation compares each with each. */
  repeats: 50,
  directives: 50,
  /** Spreads of fragments, with a name or in line. */
  spreads: 200,
  /** Levels of lists and objects in a value: a payload's, and those around it. */
  valueDepth: 40,
} as const

/** One place of the answer. */
interface Place {
  asked: number
  readonly below: Map<string, Place>
}

const newPlace = (): Place => ({ asked: 0, below: new Map() })

const placeBelow = ({ below }: Place, name: string): Place => {
  const known = below.get(name)
  if (known) return known
  const place = newPlace()
  below.set(name, place)
  return place
}

const checkDepth = (value: ValueNode, depth = 1): void => {
  if (value.kind !== Kind.LIST && value.kind !== Kind.OBJECT) return
  if (depth > SHAPE_LIMITS.valueDepth) {
    throw queryTooComplex(`A value in the document is deeper than ${SHAPE_LIMITS.valueDepth} levels`, value)
  }
  const values = value.kind === Kind.LIST ? value.values : value.fields.map((field) => field.value)
  for (const one of values) checkDepth(one, depth + 1)
}

interface Spot {
  readonly place: Place
  readonly depth: number
  /** The fragments that are being filled in. */
  readonly inside: readonly FragmentDefinitionNode[]
}

/** Walks a document as it would be with its fragments filled in, and stops where it is too large. */
const measure = ({ definitions }: DocumentNode): void => {
  const fragments = new Map(
    definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  )
  const walked = new Set<FragmentDefinitionNode>()
  const counts = { fields: 0, aliases: 0, directives: 0, spreads: 0 }

  const count = (what: keyof typeof counts, by: number, node: ASTNode): void => {
    counts[what] += by
    if (counts[what] > SHAPE_LIMITS[what]) {
      const filledIn = what === 'fields' ? ', with those of its fragments at each place where they are spread' : ''
      throw queryTooComplex(`The document has more than ${SHAPE_LIMITS[what]} ${what}${filledIn}`, node)
    }
  }

  const checkDirectives = (directives: readonly DirectiveNode[] = [], node: ASTNode): void => {
    count('directives', directives.length, node)
    for (const { arguments: given = [] } of directives) for (const { value } of given) checkDepth(value)
  }

  const walk = ({ selections }: SelectionSetNode, spot: Spot): void => {
    for (const selection of selections) {
      checkDirectives(selection.directives, selection)
      if (selection.kind === Kind.FIELD) {
        const { alias, name, selectionSet } = selection
        for (const { value } of selection.arguments ?? []) checkDepth(value)
        count('fields', 1, selection)
        if (alias) count('aliases', 1, selection)
        const depth = spot.depth + 1
        if (depth > SHAPE_LIMITS.depth) {
          throw queryTooComplex(`The document is deeper than ${SHAPE_LIMITS.depth} levels of fields`, selection)
        }
        const place = placeBelow(spot.place, (alias ?? name).value)
        place.asked += 1
        if (place.asked > SHAPE_LIMITS.repeats) {
          const what = `"${(alias ?? name).value}" more than ${SHAPE_LIMITS.repeats} times at one place`
          throw queryTooComplex(`The document asks for ${what}`, selection)
        }
        if (selectionSet) walk(selectionSet, { ...spot, place, depth })
        continue
      }
      count('spreads', 1, selection)
      if (selection.kind === Kind.INLINE_FRAGMENT) walk(selection.selectionSet, spot)
      else {
        const fragment = fragments.get(selection.name.value)
        // One that is missing, or spread inside of itself, validation has words for.
        if (fragment && !spot.inside.includes(fragment)) {
          walked.add(fragment)
          walk(fragment.selectionSet, { ...spot, inside: [...spot.inside, fragment] })
        }
      }
    }
  }

  const roots = [
    ...definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION),
    // Those that no operation spreads are looked at by validation too.
    ...fragments.values(),
  ]
  for (const root of roots) {
    checkDirectives(root.directives, root)
    for (const variable of root.variableDefinitions ?? []) {
      if (variable.defaultValue) checkDepth(variable.defaultValue)
      checkDirectives(variable.directives, variable)
    }
    const isFragment = root.kind === Kind.FRAGMENT_DEFINITION
    if (isFragment && walked.has(root)) continue
    walk(root.selectionSet, { place: newPlace(), depth: 0, inside: isFragment ? [root] : [] })
  }
}

/**
 * What makes a document too large to be looked at any further; `null` where it is not. To be asked before validation,
 * which some documents keep busy for minutes. Costs at most so many steps as the limits allow.
 */
export const shapeFault = (document: DocumentNode): GraphQLError | null => {
  try {
    measure(document)
    return null
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}
