import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { costIn, documentFaults, tooExpensive } from './document-faults.ts'
import { createDocumentReader } from './document-reader.ts'
import { type Cost, MAX_COST, worth } from './operation-cost.ts'

/** What a caller sent beside the document. */
interface Params {
  readonly variables?: Readonly<Record<string, unknown>> | null
  readonly operationName?: string | null
}

/**
 * Every check of a document before it is executed, for all doors: its size while it is read, its shape, validation, and
 * what it may cost with the variables at hand. All but the last is done once for a document that comes again.
 */
export const documentChecks = ({ introspection }: { readonly introspection: boolean }): Plugin => {
  const read = createDocumentReader()
  const look = documentFaults({ introspection })
  const faults = new WeakMap<DocumentNode, readonly GraphQLError[]>()
  const costs = new WeakMap<OperationDefinitionNode, Cost>()

  const faultsOf = (schema: GraphQLSchema, document: DocumentNode): readonly GraphQLError[] => {
    const known = faults.get(document)
    if (known) return known
    const found = look(schema, document)
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
      cost = costIn(schema, document, operation)
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
