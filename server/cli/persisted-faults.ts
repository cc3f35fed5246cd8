import { type DocumentNode, GraphQLError, type GraphQLSchema, Kind, type OperationDefinitionNode } from 'graphql'
import { costIn, documentFaults, tooExpensive } from '../http/document-faults.ts'
import { createDocumentReader } from '../http/document-reader.ts'
import { MAX_COST } from '../http/operation-cost.ts'
import { hashOf, type ManifestEntry } from './persisted-manifest.ts'

const operationsIn = ({ definitions }: DocumentNode): readonly OperationDefinitionNode[] =>
  definitions.filter((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION)

/** `query Name`, of a text that may be no GraphQL. */
const nameIn = (text: string): string =>
  /\b(?:query|mutation|subscription)\s+[_a-z]\w*/i.exec(text)?.[0].replace(/\s+/, ' ') ?? 'no name'

/** Says of a listed operation that it could never be answered: each fault with its hash and its operation's name. */
export const persistedFaults = (
  schema: GraphQLSchema,
  { introspection }: { readonly introspection: boolean },
): ((entry: ManifestEntry) => readonly string[]) => {
  const read = createDocumentReader()
  const faultsOf = documentFaults({ introspection })

  const wrongWith = ({ hash, text }: ManifestEntry): readonly string[] => {
    if (hash !== hashOf(text)) return ['the hash is not the SHA-256 of the text: write the file anew']
    try {
      const document = read(text)
      const faults = faultsOf(schema, document)
      if (faults.length > 0) return [...new Set(faults.map(({ message }) => message))]
      const operations = operationsIn(document)
      if (operations.length === 0) return ['there is no operation in it']
      // What its variables ask for beside that is looked at with them.
      const least = Math.max(...operations.map((operation) => costIn(schema, document, operation).fixed))
      return least > MAX_COST ? [tooExpensive(least).message] : []
    } catch (error) {
      if (error instanceof GraphQLError) return [error.message]
      throw error
    }
  }

  return (entry) => wrongWith(entry).map((fault) => `${entry.hash} (${nameIn(entry.text)}): ${fault}`)
}
