import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { App } from '../app.ts'
import type { Admit } from './admission.ts'
import type { ShownError } from './errors.ts'
import type { Begin } from './operations.ts'
import type { Origins } from './origins.ts'
import { pathOf } from './path.ts'
import type { RequestRates } from './request-rates.ts'
import { openSession, SUBPROTOCOL } from './socket-session.ts'
import type { StreamLimits, Streams } from './streams.ts'

const MAX_MESSAGE_BYTES = 512 * 1024
/** Into how many parts an interval's pings are divided, so that thousands of them do not leave in one breath. */
const PING_PARTS = 12
const GOING_AWAY = 1001

/** Pings every socket once in each interval, and ends those that have not answered since the last time. */
const keepAlive = (everyMs: number) => {
  const parts = Array.from({ length: PING_PARTS }, () => new Set<WebSocket>())
  const silent = new WeakSet<WebSocket>()
  let next = 0
  function answered(this: WebSocket): void {
    silent.delete(this)
  }
  const pinging = setInterval(() => {
    next = (next + 1) % PING_PARTS
    for (const socket of parts[next] ?? []) {
      if (silent.has(socket)) socket.terminate()
      else {
        silent.add(socket)
        socket.ping()
      }
    }
  }, everyMs / PING_PARTS).unref()
  let opened = 0
  return {
    add(socket: WebSocket): void {
      const part = parts[opened % PING_PARTS]
      opened += 1
      part?.add(socket)
      socket.on('pong', answered)
      socket.on('close', () => part?.delete(socket))
    },
    stop: () => clearInterval(pinging),
  }
}

/** GraphQL over sockets at the same path as over HTTP, through the same checks, with the same verdicts. */
export const serveSockets = (
  app: App,
  server: Server,
  {
    begin,
    toShown,
    streams,
    admit,
    rates,
    origins,
    limits,
  }: {
    readonly begin: Begin
    readonly toShown: ShownError
    readonly streams: Streams
    readonly admit: Admit
    readonly rates: RequestRates
    readonly origins: Origins
    readonly limits: Required<StreamLimits>
  },
) => {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  const alive = keepAlive(limits.keepAliveMs)
  const session = {
    credentials: app.credentials,
    toShown,
    initWithinMs: limits.initWithinMs,
    streams,
    admit,
    rates,
    begin,
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal =
      pathOf(request) !== '/graphql' ? '404 Not Found' : origins.mayConnect(request) ? null : '403 Forbidden'
    if (refusal) {
      // Nobody else listens any more, and an error that nobody listens to ends the process.
      socket.on('error', () => {})
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`)
      return
    }
    const address = rates.addressOf(request)
    sockets.handleUpgrade(request, socket, head, (opened) => {
      alive.add(opened)
      app.telemetry.emit('stream.opened', { kind: 'socket' })
      opened.once('close', () => app.telemetry.emit('stream.closed', { kind: 'socket' }))
      openSession(opened, session, address)
    })
  })

  return {
    /** Says goodbye to all of them. */
    close(): void {
      alive.stop()
      sockets.close()
      for (const socket of sockets.clients) socket.close(GOING_AWAY, 'Going away')
    },
    /** Ends those that have not said goodbye themselves. */
    terminate(): void {
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}
