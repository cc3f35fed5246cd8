import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionArgs, type FormattedExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import { useServer } from 'graphql-ws/use/ws'
import { WebSocketServer } from 'ws'
import type { App } from '../app.ts'
import type { Principal } from '../core/principal.ts'
import { createContext } from './context.ts'
import { shownError, unauthenticated, withoutTransport } from './errors.ts'
import type { GraphQLServer } from './graphql.ts'
import { pathOf } from './path.ts'

const MAX_MESSAGE_BYTES = 512 * 1024
const MAX_OPERATIONS_PER_SOCKET = 50
/** The client asks for a new token and comes back after this one; after 4401 it would give up. */
const FORBIDDEN = 4403
const TRY_AGAIN_LATER = 1013
/** Longer than this a timer cannot be set; the end of a token is then looked at again. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Extra extends Record<PropertyKey, unknown> {
  principal?: Principal
  credential?: string
  expiry?: NodeJS.Timeout
  operations?: number
}

const credentialIn = (params: unknown): string | null => {
  const { authorization, Authorization, token } = (params ?? {}) as Record<string, unknown>
  const bearer = authorization ?? Authorization
  if (typeof bearer === 'string') return /^Bearer (.+)$/i.exec(bearer)?.[1] ?? null
  return typeof token === 'string' && token !== '' ? token : null
}

/** GraphQL over sockets at the same path as over HTTP, through the same checks, with the same verdicts. */
export const serveSockets = (app: App, graphql: GraphQLServer, server: Server) => {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  const toShown = shownError(app.telemetry)

  /** Ends a socket when its token does, unless it has been renewed by then. */
  const endWithToken = (extra: Extra, close: () => void): void => {
    clearTimeout(extra.expiry)
    const { expiresAt } = extra.principal as Principal
    if (!expiresAt) return
    const left = expiresAt.getTime() - Date.now()
    extra.expiry = setTimeout(
      () => (left > MAX_TIMER_MS ? endWithToken(extra, close) : close()),
      Math.min(Math.max(left, 0), MAX_TIMER_MS),
    )
  }

  const { dispose } = useServer<Record<string, unknown>, Extra>(
    {
      async onConnect({ connectionParams, extra }) {
        const credential = credentialIn(connectionParams)
        const close = () => extra.socket.close(FORBIDDEN, 'UNAUTHENTICATED')
        let principal: Principal | null
        try {
          principal = credential === null ? null : await app.credentials.authenticate(credential)
        } catch (error) {
          // Not the end of it for the client, as an internal error would be: it comes back.
          extra.socket.close(TRY_AGAIN_LATER, toShown(error).message)
          return
        }
        if (!principal || credential === null) return false
        extra.principal = principal
        extra.credential = credential
        endWithToken(extra, close)
        return true
      },
      async onPing({ extra }, payload) {
        const token = payload?.['token']
        const { principal } = extra
        if (typeof token !== 'string' || !principal?.recipientId) return
        const renewed = await app.credentials.authenticate(token)
        const same = renewed?.tenantId === principal.tenantId && renewed.recipientId === principal.recipientId
        const close = () => extra.socket.close(FORBIDDEN, 'UNAUTHENTICATED')
        if (!same) return close()
        extra.principal = renewed
        extra.credential = token
        endWithToken(extra, close)
      },
      async onSubscribe({ extra }, _id, payload) {
        const carried = extra.operations ?? 0
        if (carried >= MAX_OPERATIONS_PER_SOCKET) {
          const message = `A socket carries at most ${MAX_OPERATIONS_PER_SOCKET} operations at once`
          return [new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } })]
        }
        // Counted before anything is waited for: many can be asked for in one breath.
        extra.operations = carried + 1
        const refuse = (errors: readonly GraphQLError[]) => {
          extra.operations = Math.max(0, (extra.operations ?? 0) - 1)
          return errors
        }
        try {
          // Looked at anew for each operation: a key may have been revoked since.
          const principal = await app.credentials.authenticate(extra.credential as string)
          if (!principal) return refuse([toShown(unauthenticated(true))])
          const { schema, execute, subscribe, parse, validate, contextFactory } = graphql.getEnveloped({
            principal,
            params: payload,
          } as never)
          const document = parse(payload.query)
          const errors = validate(schema, document)
          if (errors.length > 0) return refuse(errors.map(toShown))
          const operationName = payload.operationName ?? null
          if (!getOperationAST(document, operationName)) {
            return refuse([toShown(new GraphQLError('Could not determine what operation to execute.'))])
          }
          const args: ExecutionArgs & { rootValue: unknown } = {
            schema,
            document,
            operationName,
            variableValues: payload.variables ?? null,
            contextValue: (await contextFactory()) ?? createContext(app, principal),
            // How graphql-ws is given the functions that carry the plugins.
            rootValue: { execute, subscribe },
          }
          return args
        } catch (error) {
          // A syntax error is an answer to one operation, not the end of the socket.
          return refuse([toShown(error)])
        }
      },
      execute: (args) =>
        (args as { rootValue: { execute(args: ExecutionArgs): never } }).rootValue.execute(args as ExecutionArgs),
      subscribe: (args) =>
        (args as { rootValue: { subscribe(args: ExecutionArgs): never } }).rootValue.subscribe(args as ExecutionArgs),
      onNext: (_context, _id, _payload, _args, { errors, ...result }) =>
        errors ? { ...(result as FormattedExecutionResult), errors: errors.map(withoutTransport) } : undefined,
      onError: (_context, _id, _payload, errors) => errors.map(withoutTransport),
      onComplete({ extra }) {
        extra.operations = Math.max(0, (extra.operations ?? 0) - 1)
      },
      onClose({ extra }) {
        clearTimeout(extra.expiry)
      },
    },
    sockets,
  )

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (pathOf(request) !== '/graphql') {
      // Nobody else listens any more, and an error that nobody listens to ends the process.
      socket.on('error', () => {})
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => sockets.emit('connection', webSocket, request))
  })

  return { close: async () => dispose() }
}
