import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { App } from '../app.ts'
import type { Principal } from '../core/principal.ts'
import { databaseFailure } from '../db/errors.ts'
import { CarillonError } from '../errors.ts'

/** `replica` where the caller would rather have an answer that is somewhat old than one from the database that is written to. */
const READ_HEADER = 'carillon-read'
/** The instant up to which an answer from a replica holds all that was committed. */
const AS_OF = 'carillon-as-of'

/**
 * Whether a request is answered by the replica, which it says in its headers. Throws a `CarillonError` where it asks for
 * that and may not, or where the replica does not answer: the work that was to be kept from the primary is not given to it
 * unasked. Without a replica the primary answers, which is never older, and what no replica could answer is refused all the same.
 */
export const chooseReads = async (
  { replica }: App,
  { scopes }: Principal,
  {
    request,
    response,
    isStream,
  }: { readonly request: IncomingMessage; readonly response: ServerResponse; readonly isStream: boolean },
): Promise<'primary' | 'replica'> => {
  const asked = request.headers[READ_HEADER]
  if (asked === undefined || asked === 'primary') return 'primary'
  if (asked !== 'replica')
    throw new CarillonError('BAD_USER_INPUT', `The header ${READ_HEADER} must be primary or replica`)
  if (!scopes.includes('OPERATE')) {
    throw new CarillonError('FORBIDDEN', `Only a key with the scope OPERATE may send ${READ_HEADER}: replica`)
  }
  if (isStream) throw new CarillonError('BAD_USER_INPUT', `Streams follow the primary: leave ${READ_HEADER} out`)
  if (!replica) return 'replica'
  const asOf = await replica.asOf().catch((error: unknown) => {
    if (databaseFailure(error) !== 'unavailable') throw error
    throw new CarillonError('UNAVAILABLE', `The replica does not answer; leave ${READ_HEADER} out to ask the primary`, {
      retryAfterSeconds: 1,
    })
  })
  response.setHeader(READ_HEADER, 'replica')
  if (asOf) response.setHeader(AS_OF, asOf.toISOString())
  return 'replica'
}

type Read = Plugin<{ readonly reads?: 'primary' | 'replica' }>

const NOT_A_QUERY: ExecutionResult = {
  errors: [
    new GraphQLError(`A replica answers queries alone: leave ${READ_HEADER} out`, {
      extensions: { code: 'BAD_USER_INPUT' },
    }),
  ],
}

/** Refuses to have anything but queries answered by a replica. */
export const queriesAlone = (): Read => ({
  onExecute({ args, setResultAndStopExecution }) {
    if (args.contextValue.reads !== 'replica') return
    if (getOperationAST(args.document, args.operationName)?.operation === 'query') return
    setResultAndStopExecution(NOT_A_QUERY)
  },
  onSubscribe({ args, setResultAndStopExecution }) {
    if (args.contextValue.reads === 'replica') setResultAndStopExecution(NOT_A_QUERY)
  },
})

/** What of a replica's failures is nobody's fault: it was lost, or had to replay what the query stood in the way of. */
const told = (error: GraphQLError): GraphQLError => {
  const failure = databaseFailure(error.originalError)
  if (failure !== 'contention' && failure !== 'unavailable') return error
  const originalError = new CarillonError(
    'UNAVAILABLE',
    `The replica did not finish the query; ask again, or for less, or leave ${READ_HEADER} out to ask the primary`,
    { retryAfterSeconds: 1 },
  )
  return new GraphQLError(originalError.message, {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    originalError,
  })
}

/** Says that it was the replica which did not answer, where that is no fault of the server's; for a server that has one. */
export const replicaFailures = (): Read => ({
  onExecute({ args }) {
    if (args.contextValue.reads !== 'replica') return
    return {
      onExecuteDone({ result, setResult }) {
        if ('errors' in result && result.errors) setResult({ ...result, errors: result.errors.map(told) })
      },
    }
  },
})
