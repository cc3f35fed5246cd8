import { type DocumentNode, GraphQLError, parse, type Source } from 'graphql'
import { queryTooComplex } from './query-too-complex.ts'

/** A document of more tokens than this is refused while it is read, before anything is made of it. */
export const MAX_TOKENS = 2_000

/** How much is kept of what was read, in tokens: each takes about half a kilobyte once it is a tree. */
const MAX_KEPT_WEIGHT = 200_000
/** Comments, blanks and strings are no tokens, or few: so many characters weigh as one, which bounds all texts to 16 MB. */
const CHARACTERS_PER_TOKEN = 40
/** What is kept of any document, such as the faults found in it, however short it is. */
const LEAST_WEIGHT = 100
/** In characters. What is longer holds values, which should be variables: no two are alike, so nothing of it is kept. */
const MAX_KEPT_LENGTH = 8 * 1024

const weightOf = (text: string, { tokenCount = 0 }: DocumentNode): number =>
  Math.max(LEAST_WEIGHT, tokenCount, Math.ceil(text.length / CHARACTERS_PER_TOKEN))

/** Whether a document comes as the same tree when it comes again: only then is it worth working anything out of it. */
export const isKept = ({ loc }: DocumentNode): boolean => (loc?.source.body.length ?? 0) <= MAX_KEPT_LENGTH

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
  let keptWeight = 0

  const keep = (text: string, document: DocumentNode): void => {
    kept.set(text, document)
    keptWeight += weightOf(text, document)
    for (const [oldest, itsDocument] of kept) {
      if (keptWeight <= MAX_KEPT_WEIGHT) return
      kept.delete(oldest)
      keptWeight -= weightOf(oldest, itsDocument)
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
    if (isKept(document)) keep(text, document)
    return document
  }
}
