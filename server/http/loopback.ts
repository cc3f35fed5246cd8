import type { IncomingMessage, ServerResponse } from 'node:http'

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

const isLoopbackName = ({ headers }: IncomingMessage): boolean =>
  LOOPBACK_NAMES.has((headers.host ?? '').replace(/:\d+$/, ''))

/** Written by proxies and tunnels, behind whose address on this machine anybody may stand. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const

/**
 * Whether a request comes from this machine, and by one of its own names: not from a page that points its name here, nor
 * through a proxy that says whom it asks for.
 */
export const isLoopback = (request: IncomingMessage): boolean => {
  const address = request.socket.remoteAddress ?? ''
  const isForwarded = FORWARDED.some((name) => request.headers[name] !== undefined)
  return !isForwarded && isLoopbackName(request) && /^(::ffff:)?127\.|^::1$/.test(address)
}

/** Whether a page with the development keys in it may be shown: to this machine alone. Where not, the answer has been given. */
export const mayShowKeys = (what: string, request: IncomingMessage, response: ServerResponse): boolean => {
  if (isLoopback(request)) return true
  response.writeHead(403, { 'content-type': 'text/plain' })
  response.end(`${what} with the development keys is shown at http://localhost alone, and through no proxy\n`)
  return false
}
