import { type FormattedExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql'
import type { WebSocket } from 'ws'
import type { Principal } from '../core/principal.ts'
import { CarillonError } from '../errors.ts'
import type { Credentials } from '../operations/credentials.ts'
import type { Admit } from './admission.ts'
import { type ShownError, unauthenticated, withoutTransport } from './errors.ts'
import type { Begin, OperationRequest, Streaming } from './operations.ts'
import type { RequestRates } from './request-rates.ts'
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
 * here, and asks for nothing. What answers the client's own messages (pongs, refusals) nobody waits for: it is counted,
 * and a socket that leaves more of it unread than may wait is closed with 4429.
 */

export const SUBPROTOCOL = 'graphql-transport-ws'
export const MAX_OPERATIONS_PER_SOCKET = 50
/** How much a socket may leave unread of what answers its own messages, in bytes. */
const MAX_UNREAD_BYTES = 1024 * 1024

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
  readonly admit: Admit
  readonly rates: RequestRates
  readonly streams: Streams
  readonly begin: Begin
  readonly toShown: ShownError
  readonly initWithinMs: number
}

/** One operation of a socket. */
interface Operation {
  events: AsyncIterator<unknown> | null
}

/** What a close frame has room for, in bytes. */
const MAX_REASON_BYTES = 123
/** As much of a reason as can be sent, in whole characters. */
const fitting = (reason: string): string =>
  new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON_BYTES), { stream: true })

type Params = Readonly<Record<string, unknown>> | undefined

const credentialIn = (params: Params): string | null => {
  const { authorization, Authorization, token } = params ?? {}
  const bearer = authorization ?? Authorization
  if (typeof bearer === 'string') return /^Bearer (.+)$/i.exec(bearer)?.[1] ?? null
  return typeof token === 'string' && token !== '' ? token : null
}

/** Speaks the protocol on one socket until it is closed. A class, since thousands of them wait at once. */
class Session {
  private readonly socket: WebSocket
  private readonly options: SessionOptions
  /** By what its caller's address is counted; `null` where it is not. */
  private readonly address: string | null
  private readonly running = new Map<string, Operation>()
  private initialising: NodeJS.Timeout | null
  private initialised = false
  private stream: Stream | null = null
  /** How many bytes wait to leave that nobody waits for. */
  private unread = 0
  private principal: Principal | null = null
  /** An API key, which may be revoked; a token is good until its instant, at which the socket ends. */
  private key: string | null = null

  constructor(socket: WebSocket, options: SessionOptions, address: string | null) {
    this.socket = socket
    this.options = options
    this.address = address
    this.initialising = setTimeout(
      () => this.socket.close(CLOSE.initTimeout, 'Connection initialisation timeout'),
      options.initWithinMs,
    )
  }

  async answer(text: string): Promise<void> {
    try {
      await this.obey(readMessage(text))
    } catch (error) {
      if (error instanceof CarillonError && error.code === 'FORBIDDEN')
        return this.forbid(`FORBIDDEN: ${error.message}`)
      // Not the end of it for the client, as an internal error would be: it comes back.
      this.socket.close(CLOSE.tryAgainLater, this.options.toShown(error).message)
    }
  }

  /** Its socket is closed. */
  ended(): void {
    this.stopWaiting()
    for (const id of [...this.running.keys()]) this.complete(id)
    this.stream?.close()
  }

  private async obey(message: SocketMessage | null): Promise<void> {
    if (!message) return this.socket.close(CLOSE.badRequest, 'Invalid message received')
    if (message.type === 'connection_init') return this.initialise(message.payload)
    if (message.type === 'ping') return this.pong(message.payload)
    if (message.type === 'subscribe') return this.subscribe(message.id, message.payload)
    if (message.type === 'complete') this.complete(message.id)
  }

  private async initialise(params: Params): Promise<void> {
    const { admit, streams } = this.options
    if (this.initialised) return this.socket.close(CLOSE.tooMany, 'Too many initialisation requests')
    this.initialised = true
    this.stopWaiting()
    const holder = await admit(credentialIn(params), this.address)
    if (holder instanceof CarillonError) {
      if (holder.code === 'UNAUTHENTICATED') return this.forbid()
      throw holder
    }
    const { principal, credential } = holder
    if (this.socket.readyState !== this.socket.OPEN) return
    this.stream = streams.open(holder, () => this.forbid())
    if (!this.stream)
      return this.socket.close(CLOSE.tooMany, 'RATE_LIMITED: this recipient has as many sockets as it may')
    this.principal = principal
    this.key = principal.expiresAt ? null : credential
    await this.send('{"type":"connection_ack"}')
  }

  private async pong(payload: Params): Promise<void> {
    const token = payload?.['token']
    if (typeof token === 'string' && this.principal?.recipientId) await this.renew(this.principal, token)
    // Nothing is repeated to somebody who has not said who they are.
    await this.reply(JSON.stringify({ type: 'pong', ...(this.principal && { payload }) }))
  }

