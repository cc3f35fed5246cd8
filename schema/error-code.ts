import { type ErrorCode as Code, ERROR_CODES } from '../server/errors.ts'
import { builder } from './builder.ts'

const MEANINGS: Record<Code, string> = {
  UNAUTHENTICATED: 'There is no credential, or it is not valid any more.',
  FORBIDDEN: 'The credential does not allow this.',
  NOT_FOUND: 'There is no such row.',
  BAD_USER_INPUT: 'The request is not well-formed; `extensions.path` says where.',
  INVALID_PAYLOAD: "The payload failed the notifier's schema; `extensions.issues` lists path and message.",
  NOTIFIER_NOT_FOUND: 'There is no notifier with that key.',
  IDEMPOTENCY_CONFLICT: "The same idempotency key with a different request; `extensions.eventId` is the first one's.",
  INVALID_STATE: 'The row is no longer in a state that allows this.',
  QUERY_TOO_COMPLEX: 'The query asks for too much at once.',
  PERSISTED_QUERY_NOT_FOUND: 'No operation of this hash is listed.',
  PERSISTED_QUERY_ONLY: 'The credential may ask for persisted operations alone, and this is none of them.',
  RATE_LIMITED: 'Too many requests; `Retry-After` says when to try again.',
  UNAVAILABLE: 'The database is away; try again.',
  INTERNAL: "A fault of the server's, or of a notifier's code.",
}

export const ErrorCode = builder.enumType('ErrorCode', {
  description: '`extensions.code` of every error that a caller can cause.',
  values: Object.fromEntries(ERROR_CODES.map((code) => [code, { value: code, description: MEANINGS[code] }])) as {
    readonly [C in Code]: { readonly value: C; readonly description: string }
  },
})
