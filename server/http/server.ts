import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GraphQLSchema } from 'graphql'
import { schema as carillonSchema } from '../../schema/index.ts'
import type { App } from '../app.ts'
import { NO_PERSISTED_OPERATIONS, type PersistedOperations } from '../core/persisted-operations.ts'
import { unsubscribeTokenIn } from '../core/unsubscribe-token.ts'
import { CarillonError, type ErrorCode, SetupError } from '../errors.ts'
import { publicError } from '../operations/failures.ts'
import { webhookAddressIn } from '../operations/webhooks/path.ts'
import { requestContext } from '../tracing.ts'
import { acceptedJson, asksForStream } from './accept.ts'
import { createAdmission } from './admission.ts'
import { type Asked, noteAnswer } from './asked.ts'
import { credentialOf } from './auth.ts'
import { readBody } from './body.ts'
import { createCompiler } from './compiled-execution.ts'
import { errorBody, shownError } from './errors.ts'
import { createGraphQLServer } from './graphql.ts'
import { answerHealth } from './health.ts'
import { answerMetrics, METRICS_PATH, type Readable } from './metrics.ts'
import { createOperations } from './operations.ts'
import { originsOf } from './origins.ts'
import type { Page } from './page.ts'
import { pathOf } from './path.ts'
import { chooseReads } from './replica-reads.ts'
import { countRequests, NO_REQUEST_LIMITS, type RequestLimits } from './request-rates.ts'
import { serveSockets } from './sockets.ts'
import { DEFAULT_STREAM_LIMITS, type Holder, openStreams, type StreamLimits } from './streams.ts'
import { answerUnsubscribe } from './unsubscribe.ts'
import { answerWebhook } from './webhooks.ts'

export interface HttpServer {
  /** Where it listens: `http://127.0.0.1:4000`. */
  readonly url: string
  /** Is not ready from now on, answers no more requests, closes sockets with 1001, and resolves when all is quiet. */
  close(options?: Closing): Promise<void>
}

export interface Closing {
  /**
   * Until when it goes on answering, so that a load balancer has time to hear that it is not ready; each answer ends its
   * connection meanwhile, and callers come back on another one. Left out: it closes at once.
   */
  readonly after?: Promise<unknown>
}

export interface HttpOptions {
  readonly host: string
  /** 0 for any that is free. */
  readonly port: number
  /** Pages beside the API, by path. */
  readonly pages?: ReadonlyMap<string, Page>
  readonly schema?: GraphQLSchema
  /** Whether callers may ask for the schema, and are told of names in it that are like those they misspelt; true where left out. */
  readonly introspection?: boolean
  /** Operations that can be asked for by their hash, and who may ask for no others; none, and nobody, where left out. */
  readonly persisted?: PersistedOperations
  /** How many streams there may be, and how they are kept. */
  readonly streams?: StreamLimits
  /** How much may be asked for; without limit where left out. */
  readonly requests?: RequestLimits
  /** Which pages of browsers may ask, such as `https://app.example.com`; all where left out. */
  readonly origins?: readonly string[] | null
  readonly timeouts?: Timeouts
  /** Whether it answers health checks and metrics and nothing else, as of a process that carries out jobs; false by default. */
  readonly healthOnly?: boolean
  /** What is read at /metrics, and whether this machine may read it without a key; left out, there is nothing. */
  readonly metrics?: { readonly metrics: Readable; readonly openToLoopback: boolean }
}

const NOTHING_HERE = 'There is nothing here; the API is at /graphql\n'
const HEALTH_ONLY = 'This process carries out jobs (CARILLON_ROLE=worker) and answers health checks and metrics alone\n'

/** Larger than the largest payload by far, and small enough that nobody fills the memory with it. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

const CLOSE_GRACE_MS = 5_000

/** How long a caller may take, in milliseconds; its connection ends after that. */
export interface Timeouts {
  /** To send a request's headers; 15,000 by default. */
  readonly headersMs?: number
  /** To send a request whole; 30,000 by default. */
  readonly requestMs?: number
  /** Without a byte in either direction, such as one that does not read its answer; 120,000 by default. */
  readonly silenceMs?: number
}

/** How often Node looks at whose time is up. */
const CHECK_TIMEOUTS_EVERY_MS = 1_000

/** Nothing that a plain form on another page could send. */
const JSON_TYPE = /^application\/([\w.-]+\+)?json *(;|$)/i

const STATUS: { readonly [Code in ErrorCode]?: number } = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
}

const refuse = (response: ServerResponse, error: CarillonError, status: number = STATUS[error.code] ?? 400): void => {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const retryAfter = error.details.retryAfterSeconds
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      ...(retryAfter && { 'retry-after': String(retryAfter) }),
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(status === 413 && { connection: 'close' }),
    })
    .end(errorBody(error))
}

/** Some stream has to end first, which nobody knows when. */
const STREAMS_RETRY_AFTER_SECONDS = 5

const tooManyStreams = (perRecipient: number): CarillonError =>
  new CarillonError('RATE_LIMITED', `A recipient may have ${perRecipient} sockets and streams of events open at once`, {
    retryAfterSeconds: STREAMS_RETRY_AFTER_SECONDS,
  })

