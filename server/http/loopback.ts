import type { IncomingMessage, ServerResponse } from 'node:http'

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

const isLoopbackName = ({ headers }: IncomingMessage): boolean =>
  LOOPBACK_NAMES.has((headers.host ?? '').replace(/:\d+$/, ''))

/** Whether a request comes from this machine, and by one of its own names: not from a page that points its name here. */
export const isLoopback = (request: IncomingMessage): boolean => {
  const address = request.socket.remoteAddress ?? ''
  return isLoopbackName(request) && /^(::ffff:)?127\.|^::1$/.test(address)
}

/**
 * Whether a page with the development keys in it may be shown: under a loopback name alone, since a page of somebody
 * else's that points its own name at this machine must not read it. Where it may not, the answer has been given.
 */
export const mayShowKeys = (what: string, request: IncomingMessage, response: ServerResponse): boolean => {
  if (isLoopbackName(request)) return true
  response.writeHead(403, { 'content-type': 'text/plain' })
  response.end(`${what} with the development keys is shown at http://localhost alone\n`)
  return false
}
