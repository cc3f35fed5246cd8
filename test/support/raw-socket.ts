import { once } from 'node:events'
import WebSocket from 'ws'
import { until } from './until.ts'

export interface SocketMessage {
  readonly type: string
  readonly id?: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look at whatever the server said.
  readonly payload?: any
}

/** A socket that speaks graphql-transport-ws by hand: what a client library hides can be seen. */
export interface RawSocket {
  /** Everything the server has said, in order. */
  readonly messages: readonly SocketMessage[]
  /** How it was closed; `null` while it is open. */
  readonly closed: { readonly code: number; readonly reason: string } | null
  send(message: SocketMessage): void
  subscribe(id: string, query: string, variables?: Record<string, unknown>): void
  /** The first message that fits, said already or not yet. */
  message(fits: (message: SocketMessage) => boolean): Promise<SocketMessage>
  /** What an operation has been answered so far. */
  answers(id: string): readonly SocketMessage[]
  closure(): Promise<{ readonly code: number; readonly reason: string }>
  end(): Promise<void>
}

/** Opens a socket, without `connection_init` where `init` is left out. */
export const openRawSocket = async (url: string, init?: Record<string, unknown> | null): Promise<RawSocket> => {
  const socket = new WebSocket(url, 'graphql-transport-ws')
  const messages: SocketMessage[] = []
  let closed: { code: number; reason: string } | null = null
  socket.on('message', (data) => void messages.push(JSON.parse(String(data))))
  socket.on('close', (code, reason) => {
    closed = { code, reason: String(reason) }
  })
  socket.on('error', () => {})
  await once(socket, 'open')
  const send = (message: SocketMessage): void => socket.send(JSON.stringify(message))
  const raw: RawSocket = {
    messages,
    get closed() {
      return closed
    },
    send,
    subscribe: (id, query, variables) => send({ type: 'subscribe', id, payload: { query, variables } }),
    message: (fits) => until('the server has said so', () => messages.find(fits)),
    answers: (id) => messages.filter((message) => message.id === id),
    closure: () => until('the socket is closed', () => closed),
    async end() {
      if (closed) return
      socket.close()
      await until('the socket is closed', () => closed)
    },
  }
  if (init !== undefined) {
    send({ type: 'connection_init', ...(init && { payload: init }) })
    await until('it is acknowledged or closed', () => closed ?? messages.find(({ type }) => type === 'connection_ack'))
  }
  return raw
}
