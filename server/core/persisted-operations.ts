import type { Principal } from './principal.ts'

/** Whom the list of persisted operations binds: nobody, whoever comes with a recipient's token, or API keys as well. */
export const PERSISTED_ONLY = ['off', 'recipients', 'everyone'] as const
export type PersistedOnly = (typeof PERSISTED_ONLY)[number]

/** Operations that are known before anybody asks for them. Never added to by a request. */
export interface PersistedOperations {
  /** Who may ask for nothing else. */
  readonly only: PersistedOnly
  /** By the SHA-256 of their text, in hexadecimal. */
  readonly byHash: ReadonlyMap<string, string>
  readonly texts: ReadonlySet<string>
}

export const persistedOperations = (only: PersistedOnly, byHash: ReadonlyMap<string, string>): PersistedOperations => ({
  only,
  byHash,
  texts: new Set(byHash.values()),
})

/** None is known, and whatever is asked for is answered. */
export const NO_PERSISTED_OPERATIONS: PersistedOperations = persistedOperations('off', new Map())

/**
 * Whether somebody may ask for a document. Its text is compared as it stands: that is one look into a set, whatever its
 * length, where to read it or to hash it would let a caller choose what a refusal costs.
 */
export const mayAsk = (
  { only, texts }: PersistedOperations,
  { recipientId }: Pick<Principal, 'recipientId'>,
  text: string,
): boolean => only === 'off' || (only === 'recipients' && recipientId === null) || texts.has(text)

/** What a request says of its document, none of it looked at yet. */
export interface DocumentRequest {
  readonly query?: unknown
  readonly documentId?: unknown
  readonly extensions?: unknown
}

const PREFIX = 'sha256:'

const hashIn = ({ documentId, extensions }: DocumentRequest): string | null => {
  const { persistedQuery } = (extensions ?? {}) as { readonly persistedQuery?: unknown }
  const { sha256Hash } = (persistedQuery ?? {}) as { readonly sha256Hash?: unknown }
  const id = documentId ?? sha256Hash
  if (typeof id !== 'string' || id === '') return null
  return id.startsWith(PREFIX) ? id.slice(PREFIX.length) : id
}

/**
 * The hash by which a request names its document; `null` where it brings the text or neither. Beside a text a hash says
 * nothing: the text is what would be executed, so it is what counts.
 */
export const hashAskedFor = (request: DocumentRequest): string | null =>
  request.query == null || request.query === '' ? hashIn(request) : null
