import type { ServerResponse } from 'node:http'
import { getOperationAST } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { ErrorCode } from '../errors.ts'
import type { Moments, Telemetry } from '../telemetry.ts'

type Answered = Moments['request.answered']

/** What one request turned out to be, filled in as it becomes known. */
export interface Asked {
  operation: Answered['operation']
  code: Answered['code']
  readonly begun: number
}

/** What a request came to that did not get as far as an operation. */
const codeOfStatus = (status: number): Answered['code'] => {
  if (status < 400) return 'OK'
  return (
    ({ 401: 'UNAUTHENTICATED', 429: 'RATE_LIMITED', 500: 'INTERNAL', 503: 'UNAVAILABLE' } as const)[status] ??
    'BAD_USER_INPUT'
  )
}

/** Tells of a request once its response is over; what is answered is to be filled in until then. */
export const noteAnswer = (telemetry: Telemetry, response: ServerResponse): Asked => {
  const asked: Asked = { operation: 'none', code: 'OK', begun: performance.now() }
  response.once('close', () => {
    const { operation, code, begun } = asked
    const refused = operation === 'none' && code === 'OK' ? codeOfStatus(response.statusCode) : code
    tellAnswered(telemetry, 'http', { operation, code: refused, begun })
  })
  return asked
}

/** Tells that a request was answered. */
export const tellAnswered = (
  telemetry: Telemetry,
  door: Answered['door'],
  { operation, code, begun }: Pick<Asked, 'operation' | 'code' | 'begun'>,
): void => telemetry.emit('request.answered', { door, operation, code, durationMs: performance.now() - begun })

/** The code of an answer: that of its first error. */
export const codeOf = (errors: readonly { readonly extensions?: Record<string, unknown> }[] | undefined) =>
  (errors?.[0]?.extensions?.['code'] as ErrorCode | undefined) ?? 'OK'

type Args = Parameters<typeof getOperationAST>

/** Which kind of operation a document asks for. */
export const operationIn = (document: Args[0], name: Args[1]): Answered['operation'] =>
  getOperationAST(document, name)?.operation ?? 'none'

/** Fills in what was asked, for requests of Yoga's. After `ownErrorCodes`, whose codes they are. */
export const noteAsked = (): Plugin => {
  const note = ({
    args,
  }: {
    readonly args: { contextValue?: unknown; document: Args[0]; operationName?: Args[1] }
  }) => {
    const { asked } = args.contextValue as { readonly asked?: Asked }
    if (asked) asked.operation = operationIn(args.document, args.operationName)
  }
  return {
    onExecute: note as never,
    onSubscribe: note as never,
    onResultProcess({ result, serverContext }) {
      const { asked } = serverContext as { readonly asked?: Asked }
      if (asked && 'errors' in result) asked.code = codeOf(result.errors as never)
    },
  }
}
