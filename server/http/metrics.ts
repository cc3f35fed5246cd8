import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { App } from '../app.ts'
import { CarillonError, SetupError } from '../errors.ts'
import type { Admit } from './admission.ts'
import { answerHealth } from './health.ts'
import { isLoopback } from './loopback.ts'
import { pathOf } from './path.ts'

/** What there is to be read. */
export interface Readable {
  readonly contentType: string
  read(): Promise<string>
}

export const METRICS_PATH = '/metrics'

const write = async (metrics: Readable, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
  }
  const text = await metrics.read()
  response.writeHead(200, { 'content-type': metrics.contentType, 'cache-control': 'no-store' }).end(text)
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' }

/** Reads metrics out beside the API: to keys with the scope OPERATE, and where it says so to this machine itself. */
export const answerMetrics = async (
  { metrics, openToLoopback }: { readonly metrics: Readable; readonly openToLoopback: boolean },
  {
    request,
    response,
    admitted,
  }: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    /** Who asks, counted as every request is. */
    readonly admitted: () => ReturnType<Admit>
  },
): Promise<void> => {
  if (!(openToLoopback && isLoopback(request))) {
    const holder = await admitted()
    if (holder instanceof CarillonError) {
      if (holder.code !== 'UNAUTHENTICATED') throw holder
      const headers = { ...TEXT, 'www-authenticate': 'Bearer' }
      return void response
        .writeHead(401, headers)
        .end('Metrics want an API key with the scope OPERATE: send "Authorization: Bearer ..."\n')
    }
    if (!holder.principal.scopes.includes('OPERATE')) {
      return void response.writeHead(403, TEXT).end('Metrics want an API key with the scope OPERATE\n')
    }
  }
  await write(metrics, request, response)
}

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/**
 * Opens a door of its own for metrics and health, without any credential: for an address that only those reach who may
 * read them.
 */
export const serveMetrics = async (
  app: Pick<App, 'isReady'>,
  metrics: Readable,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsServer> => {
  const server = createServer((request, response) => {
    if (answerHealth(app, request, response)) return
    if (pathOf(request) !== METRICS_PATH) return void response.writeHead(404, TEXT).end('There is /metrics alone\n')
    write(metrics, request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ message }) =>
      reject(
        new SetupError(
          `Cannot serve metrics on ${host}:${port}: ${message}. Choose others with CARILLON_METRICS_HOST and CARILLON_METRICS_PORT`,
        ),
      ),
    )
    server.listen(port, host, resolve)
  })
  const { port: own } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${own}${METRICS_PATH}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
