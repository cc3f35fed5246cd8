import type { GraphQLSchema } from 'graphql'
import { createYoga, type YogaServerInstance } from 'graphql-yoga'
import type { Context } from '../../schema/context.ts'
import type { App } from '../app.ts'
import type { PersistedOperations } from '../core/persisted-operations.ts'
import type { Principal } from '../core/principal.ts'
import type { Context as Trace } from '../tracing.ts'
import { streamsByName } from './accept.ts'
import { type Asked, noteAsked } from './asked.ts'
import { type Compiler, compiledExecution } from './compiled-execution.ts'
import { createContext } from './context.ts'
import { documentChecks } from './document-checks.ts'
import { ownErrorCodes } from './error-codes.ts'
import type { ShownError } from './errors.ts'
import { persistedDocuments } from './persisted-documents.ts'
import { queriesAlone, replicaFailures } from './replica-reads.ts'

/** What the doors know of a request before GraphQL does. */
export interface ServerContext {
  readonly principal: Principal
  /** To be filled in with what was asked; left out by doors that find out for themselves. */
  readonly asked?: Asked
  /** What the request stands within, for traces. */
  readonly parent?: Trace
  /** Which database answers; the primary where left out. */
  readonly reads?: 'primary' | 'replica'
}

export type GraphQLServer = YogaServerInstance<ServerContext, Context>

/**
 * GraphQL itself, without anything that another part of the doors does better: pages, CORS, body limits and health are
 * theirs, and each of Yoga's own costs every request.
 */
export const createGraphQLServer = (
  app: App,
  {
    schema,
    compiler,
    shown,
    introspection,
    persisted,
  }: {
    readonly schema: GraphQLSchema
    readonly compiler: Compiler
    readonly shown: ShownError
    /** Whether callers may ask for the schema. */
    readonly introspection: boolean
    readonly persisted: PersistedOperations
  },
): GraphQLServer => {
  return createYoga<ServerContext, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    context: ({ principal, parent, reads }) => createContext(app, principal, { parent, reads }),
    maskedErrors: { maskError: shown },
    plugins: [
      persistedDocuments(persisted),
      documentChecks({ introspection }),
      queriesAlone(),
      streamsByName(),
      ...(app.replica ? [replicaFailures()] : []),
      compiledExecution(compiler),
      ownErrorCodes(shown),
      noteAsked(),
    ],
    parserAndValidationCache: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    logging: false,
  } as Parameters<typeof createYoga<ServerContext, Context>>[0])
}
