import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Behaviour, Provider } from './contract.ts'
import { drip, pour } from './pouring.ts'

export interface HttpCall {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}
export type Answer = (call: HttpCall, response: ServerResponse, socket: Socket) => void

export interface HttpProvider extends Provider {
  readonly port: number
  readonly calls: readonly HttpCall[]
  /** How many connections were opened to it. */
  readonly connections: number
  behave(behaviour: Behaviour | Answer): void
}

const TEN_MEGABYTES = Buffer.alloc(10_000_000, 'x')

const answers: Readonly<Record<Behaviour, Answer>> = {
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

/** An HTTP server on loopback; `keyOf` finds the idempotency key in a call. */
export const httpProvider = async (
  keyOf: ((call: HttpCall) => string | undefined) | null,
  /** Left out: every address of this machine. */
  host: string | undefined = '127.0.0.1',
): Promise<HttpProvider> => {
  const happened = new EventEmitter()
  const calls: HttpCall[] = []
  const sockets: Socket[] = []
  let [answer, seen]: [Answer, number] = [answers.accepts, 0]

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
  server.listen(0, host)
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    calls,
    get connections() {
      return sockets.length
    },
    get keys() {
      return keyOf && calls.map((call) => keyOf(call) ?? '')
    },
    behave(behaviour) {
      answer = typeof behaviour === 'string' ? answers[behaviour] : behaviour
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
