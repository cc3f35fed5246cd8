import type { ErrorCode } from './generated/operations.ts'

/** What can go wrong between a client and its server, beside what the server itself says. */
export type ClientErrorCode =
  /** No answer came: the server is away, the network is, or it took too long. What was asked may have been done. */
  | 'NETWORK_ERROR'
  /** What answered is not Carillon, or something in front of it spoke instead. */
  | 'BAD_RESPONSE'
  /** The function that gives tokens threw; `cause` is what it threw. */
  | 'TOKEN_FAILED'
  /** There is no WebSocket here: give one as `webSocketImpl`. */
  | 'NO_WEBSOCKET'
  /** The reader of a subscription fell so far behind that keeping everything for it would fill the memory. */
  | 'READER_TOO_SLOW'
  /** The client was closed. */
  | 'CLIENT_CLOSED'

/** A path into the input, such as `['input', 'recipients', 2, 'id']`. */
export type InputPath = readonly (string | number)[]

/** An error as it stands in an answer. */
export interface AnsweredError {
  readonly message: string
  readonly path?: InputPath
  readonly extensions?: Readonly<Record<string, unknown>>
}

export interface ErrorDetails {
  readonly status?: number | null
  readonly path?: InputPath | null
  readonly issues?: CarillonClientError['issues']
  readonly eventId?: string | null
  readonly errorId?: string | null
  readonly retryAfterSeconds?: number | null
  readonly errors?: readonly AnsweredError[]
  readonly cause?: unknown
}

/** Every error that the client throws, but for an abort of the caller's own. `code` is what to tell them apart by. */
export class CarillonClientError extends Error {
  /** The server's `extensions.code`, or the client's own. */
  readonly code: ErrorCode | ClientErrorCode
  /** Where in the input the mistake is. */
  readonly path: InputPath | null
  /** For INVALID_PAYLOAD: what the notifier's schema says. */
  readonly issues: readonly { readonly path: InputPath; readonly message: string }[] | null
  /** For IDEMPOTENCY_CONFLICT: the event that the key was first used for. */
  readonly eventId: string | null
  /** For a fault of the server's: what to look for in its log. */
  readonly errorId: string | null
  /** The HTTP status; `null` where no HTTP answer stands behind the error. */
  readonly status: number | null
  /** How long the server asks to be left alone, in seconds. */
  readonly retryAfterSeconds: number | null
  /** All errors of the answer, the first of which this one speaks of. */
  readonly errors: readonly AnsweredError[]

  constructor(code: ErrorCode | ClientErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'CarillonClientError'
    this.code = code
    this.path = details.path ?? null
    this.issues = details.issues ?? null
    this.eventId = details.eventId ?? null
    this.errorId = details.errorId ?? null
    this.status = details.status ?? null
    this.retryAfterSeconds = details.retryAfterSeconds ?? null
    this.errors = details.errors ?? []
  }
}

/** Makes of the errors of an answer one to throw. */
export const errorOfAnswer = (
  errors: readonly AnsweredError[],
  details: Pick<ErrorDetails, 'status' | 'retryAfterSeconds'> = {},
): CarillonClientError => {
  const [first = { message: 'The answer has neither data nor errors' }] = errors
  const said = (first.extensions ?? {}) as Partial<CarillonClientError>
  const { code = 'BAD_RESPONSE', path, issues, eventId, errorId } = said
  return new CarillonClientError(code, first.message, {
    ...details,
    // Over a socket there is no header that says it.
    retryAfterSeconds: details.retryAfterSeconds ?? said.retryAfterSeconds ?? null,
    errors,
    path: path ?? null,
    issues: issues ?? null,
    eventId: eventId ?? null,
    errorId: errorId ?? null,
  })
}

/** What a thrown thing says of itself, its causes' codes included: `fetch failed (ECONNREFUSED)`. */
export const wordsOf = (thrown: unknown): string => {
  const { message, cause } = (thrown ?? {}) as { message?: unknown; cause?: { code?: unknown } }
  const words = typeof message === 'string' && message !== '' ? message : 'no reason was given'
  return typeof cause?.code === 'string' ? `${words} (${cause.code})` : words
}
