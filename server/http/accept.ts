import { GraphQLError } from 'graphql'
import type { Plugin } from 'graphql-yoga'

const STREAM = 'text/event-stream'
const JSON_ANSWER = /^\s*application\/(graphql-response\+)?json\s*(;|$)/i

type Accept = string | null | undefined

/** Whether a stream of events is asked for by name: such a request is counted, and ends with its credential. */
export const asksForStream = (accept: Accept): boolean => accept?.toLowerCase().includes(STREAM) === true

/**
 * What a request that asks for no stream accepts: the kinds of JSON that it names, else `application/json`. Its wildcards
 * are dropped, since Yoga would answer them with a stream that nobody has counted.
 */
export const acceptedJson = (accept: Accept): string =>
  (accept ?? '')
    .split(',')
    .filter((type) => JSON_ANSWER.test(type))
    .join(',') || 'application/json'

const UNNAMED = `Send "accept: ${STREAM}" for subscriptions`

/** Refuses subscriptions of requests that do not ask for a stream by name, with 406 and what to send. */
export const streamsByName = (): Plugin => ({
  onSubscribe({ args, setResultAndStopExecution }) {
    if (asksForStream(args.contextValue.request.headers.get('accept'))) return
    const extensions = { code: 'BAD_USER_INPUT', http: { status: 406 } }
    setResultAndStopExecution({ errors: [new GraphQLError(UNNAMED, { extensions })] })
  },
})
