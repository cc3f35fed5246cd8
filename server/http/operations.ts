import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  getOperationAST,
} from 'graphql'
import type { App } from '../app.ts'
import type { DocumentRequest, PersistedOperations } from '../core/persisted-operations.ts'
import type { Principal } from '../core/principal.ts'
import { codeOf, type operationIn, tellAnswered } from './asked.ts'
import { type Compiler, withFewFaults } from './compiled-execution.ts'
import { createContext } from './context.ts'
import { type ShownError, withoutTransport } from './errors.ts'
import type { GraphQLServer } from './graphql.ts'
import { textAskedFor } from './persisted-documents.ts'

/** What a client asks for: by its text, or by the hash of one. */
export interface OperationRequest extends DocumentRequest {
  readonly query?: string | null | undefined
  readonly variables?: Readonly<Record<string, unknown>> | null
  readonly operationName?: string | null
}

/** What becomes of an operation. */
export type Begun =
  | { readonly kind: 'refused'; readonly errors: readonly GraphQLFormattedError[] }
  | { readonly kind: 'answered'; readonly result: FormattedExecutionResult }
  | Streaming

export interface Streaming {
  readonly kind: 'streaming'
  readonly events: AsyncIterator<unknown>
  readonly resultOf: (event: unknown) => FormattedExecutionResult | Promise<FormattedExecutionResult>
}

/** Begins operations that do not come over HTTP. Never rejects: whatever fails is an answer to that one operation. */
export type Begin = (principal: Principal, request: OperationRequest) => Promise<Begun>

/**
 * Operations outside of Yoga's requests, through the same parsing and checks. The events of a subscription are executed
 * here, since what Yoga wraps around each of them costs more than they do; one that waits keeps no context.
 */
export const createOperations = (
  app: App,
  {
    graphql,
    compiler,
    toShown,
    persisted,
  }: { graphql: GraphQLServer; compiler: Compiler; toShown: ShownError; persisted: PersistedOperations },
): Begin => {
  const shown = (errors: readonly GraphQLError[]) => errors.map((error) => withoutTransport(toShown(error)))
  const refused = (errors: readonly GraphQLError[]): Begun => ({ kind: 'refused', errors: shown(errors) })
  const format = ({ errors, ...result }: ExecutionResult): FormattedExecutionResult =>
    errors ? { ...result, errors: shown(errors) } : result

  const stream = async (principal: Principal, args: ExecutionArgs): Promise<Begun> => {
    const source = await createSourceEventStream(
      withFewFaults({ ...args, contextValue: createContext(app, principal) }),
    )
    if (!(Symbol.asyncIterator in source)) return { kind: 'answered', result: format(source) }
    return {
      kind: 'streaming',
      events: source[Symbol.asyncIterator](),
      resultOf(rootValue) {
        const result = compiler.execute({ ...args, rootValue, contextValue: createContext(app, principal) })
        return 'then' in result ? result.then(format) : format(result)
      },
    }
  }

  const answer = async (
    principal: Principal,
    request: OperationRequest,
    asked: { operation: ReturnType<typeof operationIn> },
  ): Promise<Begun> => {
    try {
      const { variables = null, operationName = null } = request
      const query = textAskedFor(persisted, { ...request, query: request.query ?? '' })
      const params = { query, variables, operationName }
      const envelop = graphql.getEnveloped({ principal, params } as never)
      const { schema, execute, parse, validate, contextFactory } = envelop
      const document = parse(query)
      const faults = validate(schema, document)
      if (faults.length > 0) return refused(faults)
      const operation = getOperationAST(document, operationName)
      if (!operation) return refused([new GraphQLError('Could not determine what operation to execute.')])
      const args: ExecutionArgs = { schema, document, operationName, variableValues: variables }
      asked.operation = operation.operation
      if (operation.operation === 'subscription') return await stream(principal, args)
      const result = (await execute({ ...args, contextValue: await contextFactory() })) as ExecutionResult
      return { kind: 'answered', result: format(result) }
    } catch (error) {
      // A syntax error is an answer to one operation, not the end of the socket.
      return refused([error as GraphQLError])
    }
  }
  return async (principal, request) => {
    const asked = { operation: 'none' as ReturnType<typeof operationIn>, begun: performance.now() }
    const begun = await answer(principal, request, asked)
    const errors = begun.kind === 'refused' ? begun.errors : begun.kind === 'answered' ? begun.result.errors : undefined
    tellAnswered(app.telemetry, 'socket', { ...asked, code: codeOf(errors) })
    return begun
  }
}
