import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  type SourceLocation,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import type { Plugin } from 'graphql-yoga'
import { isKept } from './document-reader.ts'
import { hasMoreValuesThan } from './variables-size.ts'

/** A document is compiled when it comes again this often: one that is sent once is not worth it. */
const COMPILE_AFTER = 3
/** Each fault in variables quotes the object that it is in: where there are more values than this, one is told. */
const MANY_VALUES = 250

interface Entry {
  seen: number
  /** By the operation's name; `null` where it cannot be compiled. */
  readonly compiled: Map<string, CompiledQuery['query'] | null>
}

type MaybePromise<T> = T | Promise<T>

/** Executes documents that come again and again compiled. */
export interface Compiler {
  /** Counts that an operation is executed; answers how where it is compiled, else `null`. */
  compiledFor(args: ExecutionArgs): ((args: ExecutionArgs) => MaybePromise<ExecutionResult>) | null
  execute(args: ExecutionArgs): MaybePromise<ExecutionResult>
}

const offsetOf = (body: string, { line, column }: SourceLocation): number => {
  const before = [...body.matchAll(/\r\n|\n|\r/g)][line - 2]
  return (before ? before.index + before[0].length : 0) + column - 1
}

/** Compiled execution makes errors of its own: with lines and columns, but without what they are worked out of. */
const withPlaces = (result: ExecutionResult, { loc }: DocumentNode): ExecutionResult => {
  if (!result.errors) return result
  const errors = result.errors.map(({ message, path, locations, originalError }) => {
    const positions = loc && locations?.map((location) => offsetOf(loc.source.body, location))
    const place = loc && positions ? { source: loc.source, positions } : {}
    return new GraphQLError(message, { ...place, path: path ?? null, originalError: originalError ?? null })
  })
  return { ...result, errors }
}

/** What is to be executed, so that faults in many variables cost no more than those in few. */
export const withFewFaults = (args: ExecutionArgs): ExecutionArgs =>
  hasMoreValuesThan(MANY_VALUES, args.variableValues) ? { ...args, options: { maxCoercionErrors: 1 } } : args

const executeSafely = (args: ExecutionArgs) => execute(withFewFaults(args)) as MaybePromise<ExecutionResult>

/** The faults of variables that are many, which compiled execution would all find; `null` where it may look itself. */
const faultsOfMany = ({ schema, document, operationName, variableValues }: ExecutionArgs) => {
  if (!hasMoreValuesThan(MANY_VALUES, variableValues)) return null
  const definitions = getOperationAST(document, operationName)?.variableDefinitions ?? []
  return getVariableValues(schema, definitions, variableValues ?? {}, { maxErrors: 1 }).errors ?? null
}

/**
 * Nearly doubles what one process answers, and more than that for the events of subscriptions. Documents are told apart
 * by identity: Yoga keeps the parsed ones.
 */
export const createCompiler = (): Compiler => {
  const entries = new WeakMap<DocumentNode, Entry>()

  const queryFor = ({ schema, document, operationName }: ExecutionArgs): CompiledQuery['query'] | null => {
    // As large as one likes, and each event of a subscription executes it again.
    if (!isKept(document)) return null
    const name = operationName ?? ''
    let entry = entries.get(document)
    const known = entry?.compiled.get(name)
    if (known !== undefined) return known
    // Only names that there are: they are kept.
    if (!getOperationAST(document, operationName)) return null
    if (!entry) {
      entry = { seen: 0, compiled: new Map() }
      entries.set(document, entry)
    }
    entry.seen += 1
    if (entry.seen < COMPILE_AFTER) return null
    const result = compileQuery(schema, document, name, { disablingCapturingStackErrors: true })
    const compiled = isCompiledQuery(result) ? result.query : null
    entry.compiled.set(name, compiled)
    return compiled
  }

  const compiledFor: Compiler['compiledFor'] = (args) => {
    const query = queryFor(args)
    if (!query) return null
    return (given) => {
      const errors = faultsOfMany(given)
      if (errors) return { errors }
      const result = query(given.rootValue, given.contextValue, given.variableValues)
      if ('then' in result) return result.then((answer) => withPlaces(answer, given.document))
      // Without data nothing was executed: the variables do not fit, which graphql-js says more exactly.
      return 'data' in result ? withPlaces(result, given.document) : executeSafely(given)
    }
  }

  return {
    compiledFor,
    execute: (args) => (compiledFor(args) ?? executeSafely)(args),
  }
}

/** The events of a subscription, each executed compiled. By hand: its return must not wait for the next event. */
const executeEach = (
  source: AsyncIterable<unknown>,
  executeOne: (event: unknown) => MaybePromise<ExecutionResult>,
): AsyncIterableIterator<ExecutionResult> => {
  const events = source[Symbol.asyncIterator]()
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    async next() {
      const { value, done } = await events.next()
      return done ? { value: undefined, done: true } : { value: await executeOne(value), done: false }
    },
    async return() {
      await events.return?.()
      return { value: undefined, done: true }
    },
  }
}

/** Lets Yoga execute by a compiler. */
export const compiledExecution = (compiler: Compiler): Plugin => ({
  onExecute({ args, setExecuteFn }) {
    // Not by Yoga's own executor, which takes an object with a field that is called `then` for a promise.
    setExecuteFn(compiler.compiledFor(args) ?? executeSafely)
  },
  onSubscribe({ setSubscribeFn }) {
    setSubscribeFn(async (args: ExecutionArgs) => {
      const source = await createSourceEventStream(withFewFaults(args))
      if (!(Symbol.asyncIterator in source)) return source
      return executeEach(source, (rootValue) => compiler.execute({ ...args, rootValue }))
    })
  },
})
