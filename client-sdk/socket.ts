import { type Client, createClient, type FormattedExecutionResult } from 'graphql-ws'
import type { Credential } from './credential.ts'
import { CarillonClientError, errorOfAnswer } from './error.ts'
import { type Loss, lossBy, readLoss } from './loss.ts'
import { hearPage } from './page-events.ts'
import { renewIn } from './token-lifetime.ts'
import type { AskedDocument } from './typed-document.ts'
import { findWebSocket, type WebSocketConstructor } from './web-socket.ts'

/*
 * A subscription is one of
 *
 *   subscribed ──lost──► waiting ──backoff──► subscribed ...        until stopped, refused for good, or completed
 *
 * where a browser that is online again, or a page that is looked at again, does not wait for the backoff;
 * each by itself, over one socket that is opened when the first subscribes and closed when the last leaves. graphql-ws
 * could come back by itself too, but gives up for good where the server or a proxy was merely in trouble (1011, 4500).
 */

export interface SocketOptions {
  readonly url: string
  readonly credential: Credential
  readonly webSocketImpl: WebSocketConstructor | undefined
  readonly keepAliveMs: number
  readonly onRetry: ((error: CarillonClientError) => void) | undefined
}

export interface Sink {
  next(data: unknown): void
  error(error: CarillonClientError): void
  complete(): void
  /** The connection was lost, and is waited for. */
  waiting?(error: CarillonClientError): void
}

export interface Subscription {
  readonly document: AskedDocument
  /** Asked for each time that the server is told, so a subscription can go on from where it stood. */
  readonly variables: () => unknown
  /** Such a one may be begun anew at any time: after an answer with a passing error, or an end, too. */
  readonly resumable: boolean
}

/** Begins a subscription; answers what ends it, after which the sink hears nothing more. */
export type Subscribe = (subscription: Subscription, sink: Sink) => () => void

export interface Sockets {
  readonly subscribe: Subscribe
  /** Completes every subscription and closes the socket. */
  close(): void
}

const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** From the token in hand to the server's acknowledgement. */
const CONNECT_WITHIN_MS = 15_000
/** How long a socket that nobody uses is kept, for one who leaves and comes back at once. */
const IDLE_MS = 1_000

/** Doubling, and spread over half of it: after a restart, a server's clients must not all come at once. */
const retryDelay = (failures: number): number =>
  Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2)

const nothing = (): void => {}

/** Longer than this a timer cannot be set. */
const MAX_TIMER_MS = 2 ** 31 - 1

