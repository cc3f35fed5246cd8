import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core'

/**
 * An operation as a string that knows its types: the documents of this package, those that GraphQL Code Generator makes
 * with `documentMode: 'string'`, and plain strings, whose data is `unknown`.
 */
export type TypedDocument<Data, Variables> = { toString(): string } & DocumentTypeDecoration<Data, Variables>

/** How a request says what it asks for: by the text, or by the hash of one that the server lists. */
export type AskedDocument = { readonly query: string } | { readonly documentId: string }

/** By its hash where that is wanted and the document knows it, as GraphQL Code Generator's `persistedDocuments` makes them. */
export const askedDocument = (document: { toString(): string }, byHash: boolean): AskedDocument => {
  const { __meta__ } = document as { readonly __meta__?: { readonly hash?: unknown } }
  const hash = byHash && __meta__?.hash
  return typeof hash === 'string' ? { documentId: hash } : { query: document.toString() }
}
