import { createCredential, type Token } from './credential.ts'
import { CarillonClientError } from './error.ts'
import { createHttp, type SendRequest } from './http.ts'
import { createSockets, type Sockets, type Subscribe } from './socket.ts'
import { createStream } from './stream.ts'
import type { AskedDocument } from './typed-document.ts'
import type { WebSocketConstructor } from './web-socket.ts'

export interface TransportOptions {
  /** The address of the API, such as `https://notify.example.com/graphql`. */
  readonly url: string
  readonly token: Token
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Default: the platform's, or in Node before 22 that of package `ws`. */
  readonly webSocketImpl?: WebSocketConstructor | undefined
  /** Where subscriptions go; default: `url` with `ws` for `http`. */
  readonly wsUrl?: string | undefined
  /** How long to wait for the answer to a request; default 30,000 ms. */
  readonly timeoutMs?: number | undefined
  /** How often the socket is asked whether it is alive; silent for as long again, it is replaced. Default 12,000 ms. */
  readonly keepAliveMs?: number | undefined
  /** Hears of what a subscription recovers from by itself: it comes back after half a second, later up to 30 s. */
  readonly onRetry?: ((error: CarillonClientError) => void) | undefined
}

export interface Transport {
  readonly send: SendRequest
  readonly subscribe: Subscribe
  /** A subscription's data, read one after another. */
  read(document: AskedDocument, variables: unknown): AsyncIterableIterator<unknown, undefined>
  close(): void
}

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_KEEP_ALIVE_MS = 12_000
const MAX_UNREAD_RESULTS = 1_000

const readSubscription = (
  { subscribe }: Pick<Sockets, 'subscribe'>,
  document: AskedDocument,
  variables: unknown,
): AsyncIterableIterator<unknown, undefined> => {
  const unread: unknown[] = []
  let leave: (() => void) | null = null
  const stream = createStream<unknown>({
    take: () => unread.shift() ?? null,
    wanted() {
      leave ??= subscribe(
        { document, variables: () => variables, resumable: false },
        {
          next(data) {
            unread.push(data)
            stream.filled()
            if (unread.length <= MAX_UNREAD_RESULTS) return
            leave?.()
            const message = `More than ${MAX_UNREAD_RESULTS} results wait to be read; watchInbox merges what waits`
            stream.end(new CarillonClientError('READER_TOO_SLOW', message))
          },
          error: stream.end,
          complete: stream.end,
        },
      )
    },
    left: () => leave?.(),
  })
  return stream.iterator
}

/** How the client speaks to its server: requests over HTTP, subscriptions over one socket, opened when it is needed. */
export const createTransport = (options: TransportOptions): Transport => {
  const { url, wsUrl = url.replace(/^http/, 'ws'), onRetry } = options
  const credential = createCredential(options.token)
  const send = createHttp({
    url,
    credential,
    fetch: options.fetch,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
  })
  const sockets = createSockets({
    url: wsUrl,
    credential,
    webSocketImpl: options.webSocketImpl,
    keepAliveMs: options.keepAliveMs ?? DEFAULT_KEEP_ALIVE_MS,
    onRetry,
  })
  return {
    send,
    subscribe: sockets.subscribe,
    read: (document, variables) => readSubscription(sockets, document, variables),
    close: sockets.close,
  }
}