  private async renew(principal: Principal, token: string): Promise<void> {
    // The old token is good until its end: what is open need not end because too much was asked for.
    if (await this.options.rates.take({ principal, credential: token })) return
    const renewed = await this.authenticate(token)
    const { tenantId, recipientId } = principal
    if (renewed?.tenantId !== tenantId || renewed.recipientId !== recipientId) return this.forbid()
    this.principal = renewed
    this.stream?.renew({ principal: renewed, credential: token })
  }

  private async subscribe(id: string, request: OperationRequest): Promise<void> {
    const { principal, running, socket } = this
    if (!principal) return socket.close(CLOSE.unauthorized, 'Unauthorized')
    if (running.has(id)) return socket.close(CLOSE.duplicateId, 'There is an operation of this id already')
    if (running.size >= MAX_OPERATIONS_PER_SOCKET) {
      const message = `A socket carries at most ${MAX_OPERATIONS_PER_SOCKET} operations at once`
      return this.sendErrors(id, [new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } }).toJSON()])
    }
    // Counted before anything is waited for: many can be asked for in one breath.
    const operation: Operation = { events: null }
    running.set(id, operation)
    try {
      // Looked at anew for each operation: a key may have been revoked since.
      const valid = this.key === null || (await this.authenticate(this.key))
      if (!valid) throw unauthenticated(true)
      const limited = await this.options.rates.take({ principal, credential: this.key ?? '' })
      if (limited) throw limited
      const begun = await this.options.begin(principal, request)
      if (begun.kind === 'refused') {
        if (this.end(id, operation)) await this.sendErrors(id, begun.errors)
      } else if (begun.kind === 'answered') {
        if (this.isRunning(id, operation)) await this.sendNext(id, begun.result)
        if (this.end(id, operation)) await this.sendComplete(id)
      } else if (this.isRunning(id, operation)) {
        operation.events = begun.events
        // Not waited for: one that waits for its next event holds nothing of what it took to begin it.
        void this.follow(id, operation, begun)
      } else void begun.events.return?.()
    } catch (error) {
      await this.fail(id, operation, error)
    }
  }

  private async follow(id: string, operation: Operation, { events, resultOf }: Streaming): Promise<void> {
    try {
      for (;;) {
        const { value, done } = await events.next()
        if (done || !this.isRunning(id, operation)) break
        const result = resultOf(value)
        await this.sendNext(id, 'then' in result ? await result : result)
      }
      if (this.end(id, operation)) await this.sendComplete(id)
    } catch (error) {
      await this.fail(id, operation, error)
    }
  }

  private async fail(id: string, operation: Operation, error: unknown): Promise<void> {
    if (this.end(id, operation)) await this.sendErrors(id, [withoutTransport(this.options.toShown(error))])
  }

  private complete(id: string): void {
    const operation = this.running.get(id)
    this.running.delete(id)
    void operation?.events?.return?.()
  }

  private authenticate(credential: string): Promise<Principal | null> {
    const { credentials, rates } = this.options
    return credentials.authenticate(credential, () => rates.beforeLookUp(this.address))
  }

  private isRunning(id: string, operation: Operation): boolean {
    return this.running.get(id) === operation
  }

  /** Frees its id, before the client hears of the end; false where it was not running any more. */
  private end(id: string, operation: Operation): boolean {
    return this.isRunning(id, operation) && this.running.delete(id)
  }

  private forbid(reason = 'UNAUTHENTICATED'): void {
    this.socket.close(CLOSE.forbidden, fitting(reason))
  }

  private stopWaiting(): void {
    if (this.initialising) clearTimeout(this.initialising)
    this.initialising = null
  }

  /** Resolves once it has left for the network, or never will. */
  private send(text: string): Promise<void> {
    const { socket } = this
    return new Promise((resolve) => {
      if (socket.readyState === socket.OPEN) socket.send(text, () => resolve())
      else resolve()
    })
  }

  /** The same for what a client can ask for without ever reading it. */
  private async reply(text: string): Promise<void> {
    if (this.unread > MAX_UNREAD_BYTES) return this.socket.close(CLOSE.tooMany, 'Too many answers left unread')
    const bytes = Buffer.byteLength(text)
    this.unread += bytes
    await this.send(text)
    this.unread -= bytes
  }

  private sendNext(id: string, result: FormattedExecutionResult): Promise<void> {
    return this.send(`{"id":${JSON.stringify(id)},"type":"next","payload":${JSON.stringify(result)}}`)
  }

  private sendErrors(id: string, errors: readonly GraphQLFormattedError[]): Promise<void> {
    return this.reply(JSON.stringify({ id, type: 'error', payload: errors }))
  }

  private sendComplete(id: string): Promise<void> {
    return this.send(JSON.stringify({ id, type: 'complete' }))
  }
}

/** What is wrong with its frames a client is told by the code that closes its socket. */
const ignore = (): void => {}

/** Speaks the protocol on a socket that was just opened. */
export const openSession = (socket: WebSocket, options: SessionOptions, address: string | null): void => {
  socket.on('error', ignore)
  if (socket.protocol !== SUBPROTOCOL) {
    socket.close(CLOSE.badSubprotocol, 'Subprotocol not acceptable')
    return
  }
  const session = new Session(socket, options, address)
  socket.on('message', (data) => void session.answer(String(data)))
  socket.on('close', () => session.ended())
}
