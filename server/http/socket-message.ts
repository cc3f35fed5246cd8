import { hashAskedFor } from '../core/persisted-operations.ts'
import type { OperationRequest } from './operations.ts'

/** What a client may say over a socket, in the protocol `graphql-transport-ws`. */
export type SocketMessage =
  | { readonly type: 'connection_init'; readonly payload?: Readonly<Record<string, unknown>> }
  | { readonly type: 'ping' | 'pong'; readonly payload?: Readonly<Record<string, unknown>> }
  | { readonly type: 'subscribe'; readonly id: string; readonly payload: OperationRequest }
  | { readonly type: 'complete'; readonly id: string }

const isObject = (given: unknown): given is Record<string, unknown> =>
  typeof given === 'object' && given !== null && !Array.isArray(given)

const isRequest = (given: unknown): given is OperationRequest => {
  if (!isObject(given)) return false
  const { query, variables, operationName, extensions } = given
  return (
    (typeof query === 'string' || hashAskedFor(given) !== null) &&
    (variables == null || isObject(variables)) &&
    (operationName == null || typeof operationName === 'string') &&
    (extensions == null || isObject(extensions))
  )
}

/** Reads a message; `null` where it is none of the protocol's. */
export const readMessage = (text: string): SocketMessage | null => {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return null
  }
  if (!isObject(given)) return null
  const { type, id, payload } = given
  const hasId = typeof id === 'string' && id !== ''
  switch (type) {
    case 'connection_init':
    case 'ping':
    case 'pong':
      return payload == null || isObject(payload) ? { type, ...(payload != null && { payload }) } : null
    case 'subscribe':
      return hasId && isRequest(payload) ? { type, id, payload } : null
    case 'complete':
      return hasId ? { type, id } : null
    default:
      return null
  }
}
