import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  type SourceLocation,
} from 'graphql'
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit'
import type { Plugin } from 'graphql-yoga'

/** A document is compiled when it comes again this often: one that is sent once is not worth it. */
const COMPILE_AFTER = 3

interface Entry {
  seen: number
  /** By the operation's name; `null` where it cannot be compiled. */
  readonly compiled: Map<string, CompiledQuery['query'] | null>
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

/**
 * Executes documents that come again and again compiled, which nearly doubles what one process answers. Documents are
 * told apart by identity: Yoga keeps the parsed ones.
 */
export const compiledExecution = (): Plugin => {
  const entries = new WeakMap<DocumentNode, Entry>()

  const compiledFor = ({ schema, document, operationName }: ExecutionArgs): CompiledQuery['query'] | null => {
    // Only names that there are: they are kept.
    if (!getOperationAST(document, operationName)) return null
    const entry = entries.get(document) ?? { seen: 0, compiled: new Map() }
    entries.set(document, entry)
    entry.seen += 1
    if (entry.seen < COMPILE_AFTER) return null
    const name = operationName ?? ''
    const known = entry.compiled.get(name)
    if (known !== undefined) return known
    const result = compileQuery(schema, document, name, { disablingCapturingStackErrors: true })
    const compiled = isCompiledQuery(result) ? result.query : null
    entry.compiled.set(name, compiled)
    return compiled
  }

  return {
    onExecute({ args, setExecuteFn }) {
      const compiled = compiledFor(args)
      if (!compiled) return
      setExecuteFn((given: ExecutionArgs) => {
        const result = compiled(given.rootValue, given.contextValue, given.variableValues)
        if ('then' in result) return result.then((answer) => withPlaces(answer, given.document))
        // Without data nothing was executed: the variables do not fit, which graphql-js says more exactly.
        return 'data' in result ? withPlaces(result, given.document) : execute(given)
      })
    },
  }
}
