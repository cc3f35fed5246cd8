import { type DocumentNode, GraphQLError, parse, type Source } from 'graphql'
import { queryTooComplex } from './query-too-complex.ts'

/** A document of more tokens than this is refused while it is read, before anything is made of it. */
export const MAX_TOKENS = 2_000

/** How much is kept of what was read, in tokens: each takes about half a kilobyte once it is a tree. */
const MAX_KEPT_TOKENS = 200_000
/** Texts longer than this hold values, which should be variables: no two are alike, so they are not kept. */
const MAX_KEPT_LENGTH = 64 * 1024

const tokensOf = ({ tokenCount = 0 }: DocumentNode): number => tokenCount

const parseWithin = (text: string): DocumentNode => {
  try {
    return parse(text, { maxTokens: MAX_TOKENS })
  } catch (error) {
    // It has no other mark.
    const tooMany = error instanceof GraphQLError && /more that \d+ tokens/.test(error.message)
    if (tooMany) throw queryTooComplex(`The document has more than ${MAX_TOKENS} tokens`)
    // Nested so deep that the parser, which calls itself for each level, has no stack left.
    if (error instanceof RangeError) throw queryTooComplex('The document is nested too deep to be read')
    throw error
  }
}

/**
 * Parses documents, and gives the same tree for the same text: what is worked out of a document hangs on its tree. Those
 * that were asked for last are kept, up to a size that no caller can exceed.
 */
export const createDocumentReader = (): ((source: string | Source) => DocumentNode) => {
  const kept = new Map<string, DocumentNode>()
  let keptTokens = 0

  const keep = (text: string, document: DocumentNode): void => {
    kept.set(text, document)
    keptTokens += tokensOf(document)
    for (const [oldest, itsDocument] of kept) {
      if (keptTokens <= MAX_KEPT_TOKENS) return
      kept.delete(oldest)
      keptTokens -= tokensOf(itsDocument)
    }
  }

  return (source) => {
    const text = typeof source === 'string' ? source : source.body
    const known = kept.get(text)
    if (known) {
      kept.delete(text)
      kept.set(text, known)
      return known
    }
    const document = parseWithin(text)
    if (text.length <= MAX_KEPT_LENGTH) keep(text, document)
    return document
  }
}
