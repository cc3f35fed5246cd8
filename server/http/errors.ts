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
})

/** Where a coercion error says that the fault is: `... at "input.recipients[2].id"`, or after the variable's name. */
const inputPath = (message: string): (string | number)[] | null => {
  const place = / at "([^"]+)"/.exec(message)?.[1] ?? /^Variable "\$([^"]+)"/.exec(message)?.[1]
  return place ? [...place.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part)) : null
}

/**
 * An object that does not fit is quoted whole by graphql-js, with whatever stands in its other fields, a payload's secret
 * ones among them. What is wrong with it is said behind that.
 */
const withoutQuotedObject = (message: string): string =>
  message.replace(/ got invalid value [{[][\s\S]*?(?= at "[^"]*"; [^;]*$|; [^;]*$)/, ' got an invalid value')

/** Syntax, validation and coercion: the mistakes that graphql-js finds by itself. */
const requestError = (error: GraphQLError): GraphQLError => {
  const tooComplex = /more that \d+ tokens/.test(error.message)
  const path = inputPath(error.message) ?? literalPath(error)
  const code: ErrorCode = tooComplex ? 'QUERY_TOO_COMPLEX' : 'BAD_USER_INPUT'
  return new GraphQLError(withoutQuotedObject(error.message), {
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
export const shownError =
  (telemetry: Telemetry) =>
  (given: unknown): GraphQLError => {
    const wrapped = isGraphQLError(given) ? given : null
    if (wrapped && isOwnCode(wrapped.extensions['code'])) return wrapped
    const cause = wrapped ? wrapped.originalError : given
    if (wrapped && (!cause || (isGraphQLError(cause) && !cause.originalError))) return requestError(wrapped)
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
