import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { drip, pour } from './pouring.ts'
import type { Behaviour, Provider } from './provider.ts'

/** One request, read whole. */
export interface HttpCall {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
/** Answers a call by hand, or leaves it unanswered. */
export type HttpAnswer = (call: HttpCall, response: ServerResponse, socket: Socket) => void

export interface HttpProviderOptions {
  /** Finds the idempotency key in a call; `null`, or left out, where the protocol has none. */
  readonly keyOf?: ((call: HttpCall) => string | undefined) | null
  /** How it answers in place of 200, 400 and 503 with a few words, where an adapter needs more than that. */
  readonly answers?: Partial<Readonly<Record<Behaviour, HttpAnswer>>>
  /** Where it listens: 127.0.0.1 by default; empty for every address of this machine. */
  readonly host?: string
}

export interface HttpProvider extends Provider {
  /** `http://127.0.0.1:1234`. */
  readonly url: string
  readonly port: number
  readonly calls: readonly HttpCall[]
  /** How many connections were opened to it. */
  readonly connections: number
  behave(behaviour: Behaviour | HttpAnswer): void
}

const TEN_MEGABYTES = Buffer.alloc(10_000_000, 'x')

const ANSWERS: Readonly<Record<Behaviour, HttpAnswer>> = {
  accepts: (_call, response) => response.writeHead(200).end('thank you'),
  'refuses for good': (_call, response) => response.writeHead(400).end('no'),
  'refuses for now': (_call, response) => response.writeHead(503).end('later'),
  'says nothing': () => {},
  'drips its answer': (_call, _response, socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx-long: ')
    drip(socket, 'x')
  },
  'resets the connection': (_call, _response, socket) => socket.resetAndDestroy(),
  'answers nonsense': (_call, _response, socket) => socket.end('220 mail.example.test ready\r\n\r\n\u0000\u0001'),
  'answers ten megabytes': (_call, response) => response.writeHead(500).end(TEN_MEGABYTES),
  'answers without end': (_call, response) => pour(response.writeHead(500)),
  'refuses with all it was given': (call, response) =>
    response.writeHead(400).end(`bad request: ${call.url} ${call.body} ${JSON.stringify(call.headers)}`),
}

/** A provider that speaks HTTP: a server on loopback that does as it is told, and keeps what it was given. */
export const httpProvider = async ({
  keyOf = null,
  answers = {},
  host = '127.0.0.1',
}: HttpProviderOptions = {}): Promise<HttpProvider> => {
  const answersBy = { ...ANSWERS, ...answers }
  const happened = new EventEmitter()
  const calls: HttpCall[] = []
  const sockets: Socket[] = []
  let answer: HttpAnswer = answersBy.accepts
  let seen = 0

  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request
    const call = { method, url, headers, body: await text(request) }
    calls.push(call)
    answer(call, response, request.socket)
    happened.emit('call')
  })
  server.on('connection', (socket) => {
    sockets.push(socket)
  })
  server.listen(0, host || undefined)
  await once(server, 'listening')

  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    calls,
    get connections() {
      return sockets.length
    },
    get keys() {
      return keyOf && calls.map((call) => keyOf(call) ?? '')
    },
    behave(behaviour) {
      answer = typeof behaviour === 'string' ? answersBy[behaviour] : behaviour
      seen = calls.length
    },
    async called() {
      if (calls.length === seen) await once(happened, 'call')
    },
    sent: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    async close() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
