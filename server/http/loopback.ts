import type { IncomingMessage, ServerResponse } from 'node:http'

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Whether a page with the development keys in it may be shown: under a loopback name alone, since a page of somebody
 * else's that points its own name at this machine must not read it. Where it may not, the answer has been given.
 */
export const mayShowKeys = (what: string, request: IncomingMessage, response: ServerResponse): boolean => {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (LOOPBACK_NAMES.has(name)) return true
  response.writeHead(403, { 'content-type': 'text/plain' })
  response.end(`${what} with the development keys is shown at http://localhost alone\n`)
  return false
}
