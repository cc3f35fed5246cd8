import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
} from 'graphql'
import { shapeFault } from './document-shape.ts'
import { type Cost, costOf, MAX_COST } from './operation-cost.ts'
import { queryTooComplex } from './query-too-complex.ts'

/** Each is looked for in the document again, to say where it is. */
const MAX_ERRORS = 20

/** What is wrong with a document, whatever its variables; nothing where it may be executed with some. */
export type DocumentFaults = (schema: GraphQLSchema, document: DocumentNode) => readonly GraphQLError[]

/** `introspection`: whether it may ask for the schema, and errors suggest names out of it. */
export const documentFaults = ({ introspection }: { readonly introspection: boolean }): DocumentFaults => {
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !introspection }
  return (schema, document) => {
    const tooLarge = shapeFault(document)
    return tooLarge ? [tooLarge] : validate(schema, document, rules, options)
  }
}

/** What one operation of a valid document costs. */
export const costIn = (schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Cost => {
  const fragments = document.definitions.filter(
    (one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION,
  )
  return costOf(schema, operation, new Map(fragments.map((one) => [one.name.value, one])))
}

export const tooExpensive = (cost: number): GraphQLError =>
  queryTooComplex(
    `The operation costs ${cost}, and ${MAX_COST} is allowed: ask for smaller pages, for fewer lists within lists, or for less at once`,
  )
