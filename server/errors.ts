/** Every `extensions.code` that a caller can cause, as the API names them. */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'INVALID_PAYLOAD',
  'NOTIFIER_NOT_FOUND',
  'IDEMPOTENCY_CONFLICT',
  'INVALID_STATE',
  'QUERY_TOO_COMPLEX',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_ONLY',
  'RATE_LIMITED',
  'UNAVAILABLE',
  'INTERNAL',
] as const
export type ErrorCode = (typeof ERROR_CODES)[number]

/** A path into the caller's input, such as `['input', 'recipients', 2, 'id']`. */
export type InputPath = readonly (string | number)[]

/** What an error carries beside its message; a door puts it into `extensions`. Ids in it are internal ones. */
export interface ErrorDetails {
  readonly path?: InputPath
  readonly issues?: readonly { readonly path: InputPath; readonly message: string }[]
  readonly eventId?: string
  readonly retryAfterSeconds?: number
  /** Of a fault of the server's: what its log has the whole of it under. */
  readonly errorId?: string
}

/**
 * A mistake of the caller's, or a state of the world that the caller must know of. Its message is written for the
 * caller and is shown as it is; any other error is a fault of the server's and is masked.
 */
export class CarillonError extends Error {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message)
    this.name = 'CarillonError'
    this.code = code
    this.details = details
  }
}

export const badInput = (message: string, path?: InputPath): CarillonError =>
  new CarillonError('BAD_USER_INPUT', message, path ? { path } : {})

/** A fault in the configuration or the environment; the message says what to change. The process ends with it. */
export class SetupError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SetupError'
  }
}
