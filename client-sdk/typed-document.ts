import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core'

/**
 * An operation as a string that knows its types: the documents of this package, those that GraphQL Code Generator makes
 * with `documentMode: 'string'`, and plain strings, whose data is `unknown`.
 */
export type TypedDocument<Data, Variables> = { toString(): string } & DocumentTypeDecoration<Data, Variables>
