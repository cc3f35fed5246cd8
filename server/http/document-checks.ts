import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  specifiedRules,
  validate,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { createDocumentReader } from './document-reader.ts'
import { shapeFault } from './document-shape.ts'
import { type Cost, costOf, MAX_COST, worth } from './operation-cost.ts'
import { queryTooComplex } from './query-too-complex.ts'

/** Each is looked for in the document again, to say where it is. */
const MAX_ERRORS = 20

/** What a caller sent beside the document. */
interface Params {
  readonly variables?: Readonly<Record<string, unknown>> | null
  readonly operationName?: string | null
}

const costOfOperation = (schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Cost => {
  const fragments = document.definitions.filter(
    (one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION,
  )
  return costOf(schema, operation, new Map(fragments.map((one) => [one.name.value, one])))
}

const tooExpensive = (cost: number): GraphQLError =>
  queryTooComplex(
    `The operation costs ${cost}, and ${MAX_COST} is allowed: ask for smaller pages, for fewer lists within lists, or for less at once`,
  )

/**
 * Every check of a document before it is executed, for all doors: its size while it is read, its shape, validation, and
 * what it may cost with the variables at hand. All but the last is done once for a document that comes again.
 */
export const documentChecks = ({ introspection }: { readonly introspection: boolean }): Plugin => {
  const read = createDocumentReader()
  const rules = introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]
  const options = { maxErrors: MAX_ERRORS, hideSuggestions: !introspection }
  const faults = new WeakMap<DocumentNode, readonly GraphQLError[]>()
  const costs = new WeakMap<OperationDefinitionNode, Cost>()

  const faultsOf = (schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] => {
    const known = faults.get(document)
    if (known) return known
    const tooLarge = shapeFault(document)
    const found = tooLarge ? [tooLarge] : validate(schema, document, rules, options)
    faults.set(document, found)
    return found
  }

  const tooMuch = (
    schema: GraphQLSchema,
    document: DocumentNode,
    { variables, operationName }: Params,
  ): GraphQLError | null => {
    const operation = getOperationAST(document, operationName)
    if (!operation) return null
    let cost = costs.get(operation)
    if (!cost) {
      cost = costOfOperation(schema, document, operation)
      costs.set(operation, cost)
    }
    const objects = worth(cost, variables ?? {})
    return objects > MAX_COST ? tooExpensive(objects) : null
  }

  return {
    onParse({ setParseFn }) {
      setParseFn(read)
    },
    onValidate({ params: { schema, documentAST }, context, setResult }) {
      const document = documentAST as DocumentNode
      const found = faultsOf(schema, document)
      if (found.length > 0) return setResult(found)
      const params = (context as { readonly params?: Params }).params ?? {}
      const fault = tooMuch(schema, document, params)
      setResult(fault ? [fault] : found)
    },
  }
}