export const createSockets = ({ url, credential, webSocketImpl, keepAliveMs, onRetry }: SocketOptions): Sockets => {
  const running = new Set<() => void>()
  /** Those that wait to begin again. */
  const waitingOnes = new Set<() => void>()
  let connecting: Promise<Client> | null = null
  let acknowledged = false
  let closed = false
  let token: string | null = null
  let tokenError: CarillonClientError | null = null
  let deadline: ReturnType<typeof setTimeout> | undefined
  let stopHearing = nothing
  let renewal: ReturnType<typeof setTimeout> | undefined

  const openClient = async (): Promise<Client> => {
    const WebSocket = await findWebSocket(webSocketImpl)
    stopHearing = hearPage({
      onReturn() {
        for (const again of [...waitingOnes]) again()
      },
      onLoss: () => client.terminate(),
    })
    if (closed) stopHearing()
    /** A peer that has gone without a word is noticed by its silence alone. */
    const giveUpAfter = (ms: number): void => {
      clearTimeout(deadline)
      deadline = setTimeout(() => client.terminate(), ms)
    }
    /** Hands over a new token while the old one still counts, so that the socket need not end with it. */
    const renewInTime = (socket: { send(text: string): void }): void => {
      clearTimeout(renewal)
      const inMs = token === null || !credential.renewable ? null : renewIn(token, Date.now())
      if (inMs === null) return
      renewal = setTimeout(
        async () => {
          try {
            const renewed = await credential.renew()
            if (!acknowledged || renewed === token) return
            token = renewed
            socket.send(JSON.stringify({ type: 'ping', payload: { token } }))
            renewInTime(socket)
          } catch {
            // The socket ends with the old one then, and coming back asks again, and says why where that fails too.
          }
        },
        Math.min(inMs, MAX_TIMER_MS),
      )
    }
    const client: Client = createClient({
      url: async () => {
        // Before the socket is open, since then the server waits for the token, and not for long. Without one it is
        // opened all the same, and the server's refusal is what the subscriptions hear of it.
        try {
          token = await credential.renew()
          tokenError = null
        } catch (error) {
          token = null
          tokenError = error as CarillonClientError
        }
        giveUpAfter(CONNECT_WITHIN_MS)
        return url
      },
      connectionParams: () => (token === null ? {} : { token }),
      webSocketImpl: WebSocket,
      keepAlive: keepAliveMs,
      lazyCloseTimeout: IDLE_MS,
      retryAttempts: 0,
      on: {
        connected(socket) {
          acknowledged = true
          clearTimeout(deadline)
          renewInTime(socket as { send(text: string): void })
        },
        ping(received) {
          if (!received) giveUpAfter(keepAliveMs)
        },
        pong(received) {
          if (received) clearTimeout(deadline)
        },
        closed() {
          acknowledged = false
          clearTimeout(deadline)
          clearTimeout(renewal)
        },
      },
    })
    return client
  }

  const subscribe: Subscribe = ({ document, variables, resumable }, sink) => {
    let stopped = false
    let failures = 0
    let begunAt = 0
    let release = nothing
    let waiting: ReturnType<typeof setTimeout> | undefined

    const finish = (tell: () => void): void => {
      if (stopped) return
      stopped = true
      clearTimeout(waiting)
      waitingOnes.delete(again)
      running.delete(complete)
      tell()
    }
    const complete = () => finish(() => sink.complete())

    const lost = ({ error, transient }: Loss): void => {
      if (stopped) return
      if (!transient) {
        finish(() => sink.error(error))
        return
      }
      onRetry?.(error)
      sink.waiting?.(error)
      const lasted = Date.now() - begunAt
      if (lasted > MAX_RETRY_MS) failures = 0
      waiting = setTimeout(again, retryDelay(failures))
      waitingOnes.add(again)
      failures += 1
    }

    const again = (): void => {
      clearTimeout(waiting)
      waitingOnes.delete(again)
      void begin()
    }

    const begin = async (): Promise<void> => {
      let current = true
      begunAt = Date.now()
      const leave = (): boolean => {
        const was = current
        current = false
        return was && !stopped
      }
      let client: Client
      try {
        connecting ??= openClient()
        client = await connecting
      } catch (error) {
        return lost(lossBy(error as CarillonClientError))
      }
      if (stopped) return
      const end = client.subscribe(
        {
          // graphql-ws wants a text, be it an empty one.
          query: '',
          ...document,
          get variables() {
            return variables() as Record<string, unknown>
          },
        },
        {
          next(result: FormattedExecutionResult) {
            if (!current || stopped) return
            if (!result.errors?.length) {
              failures = 0
              sink.next(result.data)
              return
            }
            release()
            const loss = lossBy(errorOfAnswer(result.errors as readonly { message: string }[]))
            lost({ ...loss, transient: loss.transient && resumable })
          },
          error(reason) {
            if (leave()) lost(readLoss(reason, { url, renewable: credential.renewable, tokenError }))
          },
          complete() {
            if (!leave()) return
            const error = new CarillonClientError('NETWORK_ERROR', `${url} ended the subscription`)
            if (resumable) lost(lossBy(error))
            else complete()
          },
        },
      )
      release = () => {
        if (leave()) end()
      }
    }

    running.add(complete)
    void begin()
    return () => {
      release()
      finish(nothing)
    }
  }

  return {
    subscribe(subscription, sink) {
      if (!closed) return subscribe(subscription, sink)
      sink.error(new CarillonClientError('CLIENT_CLOSED', 'This client was closed: create another'))
      return nothing
    },
    close() {
      closed = true
      stopHearing()
      for (const complete of running) complete()
      void connecting?.then((client) => {
        Promise.resolve(client.dispose()).catch(nothing)
        if (!acknowledged) client.terminate()
      }, nothing)
    },
  }
}