/** Opens the door over HTTP and sockets. */
export const serveHttp = async (app: App, options: HttpOptions): Promise<HttpServer> => {
  const compiler = createCompiler()
  const introspection = options.introspection ?? true
  const shown = shownError(app.telemetry, { suggestions: introspection })
  const persisted = options.persisted ?? NO_PERSISTED_OPERATIONS
  const schema = options.schema ?? carillonSchema
  const graphql = createGraphQLServer(app, { schema, compiler, shown, introspection, persisted })
  const limits = { ...DEFAULT_STREAM_LIMITS, ...options.streams }
  const streams = openStreams(app.credentials, limits)
  const pages = options.pages ?? new Map<string, Page>()
  const rates = countRequests(options.requests ?? NO_REQUEST_LIMITS)
  const admit = createAdmission(app, rates)
  const origins = originsOf(options.origins ?? null)
  let closing = false

  /** A stream of events is counted, and ends with its credential; false where there are as many as there may be. */
  const openStream = (holder: Holder, response: ServerResponse): boolean => {
    const stream = streams.open(holder, () => response.end())
    if (stream) {
      app.telemetry.emit('stream.opened', { kind: 'event_stream' })
      response.once('close', () => {
        stream.close()
        app.telemetry.emit('stream.closed', { kind: 'event_stream' })
      })
    }
    return stream !== null
  }

  const answerGraphQL = async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> => {
    // Before anything is waited for: what is active then is this request's.
    const parent = requestContext(request.headers)
    const holder = await admit(credentialOf(request), rates.addressOf(request))
    if (holder instanceof CarillonError) return refuse(response, holder)
    const isStream = asksForStream(request.headers.accept)
    if (!isStream) request.headers.accept = acceptedJson(request.headers.accept)
    if (request.method === 'GET' && !isStream) {
      const error = new CarillonError(
        'BAD_USER_INPUT',
        'Send operations with POST; GET is for subscriptions as server-sent events',
      )
      return refuse(response, error, 405)
    }
    if (request.method === 'POST' && !JSON_TYPE.test(request.headers['content-type'] ?? '')) {
      return refuse(response, new CarillonError('BAD_USER_INPUT', 'Send operations as application/json'), 415)
    }
    const body = await readBody(request, MAX_BODY_BYTES)
    if (body === 'too_large') {
      return refuse(
        response,
        new CarillonError('BAD_USER_INPUT', `The body is larger than ${MAX_BODY_BYTES / 1024} KiB`),
        413,
      )
    }
    if (response.destroyed) return
    const reads = await chooseReads(app, holder.principal, { request, response, isStream })
    if (isStream && !openStream(holder, response)) {
      return refuse(response, tooManyStreams(limits.perRecipient))
    }
    if (body !== null) Object.assign(request, { body })
    await graphql.handle(
      request as never,
      response as never,
      { principal: holder.principal, asked, parent, reads } as never,
    )
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request)
    response.setHeader('x-content-type-options', 'nosniff')
    if (answerHealth(app, request, response, { closing })) return
    if (path === METRICS_PATH && options.metrics) {
      const admitted = () => admit(credentialOf(request), rates.addressOf(request))
      return answerMetrics(options.metrics, { request, response, admitted })
    }
    if (options.healthOnly) return void response.writeHead(404, { 'content-type': 'text/plain' }).end(HEALTH_ONLY)
    if (path === '/graphql') {
      if (request.method === 'OPTIONS') {
        origins.tellBefore(request, response)
        return void response.writeHead(204).end()
      }
      origins.tell(request, response)
      response.setHeader('cache-control', 'no-store')
      return answerGraphQL(request, response, noteAnswer(app.telemetry, response))
    }
    const webhook = webhookAddressIn(path)
    if (webhook) return answerWebhook(app, webhook, { request, response })
    const unsubscribeToken = unsubscribeTokenIn(path)
    if (unsubscribeToken !== null) return answerUnsubscribe(app, unsubscribeToken, { request, response })
    const page = pages.get(path)
    if (page && (request.method === 'GET' || request.method === 'HEAD')) return page(request, response)
    response.writeHead(404, { 'content-type': 'text/plain' }).end(NOTHING_HERE)
  }

  const { headersMs = 15_000, requestMs = 30_000, silenceMs = 120_000 } = options.timeouts ?? {}
  const timeouts = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: Math.min(CHECK_TIMEOUTS_EVERY_MS, headersMs),
  }
  const server = createServer(timeouts, (request, response) => {
    if (closing) response.setHeader('connection', 'close')
    answer(request, response).catch((error: unknown) => {
      // Who went away in the middle of it is told nothing, and no fault of the server's.
      if (!response.destroyed) refuse(response, publicError(error, app.telemetry))
    })
  })
  server.timeout = silenceMs
  const sockets = options.healthOnly
    ? null
    : serveSockets(app, server, {
        begin: createOperations(app, { graphql, compiler, toShown: shown, persisted }),
        toShown: shown,
        streams,
        admit,
        rates,
        origins,
        limits,
      })
  await listen(server, options)
  const { port } = server.address() as AddressInfo

  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    async close({ after } = {}) {
      closing = true
      await after
      const closed = new Promise((resolve) => server.close(resolve))
      streams.close()
      sockets?.close()
      app.hub.close()
      app.tail.close()
      // Once for those that are idle now, and once more for those whose stream of events has just ended.
      server.closeIdleConnections()
      setImmediate(() => server.closeIdleConnections())
      // Who does not read its answer holds nobody up for longer.
      const grace = setTimeout(() => {
        sockets?.terminate()
        server.closeAllConnections()
      }, CLOSE_GRACE_MS)
      await closed
      clearTimeout(grace)
    },
  }
}

const listen = (server: Server, { host, port }: HttpOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      const forbidden = error.code === 'EACCES'
      if (taken)
        reject(
          new SetupError(
            `Port ${port} of ${host} is taken by another process. Stop that one, or choose another with PORT=...`,
          ),
        )
      else if (forbidden)
        reject(new SetupError(`This account may not listen on port ${port}. Choose one above 1023 with PORT=...`))
      else reject(new SetupError(`Cannot listen on ${host}:${port}: ${error.message}`))
    })
    server.listen(port, host, resolve)
  })
