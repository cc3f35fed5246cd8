import type { IncomingMessage, ServerResponse } from 'node:http'
import { GraphQLError, getOperationAST } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import type { App } from '../app.ts'
import type { Principal } from '../core/principal.ts'
import { databaseFailure } from '../db/errors.ts'
import { CarillonError } from '../errors.ts'

/** `replica` where the caller would rather have an answer that is somewhat old than one from the database that is written to. */
const ASKED = 'carillon-read'
/** The instant up to which an answer from a replica holds all that was committed. */
const AS_OF = 'carillon-as-of'

/**
 * Whether a request is answered by the replica, which it says in its headers. Throws a `CarillonError` where it asks for
 * that and may not, or where the replica does not answer: the work that was to be kept from the primary is not given to it
 * unasked. Without a replica everything is answered by the primary, which is never older.
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
  const asked = request.headers[ASKED]
  if (asked === undefined || asked === 'primary') return 'primary'
  if (asked !== 'replica') throw new CarillonError('BAD_USER_INPUT', `The header ${ASKED} must be primary or replica`)
  if (!scopes.includes('OPERATE')) {
    throw new CarillonError('FORBIDDEN', `Only a key with the scope OPERATE may send ${ASKED}: replica`)
  }
  if (isStream) throw new CarillonError('BAD_USER_INPUT', `Streams follow the primary: leave ${ASKED} out`)
  if (!replica) return 'primary'
  const asOf = await replica.asOf().catch((error: unknown) => {
    if (databaseFailure(error) !== 'unavailable') throw error
    throw new CarillonError('UNAVAILABLE', `The replica does not answer; leave ${ASKED} out to ask the primary`, {
      retryAfterSeconds: 1,
    })
  })
  response.setHeader(ASKED, 'replica')
  if (asOf) response.setHeader(AS_OF, asOf.toISOString())
  return 'replica'
}

/** Refuses to have anything but queries answered by a replica. */
export const queriesAlone = (): Plugin<{ readonly reads?: 'primary' | 'replica' }> => ({
  onExecute({ args, setResultAndStopExecution }) {
    if (args.contextValue.reads !== 'replica') return
    if (getOperationAST(args.document, args.operationName)?.operation === 'query') return
    const message = `A replica answers queries alone: leave ${ASKED} out`
    setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } })] })
  },
})
