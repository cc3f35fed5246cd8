import { type FormattedExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { WebSocket } from 'ws'
import type { Principal } from '../core/principal.ts'
import type { Credentials } from '../operations/credentials.ts'
import { type shownError, unauthenticated, withoutTransport } from './errors.ts'
import type { Begin, OperationRequest } from './operations.ts'
import { readMessage, type SocketMessage } from './socket-message.ts'
import type { Stream, Streams } from './streams.ts'

/*
 *   opened ──connection_init──► being looked at ──► acknowledged ──► closed
 *      │ too late: 4408              └ no credential: 4403; as many as there may be: 4429
 *
 * and each operation of one that is acknowledged is one of
 *
 *   begun ──► answered, or refused
 *     └─────► waiting for an event ⇄ executing and sending it     until it ends or is completed
 *
 * The next event is asked for once the one before has left for the network: whoever does not read makes nothing pile up
 * here, and asks for nothing.
 */

export const SUBPROTOCOL = 'graphql-transport-ws'
export const MAX_OPERATIONS_PER_SOCKET = 50

const CLOSE = {
  tryAgainLater: 1013,
  badRequest: 4400,
  unauthorized: 4401,
  /** The client asks for a new token and comes back after this one; after 4401 it would give up. */
  forbidden: 4403,
  badSubprotocol: 4406,
  initTimeout: 4408,
  duplicateId: 4409,
  tooMany: 4429,
} as const

export interface SessionOptions {
  readonly credentials: Pick<Credentials, 'authenticate'>
  readonly streams: Streams
  readonly begin: Begin
  readonly toShown: ReturnType<typeof shownError>
  readonly initWithinMs: number
}

/** One operation of a socket; replaced by another of its id only after it has ended. */
interface Operation {
  events: AsyncIterator<unknown> | null
}

const credentialIn = (params: Readonly<Record<string, unknown>> | undefined): string | null => {
  const { authorization, Authorization, token } = params ?? {}
  const bearer = authorization ?? Authorization
  if (typeof bearer === 'string') return /^Bearer (.+)$/i.exec(bearer)?.[1] ?? null
  return typeof token === 'string' && token !== '' ? token : null
}

/** Speaks the protocol on one socket until it is closed. */
export const openSession = (
  socket: WebSocket,
  { credentials, streams, begin, toShown, initWithinMs }: SessionOptions,
): void => {
  if (socket.protocol !== SUBPROTOCOL) {
    socket.on('error', () => {})
    socket.close(CLOSE.badSubprotocol, 'Subprotocol not acceptable')
    return
  }
  const running = new Map<string, Operation>()
  let initialised = false
  let stream: Stream | null = null
  let principal: Principal | null = null
  let credential = ''
  const initialising = setTimeout(
    () => socket.close(CLOSE.initTimeout, 'Connection initialisation timeout'),
    initWithinMs,
  )

  /** Resolves once it has left for the network, or never will. */
  const send = (text: string): Promise<void> =>
    new Promise((resolve) => {
      if (socket.readyState === socket.OPEN) socket.send(text, () => resolve())
      else resolve()
    })
  const sendNext = (id: string, result: FormattedExecutionResult) =>
    send(`{"id":${JSON.stringify(id)},"type":"next","payload":${JSON.stringify(result)}}`)
  const sendErrors = (id: string, errors: readonly GraphQLFormattedError[]) =>
    send(JSON.stringify({ id, type: 'error', payload: errors }))
  const sendComplete = (id: string) => send(JSON.stringify({ id, type: 'complete' }))
  const forbid = () => socket.close(CLOSE.forbidden, 'UNAUTHENTICATED')
  // Not the end of it for the client, as an internal error would be: it comes back.
  const closeFor = (error: unknown) => socket.close(CLOSE.tryAgainLater, toShown(error).message)

  const initialise = async (params: Readonly<Record<string, unknown>> | undefined): Promise<void> => {
    if (initialised) return socket.close(CLOSE.tooMany, 'Too many initialisation requests')
    initialised = true
    clearTimeout(initialising)
    const given = credentialIn(params)
    const found = given === null ? null : await credentials.authenticate(given)
    if (!found || given === null) return forbid()
    if (socket.readyState !== socket.OPEN) return
    stream = streams.open({ principal: found, credential: given }, forbid)
    if (!stream) return socket.close(CLOSE.tooMany, 'RATE_LIMITED: this recipient has as many sockets as it may')
    principal = found
    credential = given
    await send('{"type":"connection_ack"}')
  }

  const pong = async (payload: Readonly<Record<string, unknown>> | undefined): Promise<void> => {
    const token = payload?.['token']
    if (typeof token === 'string' && principal?.recipientId) {
      const renewed = await credentials.authenticate(token)
      if (renewed?.tenantId !== principal.tenantId || renewed.recipientId !== principal.recipientId) return forbid()
      principal = renewed
      credential = token
      stream?.renew({ principal: renewed, credential: token })
    }
    await send(JSON.stringify({ type: 'pong', payload }))
  }

  const follow = async (id: string, operation: Operation, request: OperationRequest): Promise<void> => {
    const isRunning = () => running.get(id) === operation
    // Its id is free before the client hears of the end.
    const end = () => isRunning() && running.delete(id)
    try {
      // Looked at anew for each operation: a key may have been revoked since.
      const holder = await credentials.authenticate(credential)
      if (!holder) throw unauthenticated(true)
      const begun = await begin(holder, request)
      if (begun.kind === 'streaming') {
        const { events, resultOf } = begun
        operation.events = events
        if (!isRunning()) return void events.return?.()
        for (let next = await events.next(); !next.done && isRunning(); next = await events.next()) {
          const result = await resultOf(next.value)
          if (isRunning()) await sendNext(id, result)
        }
        if (end()) await sendComplete(id)
      } else if (begun.kind === 'answered') {
        if (isRunning()) await sendNext(id, begun.result)
        if (end()) await sendComplete(id)
      } else if (end()) await sendErrors(id, begun.errors)
    } catch (error) {
      if (end()) await sendErrors(id, [withoutTransport(toShown(error))])
    }
  }

  const subscribe = async (id: string, request: OperationRequest): Promise<void> => {
    if (!principal) return socket.close(CLOSE.unauthorized, 'Unauthorized')
    if (running.has(id)) return socket.close(CLOSE.duplicateId, 'There is an operation of this id already')
    if (running.size >= MAX_OPERATIONS_PER_SOCKET) {
      const message = `A socket carries at most ${MAX_OPERATIONS_PER_SOCKET} operations at once`
      return sendErrors(id, [new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } }).toJSON()])
    }
    const operation: Operation = { events: null }
    running.set(id, operation)
    await follow(id, operation, request)
  }

  const stop = (id: string): void => {
    const operation = running.get(id)
    running.delete(id)
    void operation?.events?.return?.()
  }

  const answer = async (message: SocketMessage | null): Promise<void> => {
    if (!message) return socket.close(CLOSE.badRequest, 'Invalid message received')
    if (message.type === 'connection_init') return initialise(message.payload)
    if (message.type === 'ping') return pong(message.payload)
    if (message.type === 'subscribe') return subscribe(message.id, message.payload)
    if (message.type === 'complete') stop(message.id)
  }

  socket.on('message', (data) => void answer(readMessage(String(data))).catch(closeFor))
  // What is wrong with its frames it is told by the code that closes it.
  socket.on('error', () => {})
  socket.once('close', () => {
    clearTimeout(initialising)
    for (const id of [...running.keys()]) stop(id)
    stream?.close()
  })
}
