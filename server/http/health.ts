import type { IncomingMessage, ServerResponse } from 'node:http'
import type { App } from '../app.ts'
import { pathOf } from './path.ts'

/** Answers `/health/live` and `/health/ready`; false where the request is for something else. */
export const answerHealth = (
  { isReady }: Pick<App, 'isReady'>,
  request: IncomingMessage,
  response: ServerResponse,
  { closing = false }: { readonly closing?: boolean } = {},
): boolean => {
  const path = pathOf(request)
  if (path === '/health/live') response.writeHead(200).end('live\n')
  else if (path === '/health/ready') {
    const ready = !closing && isReady()
    response.writeHead(ready ? 200 : 503).end(ready ? 'ready\n' : 'not ready\n')
  } else return false
  return true
}
