import { GraphQLError, type GraphQLFormattedError } from 'graphql'
import { encodeNodeId } from '../core/node-id.ts'
import { CarillonError, ERROR_CODES, type ErrorCode } from '../errors.ts'
import { publicError } from '../operations/failures.ts'
import type { Telemetry } from '../telemetry.ts'
import { literalPath } from './literal-path.ts'

const STATUS: { readonly [Code in ErrorCode]?: number } = { UNAUTHENTICATED: 401, RATE_LIMITED: 429, UNAVAILABLE: 503 }

/** What Yoga is told of an error's place in HTTP; it does not leave the server. */
const transportOf = ({ code, details }: CarillonError) => {
  const status = STATUS[code]
  const retryAfter = details.retryAfterSeconds
  return status ? { http: { status, ...(retryAfter && { headers: { 'Retry-After': String(retryAfter) } }) } } : {}
}

/** An error's `extensions`, as a caller sees them. */
export const extensionsOf = ({ code, details }: CarillonError): Record<string, unknown> => ({
  code,
  ...(details.path && { path: details.path }),
  ...(details.issues && { issues: details.issues }),
  ...(details.eventId && { eventId: encodeNodeId('Event', details.eventId) }),
  ...(details.retryAfterSeconds && { retryAfterSeconds: details.retryAfterSeconds }),
  ...(details.errorId && { errorId: details.errorId }),
})

/** Where a coercion error says that the fault is: `... at "input.recipients[2].id"`, or after the variable's name. */
const inputPath = (message: string): (string | number)[] | null => {
  const place = / at "([^"]+)"/.exec(message)?.[1] ?? /^Variable "\$([^"]+)"/.exec(message)?.[1]
  return place ? [...place.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part)) : null
}

const QUOTES = ' got invalid value '
const PLACE = ' at '

/**
 * An object that does not fit is quoted whole by graphql-js, with whatever stands in its other fields, a payload's secret
 * ones among them. What is wrong with it is said behind that.
 */
const withoutQuotedObject = (message: string): string => {
  const start = message.indexOf(QUOTES)
  const quoted = start + QUOTES.length
  const reason = message.lastIndexOf(';')
  if (start < 0 || reason < quoted || message[reason + 1] !== ' ' || !/[{[]/.test(message[quoted] ?? '')) return message
  // By hand: what is quoted may be long, and look like anything.
  const opening = message[reason - 1] === '"' ? message.lastIndexOf('"', reason - 2) - PLACE.length : -1
  const end = opening > quoted && message.startsWith(PLACE, opening) ? opening : reason
  return `${message.slice(0, start)} got an invalid value${message.slice(end)}`
}

/** What graphql-js guesses that was meant is a name out of the schema. */
const withoutSuggestion = (message: string): string => {
  const start = message.lastIndexOf(' Did you mean ')
  return start >= 0 && message.endsWith('?') ? message.slice(0, start) : message
}

/** Syntax, validation and coercion: the mistakes that graphql-js finds by itself. */
const requestError = (error: GraphQLError, suggestions: boolean): GraphQLError => {
  const path = inputPath(error.message) ?? literalPath(error)
  const code: ErrorCode = 'BAD_USER_INPUT'
  const message = withoutQuotedObject(error.message)
  return new GraphQLError(suggestions ? message : withoutSuggestion(message), {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions: { ...error.extensions, code, ...(path && { path }) },
  })
}

const isGraphQLError = (error: unknown): error is GraphQLError =>
  error instanceof Error && error.name === 'GraphQLError'

/** Yoga has codes of its own for syntax and validation. */
const isOwnCode = (code: unknown): boolean => ERROR_CODES.some((own) => own === code)

/** Says of an error what a caller may know: its own mistakes as they are, anything else as INTERNAL, without detail. */
export type ShownError = (given: unknown) => GraphQLError

/** `suggestions`: whether callers who misspell a name are told of one that there is. */
export const shownError =
  (telemetry: Telemetry, { suggestions }: { readonly suggestions: boolean }): ShownError =>
  (given) => {
    const wrapped = isGraphQLError(given) ? given : null
    if (wrapped && isOwnCode(wrapped.extensions['code'])) return wrapped
    const cause = wrapped ? wrapped.originalError : given
    if (wrapped && (!cause || (isGraphQLError(cause) && !cause.originalError)))
      return requestError(wrapped, suggestions)
    const shown = publicError(cause, telemetry)
    return new GraphQLError(shown.message, {
      nodes: wrapped?.nodes ?? null,
      source: wrapped?.source ?? null,
      positions: wrapped?.positions ?? null,
      path: wrapped?.path ?? null,
      extensions: { ...extensionsOf(shown), ...transportOf(shown) },
    })
  }

/** An error as it leaves the server where it does not travel over HTTP: without what it says of that. */
export const withoutTransport = (error: GraphQLError): GraphQLFormattedError => {
  const { http: _, ...extensions } = error.extensions
  return { ...error.toJSON(), extensions }
}

/** An answer for a request that does not get as far as GraphQL. */
export const errorBody = (error: CarillonError): string =>
  JSON.stringify({ errors: [{ message: error.message, extensions: extensionsOf(error) }] })

export const unauthenticated = (given: boolean): CarillonError =>
  new CarillonError(
    'UNAUTHENTICATED',
    given ? 'The credential is not valid, or not any more' : 'There is no credential: send "Authorization: Bearer ..."',
  )
