import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { type DocumentRequest, hashAskedFor, mayAsk, type PersistedOperations } from '../core/persisted-operations.ts'
import type { Principal } from '../core/principal.ts'
import type { ErrorCode } from '../errors.ts'

/** 400 for whoever accepts application/graphql-response+json, as for a document that is not valid. */
const refusal = (code: ErrorCode, message: string): GraphQLError =>
  new GraphQLError(message, { extensions: { code, http: { status: 400, spec: true } } })

/** The text of a request's document, looked up where it is named by its hash; a hash that nobody listed is refused. */
export const textAskedFor = <Query>({ byHash }: PersistedOperations, request: DocumentRequest & { query: Query }) => {
  const hash = hashAskedFor(request)
  if (hash === null) return request.query
  const text = byHash.get(hash)
  if (text === undefined) {
    throw refusal(
      'PERSISTED_QUERY_NOT_FOUND',
      'No operation of this hash is listed here: list it, or send its text if you may',
    )
  }
  return text
}

interface Params extends DocumentRequest {
  readonly query?: string
}

/** Yoga reads no `documentId` out of an address. */
const withAddress = (params: Params, { method, url }: Pick<Request, 'method' | 'url'>): Params => {
  const documentId = method === 'GET' ? new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('documentId') : null
  return documentId === null ? params : { ...params, documentId }
}

/**
 * Refuses texts that are not listed, of whoever may ask for no others, before anything of them is read, and whichever
 * door they came through; and finds the text for requests of Yoga's that name a hash.
 */
export const persistedDocuments = (persisted: PersistedOperations): Plugin => ({
  onParams({ params, request, setParams }) {
    const asked = withAddress(params as Params, request)
    // By far the most are a text and nothing else.
    if (asked.query && asked.documentId === undefined) return
    const { documentId: _, ...rest } = asked
    const query = textAskedFor(persisted, { ...asked, query: asked.query })
    setParams((query === undefined ? rest : { ...rest, query }) as typeof params)
  },
  onParse({ context, params }) {
    const { principal } = context as unknown as { readonly principal: Principal }
    const { source } = params
    if (mayAsk(persisted, principal, typeof source === 'string' ? source : source.body)) return
    throw refusal(
      'PERSISTED_QUERY_ONLY',
      'This credential may ask for persisted operations alone, and this text, as it stands, is none of them: list it',
    )
  },
})
